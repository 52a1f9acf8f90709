/** Where the deployment's router comes from, and by whom routers must be signed. */
export interface ArtifactSettings {
  /** `https:`, or `http:` to a loopback address; null: the shipped artifact decides. */
  readonly url: URL | null
  readonly reloadMs: number
  /** Ed25519, 32 bytes: every artifact but the shipped one must be signed by it. Null: none needs to be. */
  readonly publicKey: Uint8Array<ArrayBuffer> | null
}

const PUBLIC_KEY_BYTES = 32
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/**
 * Hosts of this machine and of networks that are nobody else's: RFC 6890's, and names that no public name
 * server knows. `URL` writes every form of an IPv4 address in decimals.
 */
const INWARD =
  /^(?:(?:0|10|127|169\.254|192\.168|172\.(?:1[6-9]|2\d|3[01])|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\.[\d.]+|\[(?:::|f[c-f])[0-9a-f:]*\]|(?:[^.[]+|.+\.(?:localhost|local|internal|lan))\.?)$/

/** Whether an address names what only this machine, or its own network, can reach. */
export const isInward = ({ hostname }: URL): boolean => INWARD.test(hostname)

/** Whether an address may be asked for an artifact: its content decides, so nobody may change it on its way. */
export const isTrustedAddress = ({ protocol, hostname, username, password }: URL): boolean =>
  username === '' &&
  password === '' &&
  (protocol === 'https:' || (protocol === 'http:' && LOOPBACK.test(hostname)))

/** @throws RangeError without the text, which may hold a secret */
export const parseArtifactUrl = (text: string): URL | null => {
  if (text === '') return null
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !isTrustedAddress(url))
    throw new RangeError(
      'ROUTER_ARTIFACT_URL must be an https: URL without user and password; http: to loopback alone',
    )
  return url
}

/** @throws RangeError */
export const parsePublicKey = (text: string): Uint8Array<ArrayBuffer> | null => {
  if (text === '') return null
  let binary = ''
  try {
    binary = atob(text)
  } catch {
    // InvalidCharacterError: told below, with the length.
  }
  if (binary.length !== PUBLIC_KEY_BYTES)
    throw new RangeError(`ROUTER_PUBLIC_KEY must be ${PUBLIC_KEY_BYTES} bytes in base64`)
  return Uint8Array.from(binary, (character) => character.charCodeAt(0))
}
