const STORAGE = 'gjallar.queries'
export const RECENT_MAX = 20
/** Longer expressions are not remembered: they would fill the browser's storage. */
const RECENT_LENGTH_MAX = 4_000

/** The newest first, each once. */
export const withRecent = (recent: readonly string[], query: string): readonly string[] =>
  query.length > RECENT_LENGTH_MAX
    ? recent
    : [query, ...recent.filter((other) => other !== query)].slice(0, RECENT_MAX)

/** What was stored, as far as it is a list of texts: another version may have written it. */
export const parseRecent = (stored: string | null): readonly string[] => {
  try {
    const list: unknown = JSON.parse(stored ?? '[]')
    return Array.isArray(list)
      ? list.filter((entry) => typeof entry === 'string').slice(0, RECENT_MAX)
      : []
  } catch {
    // Not JSON: as if nothing had been stored.
    return []
  }
}

export const readRecent = (): readonly string[] => {
  try {
    return parseRecent(localStorage.getItem(STORAGE))
  } catch {
    // Storage is refused in some private windows.
    return []
  }
}

export const rememberQuery = (query: string): readonly string[] => {
  const recent = withRecent(readRecent(), query)
  try {
    localStorage.setItem(STORAGE, JSON.stringify(recent))
  } catch {
    // As in readRecent, or the storage is full: the list then lasts as long as the page.
  }
  return recent
}
