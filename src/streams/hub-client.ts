import type { Env } from '../env.ts'
import type { Update, VmChange } from './protocol.ts'

/** What the hub offers to the shards and to the fleet's routes. */
export interface HubRpc {
  /** @returns how many connections the organisation has, so that a publisher may rest while nobody looks */
  publish(update: Update): Promise<{ connections: number }>
  vmChanged(id: string, change: VmChange): Promise<void>
  /** Closes every connection that was made with the key. @returns how many were closed */
  closeKey(keyId: string): Promise<number>
}

/** The hub of one organisation: one object, named by the organisation's id. */
export const hubOf = (env: Pick<Env, 'HUB'>, organisationId: string): HubRpc & Fetcher =>
  env.HUB.get(env.HUB.idFromName(organisationId)) as unknown as HubRpc & Fetcher

/**
 * What the worker, having verified the key, tells the hub about a connection. The hub trusts these
 * headers: it can be reached through its binding only, and `admissionHeaders` builds them afresh.
 */
export interface Admission {
  /** The organisation's slug. */
  readonly organisation: string
  readonly keyId: string
  /** Milliseconds since the epoch; null where the key does not expire. */
  readonly expiresAtMs: number | null
  readonly requestId: string
  /** Whether the client offered `gjallar.v1` and must be answered with it. */
  readonly offersProtocol: boolean
}

const HEADERS = {
  organisation: 'x-gjallar-organisation',
  keyId: 'x-gjallar-key-id',
  expiresAtMs: 'x-gjallar-expires-at-ms',
  requestId: 'x-gjallar-request-id',
  offersProtocol: 'x-gjallar-offers-protocol',
} as const

export const admissionHeaders = (admission: Admission): Headers =>
  new Headers({
    upgrade: 'websocket',
    [HEADERS.organisation]: admission.organisation,
    [HEADERS.keyId]: admission.keyId,
    [HEADERS.expiresAtMs]: String(admission.expiresAtMs ?? ''),
    [HEADERS.requestId]: admission.requestId,
    [HEADERS.offersProtocol]: admission.offersProtocol ? '1' : '',
  })

export const admissionOf = (headers: Headers): Admission => {
  const expiresAt = headers.get(HEADERS.expiresAtMs) ?? ''
  return {
    organisation: headers.get(HEADERS.organisation) ?? '',
    keyId: headers.get(HEADERS.keyId) ?? '',
    expiresAtMs: expiresAt === '' ? null : Number(expiresAt),
    requestId: headers.get(HEADERS.requestId) ?? '',
    offersProtocol: headers.get(HEADERS.offersProtocol) === '1',
  }
}
