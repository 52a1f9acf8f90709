export type Route = { readonly page: 'fleet' } | { readonly page: 'vm'; readonly id: string }

/** The page that a URL fragment names; what is not known is the fleet. */
export const parseRoute = (fragment: string): Route => {
  const match = /^#\/vms\/([^/?&]+)/.exec(fragment)
  return match?.[1] === undefined ? { page: 'fleet' } : { page: 'vm', id: decode(match[1]) }
}

export const routeTo = (route: Route): string =>
  route.page === 'fleet' ? '#/' : `#/vms/${encodeURIComponent(route.id)}`

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    // A broken escape, typed by hand: no VM has that name, and the page says so.
    return text
  }
}
