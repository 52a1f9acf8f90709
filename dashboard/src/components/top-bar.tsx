import type { Fleet } from '../fleet.ts'
import { type Route, routeTo } from '../route.ts'
import type { Session } from '../session.ts'
import { currentTheme, toggleTheme } from '../theme.ts'
import { ConnectionState } from './connection-state.tsx'
import { useThemeVersion } from './hooks.ts'
import { HornMark, MoonIcon, SunIcon } from './icons.tsx'

interface TopBarProps {
  organisation: string | null
  fleet: Fleet | null
  page: Route['page']
  session: Session['kind']
  onSignOut: (() => void) | null
}

const PAGES = [
  { page: 'explore', label: 'Explore' },
  { page: 'routing', label: 'Routing' },
  { page: 'gateway', label: 'Gateway' },
  { page: 'connect', label: 'Connect' },
] as const

export const TopBar = ({ organisation, fleet, page, session, onSignOut }: TopBarProps) => (
  <header class="top-bar">
    <a class="brand" href="#/" aria-label="Gjallar, fleet">
      <HornMark />
      <span>Gjallar</span>
    </a>
    {session === 'signed-in' && (
      <nav class="top-nav" aria-label="Pages">
        {PAGES.map(({ page: other, label }) => (
          <a
            key={other}
            href={routeTo({ page: other, search: '' })}
            aria-current={page === other ? 'page' : undefined}
            data-testid={`nav-${other}`}
          >
            {label}
          </a>
        ))}
      </nav>
    )}
    <span class="top-bar-space" />
    {organisation !== null && <span class="organisation">{organisation}</span>}
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
