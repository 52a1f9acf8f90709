const STORAGE = 'gjallar.theme'

export type Theme = 'light' | 'dark'

/** Colours for canvases, which do not read CSS themselves. */
export interface Palette {
  readonly text: string
  readonly muted: string
  readonly line: string
  readonly surface: string
  readonly cpu: string
  readonly memory: string
  readonly disk: string
  readonly inbound: string
  readonly outbound: string
  readonly healthy: string
  readonly idle: string
  readonly warning: string
  readonly critical: string
  readonly silent: string
}

const system = matchMedia('(prefers-color-scheme: dark)')
const listeners = new Set<() => void>()
let cached: { readonly theme: Theme; readonly colours: Palette } | null = null

const systemTheme = (): Theme => (system.matches ? 'dark' : 'light')

const chosenTheme = (): Theme | null => {
  try {
    const value = localStorage.getItem(STORAGE)
    return value === 'light' || value === 'dark' ? value : null
  } catch {
    // Storage is refused in some private windows: the choice then lasts as long as the page.
    return null
  }
}

export const currentTheme = (): Theme => {
  const shown = document.documentElement.dataset.theme
  return shown === 'light' || shown === 'dark' ? shown : systemTheme()
}

/** Applies the remembered choice and follows the system where there is none. */
export const startTheme = (): void => {
  apply(chosenTheme())
  system.addEventListener('change', changed)
}

/** Shows the other theme. A choice that is the system's own is not remembered, so the page follows it again. */
export const toggleTheme = (): void => {
  const next: Theme = currentTheme() === 'dark' ? 'light' : 'dark'
  const choice = next === systemTheme() ? null : next
  try {
    if (choice === null) localStorage.removeItem(STORAGE)
    else localStorage.setItem(STORAGE, choice)
  } catch {
    // As in chosenTheme.
  }
  apply(choice)
}

export const onThemeChange = (listener: () => void): (() => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export const palette = (): Palette => {
  const theme = currentTheme()
  // Chromium reports no change of the system's theme that falls into a resize, hence the comparison.
  if (cached?.theme !== theme) cached = { theme, colours: readPalette() }
  return cached.colours
}

const apply = (choice: Theme | null): void => {
  if (choice === null) delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = choice
  changed()
}

const changed = (): void => {
  for (const listener of listeners) listener()
}

/** One colour by the name of its custom property, as it is in the theme that is shown. */
export const colourOf = (name: string): string => {
  const probe = document.createElement('span')
  document.body.append(probe)
  probe.style.color = `var(--${name})`
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}

/** A custom property that holds `light-dark()` is resolved only where it is used, hence the probe. */
const readPalette = (): Palette => {
  const probe = document.createElement('span')
  document.body.append(probe)
  const read = (name: string): string => {
    probe.style.color = `var(--${name})`
    return getComputedStyle(probe).color
  }
  const colours: Palette = {
    text: read('text'),
    muted: read('muted'),
    line: read('line'),
    surface: read('surface'),
    cpu: read('cpu'),
    memory: read('memory'),
    disk: read('disk'),
    inbound: read('inbound'),
    outbound: read('outbound'),
    healthy: read('healthy'),
    idle: read('idle'),
    warning: read('warning'),
    critical: read('critical'),
    silent: read('silent'),
  }
  probe.remove()
  return colours
}
