/** Names that mean this machine. */
const LOOPBACK = /^(?:localhost|(?:.+\.)?localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

/** Names and addresses that no public name server knows: RFC 1918, RFC 4193, RFC 6762, single labels. */
const PRIVATE =
  /^(?:10(?:\.\d{1,3}){3}|192\.168(?:\.\d{1,3}){2}|172\.(?:1[6-9]|2\d|3[01])(?:\.\d{1,3}){2}|\[f[cd][0-9a-f:]*\]|[a-z0-9-]+|.+\.(?:local|internal|lan))$/

/**
 * A provider's base URL without a slash at its end. It is https; http only to this machine, and to a
 * private address where the operator says so.
 *
 * @returns the URL, or what is wrong with it, without repeating it: it may hold a password
 */
export const readBaseUrl = (
  text: string,
  mayBePrivate: boolean,
): { readonly url: string } | { readonly fault: string } => {
  if (!URL.canParse(text)) return { fault: 'is no URL' }
  const url = new URL(text)
  if (url.username !== '' || url.password !== '')
    return { fault: 'must not hold a user or password: keys belong in bindings' }
  if (url.search !== '' || url.hash !== '') return { fault: 'must not hold a query or fragment' }
  const { hostname } = url
  if (url.protocol !== 'https:') {
    if (url.protocol !== 'http:') return { fault: 'must begin with https://' }
    const isAllowed = LOOPBACK.test(hostname) || (mayBePrivate && PRIVATE.test(hostname))
    if (!isAllowed)
      return {
        fault:
          'must begin with https://; http is for this machine, and with "private" for a network of your own',
      }
  }
  return { url: `${url.origin}${url.pathname.replace(/\/+$/, '')}` }
}

/** The setting CATALOG_URL. @returns null for none   @throws RangeError naming the setting, not the address */
export const parseCatalogUrl = (text: string): string | null => {
  if (text.trim() === '') return null
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : null
  const isPlain = url?.protocol === 'http:' && LOOPBACK.test(url.hostname)
  const isSound = url !== null && url.username === '' && url.password === ''
  if (isSound && (url.protocol === 'https:' || isPlain)) return url.href
  throw new RangeError('CATALOG_URL must begin with https:// and hold no password')
}
