import type { KeyLimits, LimitFault, RequestRecord } from './types.ts'

/** Money, requests and tokens that are granted, missing or taken together; whole numbers. */
export interface Amounts {
  readonly nanoUsd: number
  readonly requests: number
  readonly tokens: number
}

/** What an isolate asks of the ledger for one request of a key with limits. */
export interface LeaseAsk {
  /** Made by the isolate; the ledger opens the lease with the first ask. */
  readonly leaseId: string
  readonly keyId: string
  readonly limits: KeyLimits
  /** Start of the budget's period, ms since the epoch. */
  readonly periodStartMs: number
  /** Minutes since the epoch. */
  readonly minute: number
  /** What the lease lacks for the request; zeros only renew it. */
  readonly need: Amounts
  /** The request's whole cost at most: in flight from the grant on. */
  readonly estimateNanoUsd: number
}

export type LeaseAnswer =
  /** At least what was needed, more where there is plenty. */
  | { readonly kind: 'granted'; readonly amounts: Amounts }
  | { readonly kind: 'refused'; readonly fault: LimitFault }
  /** The ledger has closed this lease, as its isolate was silent: ask with another id. */
  | { readonly kind: 'ended' }

/** A finished request, and what had been set aside for it. */
export interface Entry {
  readonly record: RequestRecord
  /** Null for a key without limits. */
  readonly leaseId: string | null
  readonly reservedNanoUsd: number
}

/** What an isolate knows of a lease; totals only grow, so that what comes late or twice does no harm. */
export interface LeaseState {
  readonly leaseId: string
  /** Given back since the lease began. */
  readonly returnedNanoUsd: number
  /** Reserved by requests that have not ended. */
  readonly inFlightNanoUsd: number
}

/** Finished requests of one isolate; with the same sequence the same entries. */
export interface Report {
  /** UUID of the isolate's account of the organisation. */
  readonly holder: string
  /** From 1 on, one more for each; one that was taken before is not taken again. */
  readonly sequence: number
  readonly entries: readonly Entry[]
  readonly leases: readonly LeaseState[]
}

export type ReportAnswer = {
  /** Leases of the report that are closed: nothing more may be taken from them. */
  readonly ended: readonly string[]
} & (
  | { readonly stored: true }
  /** The journal is at its bound: PostgreSQL has been away for long. Only the leases were noted. */
  | { readonly stored: false; readonly retryAfterSeconds: number }
)

/** A key's spend in the present period of its budget. */
export interface KeySpend {
  readonly keyId: string
  readonly spentNanoUsd: number
}

export interface Feedback {
  readonly decisionId: string
  readonly success: boolean | null
  /** [0, 1]; null where only success is told. */
  readonly score: number | null
  readonly latencyMs: number | null
}

export type FeedbackAnswer =
  | { readonly kind: 'stored' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'full'; readonly retryAfterSeconds: number }

/** What the ledger of an organisation offers to isolates. */
export interface LedgerRpc {
  lease(organisationId: string, ask: LeaseAsk): Promise<LeaseAnswer>
  report(organisationId: string, report: Report): Promise<ReportAnswer>
  feedback(organisationId: string, feedback: Feedback): Promise<FeedbackAnswer>
  spent(
    keys: ReadonlyArray<{ keyId: string; budgetPeriod: KeyLimits['budgetPeriod'] }>,
  ): Promise<KeySpend[]>
}
