export type Route =
  | { readonly page: 'fleet' }
  | { readonly page: 'vm'; readonly id: string }
  /** `search` is what the page itself keeps in the address, as `query=up&range=1h`. */
  | { readonly page: 'explore'; readonly search: string }
  | { readonly page: 'routing'; readonly search: string }
  | { readonly page: 'gateway'; readonly search: string }
  | { readonly page: 'connect'; readonly search: string }

const SEARCHED = ['explore', 'routing', 'gateway', 'connect'] as const

/** The page that a URL fragment names; what is not known is the fleet. */
export const parseRoute = (fragment: string): Route => {
  const own = /^#\/(\w+)(?:\?(.*))?$/.exec(fragment)
  const page = SEARCHED.find((name) => name === own?.[1])
  if (page !== undefined) return { page, search: own?.[2] ?? '' }
  const match = /^#\/vms\/([^/?&]+)/.exec(fragment)
  return match?.[1] === undefined ? { page: 'fleet' } : { page: 'vm', id: decode(match[1]) }
}

export const routeTo = (route: Route): string => {
  switch (route.page) {
    case 'fleet':
      return '#/'
    case 'vm':
      return `#/vms/${encodeURIComponent(route.id)}`
    case 'explore':
    case 'routing':
    case 'gateway':
    case 'connect':
      return `#/${route.page}${route.search === '' ? '' : `?${route.search}`}`
  }
}

/** What a tab of the browser is called. */
export const titleOf = ({ page }: Route): string =>
  page === 'fleet' || page === 'vm'
    ? 'Gjallar'
    : `${page.charAt(0).toUpperCase()}${page.slice(1)} · Gjallar`

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    // A broken escape, typed by hand: no VM has that name, and the page says so.
    return text
  }
}
