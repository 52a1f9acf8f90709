import { Api, ApiError, readLocalKey } from './api.ts'
import { KEY_STORAGE, takeKey } from './key.ts'
import type { SessionInfo } from './types.ts'

export type Session =
  | { readonly kind: 'checking' }
  | { readonly kind: 'signed-in'; readonly key: string; readonly info: SessionInfo }
  | { readonly kind: 'signed-out'; readonly reason: string | null }
  | { readonly kind: 'unreachable'; readonly error: ApiError }

/** Moves a key from the URL into this tab's storage, so that it stays out of history and bookmarks. */
export const storeKeyFromUrl = (): boolean => {
  const { key, rest } = takeKey(location.hash)
  if (key === null) return false
  writeKey(key)
  history.replaceState(null, '', location.pathname + location.search + rest)
  return true
}

/** The first of the tab's key and the local stack's that the service accepts. */
export const openSession = async (): Promise<Session> => {
  const stored = readKey()
  try {
    let reason: string | null = null
    if (stored !== null) {
      const session = await trySession(stored)
      if (session.kind === 'signed-in') return session
      reason = session.reason
      forgetKey()
    }
    const local = await readLocalKey()
    if (local !== null && local !== stored) {
      const session = await trySession(local)
      if (session.kind === 'signed-in') writeKey(local)
      return session
    }
    return { kind: 'signed-out', reason }
  } catch (error) {
    if (error instanceof ApiError) return { kind: 'unreachable', error }
    throw error
  }
}

/** @throws ApiError for everything except a refused key */
export const trySession = async (
  key: string,
): Promise<Extract<Session, { kind: 'signed-in' | 'signed-out' }>> => {
  try {
    return { kind: 'signed-in', key, info: await new Api(key).session() }
  } catch (error) {
    if (!(error instanceof ApiError) || !isRefusal(error)) throw error
    return { kind: 'signed-out', reason: refusalOf(error) }
  }
}

export const writeKey = (key: string): void => {
  try {
    sessionStorage.setItem(KEY_STORAGE, key)
  } catch {
    // Storage is refused in some private windows: the key then lasts as long as the page.
  }
}

export const forgetKey = (): void => {
  try {
    sessionStorage.removeItem(KEY_STORAGE)
  } catch {
    // As in writeKey.
  }
}

const readKey = (): string | null => {
  try {
    return sessionStorage.getItem(KEY_STORAGE)
  } catch {
    // As in writeKey.
    return null
  }
}

const isRefusal = (error: ApiError): boolean =>
  error.problem.status === 401 || error.problem.status === 403

const refusalOf = (error: ApiError): string =>
  error.problem.status === 403
    ? 'This key may not read the fleet. Use a key with the read scope.'
    : 'The service does not accept this key. It may be mistyped, expired or revoked.'
