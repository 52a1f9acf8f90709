import type { Fleet } from '../fleet.ts'
import type { Session } from '../session.ts'
import { currentTheme, toggleTheme } from '../theme.ts'
import { ConnectionState } from './connection-state.tsx'
import { useThemeVersion } from './hooks.ts'
import { HornMark, MoonIcon, SunIcon } from './icons.tsx'

interface TopBarProps {
  organisation: string | null
  fleet: Fleet | null
  session: Session['kind']
  onSignOut: (() => void) | null
}

export const TopBar = ({ organisation, fleet, session, onSignOut }: TopBarProps) => (
  <header class="top-bar">
    <a class="brand" href="#/" aria-label="Gjallar, fleet">
      <HornMark />
      <span>Gjallar</span>
    </a>
    {organisation !== null && <span class="organisation">{organisation}</span>}
    <span class="top-bar-space" />
    <ConnectionState fleet={fleet} session={session} />
    <a class="top-link" href="/docs">
      API
    </a>
    {onSignOut !== null && (
      <button type="button" class="top-link" onClick={onSignOut}>
        Sign out
      </button>
    )}
    <ThemeToggle />
  </header>
)

const ThemeToggle = () => {
  useThemeVersion()
  const next = currentTheme() === 'dark' ? 'light' : 'dark'
  return (
    <button
      type="button"
      class="icon-button"
      data-testid="theme-toggle"
      aria-label={`Use the ${next} theme`}
      title={`Use the ${next} theme`}
      onClick={toggleTheme}
    >
      {next === 'light' ? <SunIcon /> : <MoonIcon />}
    </button>
  )
}
