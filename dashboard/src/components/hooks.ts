import { useEffect, useReducer, useState } from 'preact/hooks'
import { parseRoute, type Route } from '../route.ts'
import { onThemeChange } from '../theme.ts'

/** A function that renders the component again. */
export const useRedraw = (): (() => void) => {
  const [, redraw] = useReducer((n: number, _: undefined) => n + 1, 0)
  return () => redraw(undefined)
}

/** The time, moving on every `intervalMs`. */
export const useNow = (intervalMs: number): number => {
  const [nowMs, setNowMs] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), intervalMs)
    return () => clearInterval(timer)
  }, [intervalMs])
  return nowMs
}

export const useMedia = (query: string): boolean => {
  const [isMatching, setMatching] = useState(() => matchMedia(query).matches)
  useEffect(() => {
    const media = matchMedia(query)
    const update = () => setMatching(media.matches)
    update()
    media.addEventListener('change', update)
    return () => media.removeEventListener('change', update)
  }, [query])
  return isMatching
}

/** The page that the URL's fragment names. */
export const useRoute = (): Route => {
  const [fragment, setFragment] = useState(() => location.hash)
  useEffect(() => {
    const update = () => setFragment(location.hash)
    addEventListener('hashchange', update)
    return () => removeEventListener('hashchange', update)
  }, [])
  return parseRoute(fragment)
}

/** A number that changes with the theme, for what is drawn with its colours. */
export const useThemeVersion = (): number => {
  const [version, setVersion] = useState(0)
  useEffect(() => onThemeChange(() => setVersion((n) => n + 1)), [])
  return version
}
