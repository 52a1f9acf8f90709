import type { Context } from 'hono'
import type { Scope } from '../database/access-queries.ts'
import type { Env, Settings } from '../env.ts'
import type { PassThrough } from '../gateway/pass-through.ts'
import type { KeyLimits } from '../ledger/types.ts'

export { SCOPES, type Scope } from '../database/access-queries.ts'

/** Whom a verified key speaks for. */
export interface Principal {
  readonly keyId: string
  readonly organisationId: string
  /** The organisation's slug. */
  readonly organisation: string
  readonly scopes: ReadonlySet<Scope>
  readonly platformAdmin: boolean
  /** Milliseconds since the epoch; null where the key does not expire. */
  readonly expiresAt: number | null
  /** What the key may spend on language models; null: as much as it likes. */
  readonly limits: KeyLimits | null
}

/** The type argument of every Hono app in the worker. */
export interface AppEnv {
  Bindings: Env
  Variables: {
    requestId: string
    settings: Settings
    /** Set by the auth middleware on every route that needs a key. */
    principal: Principal
    /** Set on the gateway's routes: the caller's own credential of a provider, or null. */
    passThrough: PassThrough | null
  }
}

export type AppContext = Context<AppEnv>
