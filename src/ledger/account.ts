import type { AppContext, Principal } from '../http/context.ts'
import { logEvent } from '../observability/log.ts'
import { ok, type Result } from '../result.ts'
import { ledgerOf } from './ledger-client.ts'
import { type LedgerPort, OrganisationAccount } from './organisation-account.ts'
import type { LedgerRpc } from './protocol.ts'
import type { Estimate, LimitFault, RequestRecord, Reservation } from './types.ts'

/** Organisations whose leases and waiting requests an isolate holds; idle ones are forgotten first. */
const ORGANISATIONS_MAX = 10_000

export type Account = {
  /**
   * Sets the most that a request may take aside; at once while the isolate's lease has room, else by the
   * ledger. A key without limits always gets its reservation. Every reservation must be settled, once.
   */
  reserve(
    principal: Pick<Principal, 'keyId' | 'organisationId' | 'limits'>,
    estimate: Estimate,
  ): Result<Reservation, LimitFault> | Promise<Result<Reservation, LimitFault>>
  /** Keeps what nothing was set aside for: decisions, and clients that came with a provider's credential. */
  record(organisationId: string, record: RequestRecord): void
  /** Sends what this isolate has not told the ledger yet. @returns whether the ledger has all of it */
  flush(organisationId: string): Promise<boolean>
}

const accounts = new Map<string, OrganisationAccount>()

const organisationAccount = (organisationId: string): OrganisationAccount => {
  const known = accounts.get(organisationId)
  if (known) return known
  if (accounts.size >= ORGANISATIONS_MAX)
    for (const [id, account] of accounts) if (account.isIdle) accounts.delete(id)
  // One that was forgotten had numbered its reports and leases from 1, too: each has a name of its own.
  const made = new OrganisationAccount(crypto.randomUUID())
  accounts.set(organisationId, made)
  return made
}

/** The ledger as this request reaches it: stubs and timers belong to one request and are used by no other. */
const portOf = (c: AppContext, organisationId: string): LedgerPort => {
  let stub: LedgerRpc | undefined
  const ledger = () => {
    stub ??= ledgerOf(c.env, organisationId)
    return stub
  }
  return {
    lease: (ask) => ledger().lease(organisationId, ask),
    report: (report) => ledger().report(organisationId, report),
    now: Date.now,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    waitUntil: (work) => c.executionCtx.waitUntil(work),
    failed: (message, error) => logEvent('ledger', 'warn', message, error),
  }
}

/** The ledger for one request; reservations are settled within the same request or its `waitUntil`. */
export const accountOf = (c: AppContext): Account => ({
  reserve: ({ keyId, organisationId, limits }, estimate) => {
    const account = organisationAccount(organisationId)
    const port = portOf(c, organisationId)
    if (limits !== null) return account.reserve(keyId, limits, estimate, port)
    return ok({ settle: (record) => account.record(record, port) })
  },
  record: (organisationId, record) =>
    organisationAccount(organisationId).record(record, portOf(c, organisationId)),
  flush: (organisationId) => organisationAccount(organisationId).flush(portOf(c, organisationId)),
})
