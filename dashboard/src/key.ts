/** Where the key of this tab is kept; gone with the tab. */
export const KEY_STORAGE = 'gjallar.key'

export interface FragmentParts {
  readonly key: string | null
  /** The fragment without the key, `''` or starting with `#/`. */
  readonly rest: string
}

/**
 * Takes a key out of a URL fragment: `#key=…`, `#key=…&/vms/7`, `#/vms/7?key=…`.
 * Fragments are never sent to a server, so a key may travel there, but it must not stay in the history.
 */
export const takeKey = (fragment: string): FragmentParts => {
  const match = /(?:^#|[?&])key=([^&]*)/.exec(fragment)
  if (match === null) return { key: null, rest: fragment }
  const rest = fragment.replace(match[0], match[0].startsWith('#') ? '#' : '').replace('#&', '#')
  return { key: decode(match[1] ?? ''), rest: rest === '#' ? '' : rest }
}

const decode = (text: string): string | null => {
  try {
    return decodeURIComponent(text).trim() || null
  } catch {
    // A stray % in a key that was not encoded: take it as it stands.
    return text.trim() || null
  }
}
