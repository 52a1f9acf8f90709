import type { Free } from './grants.ts'
import { DAY_MS, isWithin, MINUTE_MS, type Period, periodOf } from './periods.ts'
import type { Amounts, Entry, LeaseAsk, LeaseState } from './protocol.ts'
import type { KeyLimits } from './types.ts'

/** A lease that nothing was heard of for this long is closed: what is not in flight is free again. */
export const LEASE_SILENT_MS = 60_000
/** What a closed lease had in flight is charged as estimated after this long: no request lives longer. */
export const IN_FLIGHT_SILENT_MS = 900_000
/** A charge is corrected by its requests, should they come, for this long. */
const CHARGED_KEPT_MS = DAY_MS
/** Days of spend that are kept: a month and the one before it. */
const SPEND_KEPT_MS = 62 * DAY_MS

const STATE = { open: 0, closed: 1, charged: 2 } as const
/** `day` of what was ever spent. */
const EVER = -1

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS leases (
    id TEXT PRIMARY KEY, key TEXT NOT NULL, period INTEGER NOT NULL, granted INTEGER NOT NULL,
    returned INTEGER NOT NULL DEFAULT 0, spent INTEGER NOT NULL DEFAULT 0, in_flight INTEGER NOT NULL,
    state INTEGER NOT NULL DEFAULT 0, seen_at INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS leases_key ON leases (key, period);
  CREATE TABLE IF NOT EXISTS minutes (
    key TEXT NOT NULL, minute INTEGER NOT NULL, requests INTEGER NOT NULL, tokens INTEGER NOT NULL,
    PRIMARY KEY (key, minute)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS spend (
    key TEXT NOT NULL, day INTEGER NOT NULL, nano_usd INTEGER NOT NULL, PRIMARY KEY (key, day)) WITHOUT ROWID;
`

/** What of its grants a lease still has, or, once it is closed, what it had in flight. */
const OUTSTANDING = `CASE state WHEN ${STATE.open} THEN max(0, granted - returned - spent)
  WHEN ${STATE.closed} THEN in_flight ELSE 0 END`

/** Leases and spend in the ledger's SQLite. Callers put what belongs together into one transaction. */
export class LeaseStore {
  readonly #sql: SqlStorage

  constructor(sql: SqlStorage) {
    this.#sql = sql
    sql.exec(SCHEMA)
  }

  #number(query: string, ...bindings: SqlStorageValue[]): number {
    const [row] = this.#sql.exec(query, ...bindings).toArray()
    return Number(row?.n ?? 0)
  }

  /** @returns billionths of a dollar, exact */
  spent(keyId: string, { startMs, endMs }: Period): number {
    if (endMs === null)
      return this.#number('SELECT nano_usd AS n FROM spend WHERE key = ? AND day = ?', keyId, EVER)
    return this.#number(
      'SELECT sum(nano_usd) AS n FROM spend WHERE key = ? AND day >= ? AND day < ?',
      keyId,
      startMs / DAY_MS,
      endMs / DAY_MS,
    )
  }

  /** Whether the lease may be taken from; one that is not known yet is opened by its first grant. */
  isOpen(leaseId: string): boolean {
    const [row] = this.#sql.exec('SELECT state FROM leases WHERE id = ?', leaseId).toArray()
    return row === undefined || row.state === STATE.open
  }

  free({ keyId, limits, minute }: LeaseAsk, period: Period, nowMs: number): Free {
    this.#closeSilent(nowMs, keyId)
    const { budgetNanoUsd, requestsPerMinute, tokensPerMinute } = limits
    const spentNanoUsd = this.spent(keyId, period)
    const leased =
      budgetNanoUsd === null
        ? 0
        : this.#number(
            `SELECT sum(${OUTSTANDING}) AS n FROM leases
             WHERE key = ? AND ((period >= ? AND period < ?) OR period IN (0, ?))`,
            keyId,
            period.startMs,
            period.endMs ?? Number.MAX_SAFE_INTEGER,
            // From before the kind of the period was changed: what such a lease holds is spent now, too.
            periodOf('month', nowMs).startMs,
          )
    const [granted] = this.#sql
      .exec('SELECT requests, tokens FROM minutes WHERE key = ? AND minute = ?', keyId, minute)
      .toArray()
    const left = (limit: number | null, used: unknown) =>
      limit === null ? Number.POSITIVE_INFINITY : limit - Number(used ?? 0)
    return {
      nanoUsd: left(budgetNanoUsd, spentNanoUsd + leased),
      requests: left(requestsPerMinute, granted?.requests),
      tokens: left(tokensPerMinute, granted?.tokens),
      spentNanoUsd,
    }
  }

  grant(ask: LeaseAsk, { nanoUsd, requests, tokens }: Amounts, nowMs: number): void {
    this.#sql.exec(
      `INSERT INTO leases (id, key, period, granted, in_flight, seen_at) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET granted = granted + excluded.granted,
         in_flight = in_flight + excluded.in_flight, seen_at = excluded.seen_at`,
      ask.leaseId,
      ask.keyId,
      ask.periodStartMs,
      nanoUsd,
      ask.estimateNanoUsd,
      nowMs,
    )
    if (requests === 0 && tokens === 0) return
    this.#sql.exec(
      `INSERT INTO minutes (key, minute, requests, tokens) VALUES (?, ?, ?, ?)
       ON CONFLICT (key, minute) DO UPDATE SET
         requests = requests + excluded.requests, tokens = tokens + excluded.tokens`,
      ask.keyId,
      ask.minute,
      requests,
      tokens,
    )
  }

  /** Finished requests: their cost is spent, and takes the place of what was set aside or charged for them. */
  settle(entries: readonly Entry[]): void {
    const spent = new Map<string, { keyId: string; day: number; nanoUsd: number }>()
    const leases = new Map<string, { nanoUsd: number; reserved: number }>()
    for (const { record, leaseId, reservedNanoUsd } of entries) {
      // What was only decided was not bought.
      if (record.keyId !== null && record.costNanoUsd > 0 && record.outcome !== 'decided') {
        const day = Math.floor(record.atMs / DAY_MS)
        const name = `${record.keyId} ${day}`
        const sum = spent.get(name) ?? { keyId: record.keyId, day, nanoUsd: 0 }
        sum.nanoUsd += record.costNanoUsd
        spent.set(name, sum)
      }
      if (leaseId === null) continue
      const lease = leases.get(leaseId) ?? { nanoUsd: 0, reserved: 0 }
      lease.nanoUsd += record.costNanoUsd
      lease.reserved += reservedNanoUsd
      leases.set(leaseId, lease)
    }
    for (const { keyId, day, nanoUsd } of spent.values()) this.#spend(keyId, day, nanoUsd)
    for (const [id, { nanoUsd, reserved }] of leases) this.#settleLease(id, nanoUsd, reserved)
  }

  #spend(keyId: string, day: number, nanoUsd: number): void {
    this.#sql.exec(
      `INSERT INTO spend (key, day, nano_usd) VALUES (?1, ?2, ?3), (?1, ${EVER}, ?3)
       ON CONFLICT (key, day) DO UPDATE SET nano_usd = nano_usd + excluded.nano_usd`,
      keyId,
      day,
      nanoUsd,
    )
  }

  #settleLease(id: string, nanoUsd: number, reserved: number): void {
    const [row] = this.#sql
      .exec('SELECT key, state, in_flight, seen_at FROM leases WHERE id = ?', id)
      .toArray()
    if (row === undefined) return
    const ended = Math.min(Number(row.in_flight), reserved)
    if (row.state === STATE.charged)
      this.#spend(String(row.key), Math.floor(Number(row.seen_at) / DAY_MS), -ended)
    this.#sql.exec(
      'UPDATE leases SET spent = spent + ?, in_flight = in_flight - ? WHERE id = ?',
      nanoUsd,
      ended,
      id,
    )
  }

  /** Notes what an isolate knows of its leases. @returns those that are closed */
  hear(states: readonly LeaseState[], nowMs: number): string[] {
    return states.flatMap(({ leaseId, returnedNanoUsd, inFlightNanoUsd }) => {
      const [row] = this.#sql
        .exec(
          `UPDATE leases SET returned = max(returned, ?), in_flight = ?, seen_at = ?
           WHERE id = ? AND state <> ${STATE.charged} RETURNING state`,
          returnedNanoUsd,
          inFlightNanoUsd,
          nowMs,
          leaseId,
        )
        .toArray()
      return row?.state === STATE.open ? [] : [leaseId]
    })
  }

  #closeSilent(nowMs: number, keyId: string): void {
    this.#sql.exec(
      `UPDATE leases SET state = ${STATE.closed} WHERE key = ? AND state = ${STATE.open} AND seen_at < ?`,
      keyId,
      nowMs - LEASE_SILENT_MS,
    )
  }

  get hasAny(): boolean {
    return this.#sql.exec('SELECT 1 FROM leases LIMIT 1').toArray().length > 0
  }

  /** Closes, charges and drops what its time has come for. */
  expire(nowMs: number): void {
    this.#sql.exec(
      `UPDATE leases SET state = ${STATE.closed} WHERE state = ${STATE.open} AND seen_at < ?`,
      nowMs - LEASE_SILENT_MS,
    )
    const lost = this.#sql
      .exec(
        `SELECT id, key, in_flight, seen_at FROM leases
         WHERE state = ${STATE.closed} AND in_flight > 0 AND seen_at < ?`,
        nowMs - IN_FLIGHT_SILENT_MS,
      )
      .toArray()
    for (const { id, key, in_flight, seen_at } of lost) {
      this.#spend(String(key), Math.floor(Number(seen_at) / DAY_MS), Number(in_flight))
      this.#sql.exec(`UPDATE leases SET state = ${STATE.charged} WHERE id = ?`, id as string)
    }
    this.#sql.exec(
      `DELETE FROM leases WHERE (state = ${STATE.closed} AND in_flight <= 0 AND seen_at < ?)
         OR (state = ${STATE.charged} AND seen_at < ?)`,
      nowMs - IN_FLIGHT_SILENT_MS,
      nowMs - CHARGED_KEPT_MS,
    )
    this.#sql.exec('DELETE FROM minutes WHERE minute < ?', Math.floor(nowMs / MINUTE_MS) - 2)
    this.#sql.exec(
      'DELETE FROM spend WHERE day >= 0 AND day < ?',
      Math.floor((nowMs - SPEND_KEPT_MS) / DAY_MS),
    )
  }
}

/** The period of a budget that starts at `startMs`, or the present one where an isolate's clock is far off. */
export const askedPeriod = (limits: KeyLimits, startMs: number, nowMs: number): Period => {
  const asked = periodOf(limits.budgetPeriod, startMs)
  const slack = [nowMs - MINUTE_MS, nowMs, nowMs + MINUTE_MS]
  return slack.some((ms) => isWithin(asked, ms)) ? asked : periodOf(limits.budgetPeriod, nowMs)
}
