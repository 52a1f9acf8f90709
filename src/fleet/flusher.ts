import { connect } from '../database/client.ts'
import { isRefusalOfData } from '../database/faults.ts'
import { flush } from '../database/flush-queries.ts'
import type { Settings } from '../env.ts'
import { logEvent } from '../observability/log.ts'
import { buildFlush } from './flush.ts'
import type { MinuteBuffer } from './minute-buffer.ts'
import { PENDING, type PendingChunk, type ShardStore } from './shard-store.ts'
import type { StoredHour } from './usage-statistics.ts'
import type { VmSeries } from './vm-series.ts'

/** Minutes (and hours) in one transaction to PostgreSQL: shards flush at one time, and share their isolate's memory. */
const FLUSH_ROWS_MAX = 2_500
/** Transactions of one flush that look for the rows that PostgreSQL refuses: one row among all takes 28. */
const SEARCH_FLUSHES_MAX = 128
/** Longest wait after a failed flush. */
export const FLUSH_RETRY_MS_MAX = 60_000

/** What PostgreSQL lacks. */
interface Pending {
  readonly minutes: readonly PendingChunk<MinuteBuffer>[]
  readonly hours: readonly PendingChunk<StoredHour>[]
  readonly stale: readonly VmSeries[]
}

/** One flush, and what became of its rows. */
interface Round {
  readonly organisationId: string
  readonly idOf: (vm: number) => string
  searchesLeft: number
  /** Rows set aside, by VM. */
  readonly refused: Map<string, { rows: number; error: unknown }>
}

/** Two parts of what belongs to one VM: hours behind their minutes, the newest sample and window last. */
const halvesOf = ({ minutes, hours, stale }: Pending): readonly Pending[] => {
  const none = { minutes: [], hours: [], stale: [] }
  if (stale.length > 0)
    return [
      { minutes, hours, stale: [] },
      { ...none, stale },
    ]
  if (hours.length > 0 && minutes.length > 0)
    return [
      { ...none, minutes },
      { ...none, hours },
    ]
  const middle = Math.ceil((minutes.length + hours.length) / 2)
  return [
    { ...none, minutes: minutes.slice(0, middle), hours: hours.slice(0, middle) },
    { ...none, minutes: minutes.slice(middle), hours: hours.slice(middle) },
  ]
}

/**
 * Writes what a shard has stored to PostgreSQL: in batches, one at a time, backing off while the
 * database is away or takes no writes. A row that PostgreSQL refuses for what is in it stays behind without
 * holding up the others.
 */
export class Flusher {
  readonly #store: ShardStore
  readonly #settings: Settings
  #failures = 0
  running = false
  /** When the next flush is due, ms since the epoch. */
  nextAt = 0

  constructor(store: ShardStore, settings: Settings) {
    this.#store = store
    this.#settings = settings
  }

  /** One batch. The series must be folded and stored; never throws. @param now ms since the epoch */
  async run(now: number, organisationId: string, series: Iterable<VmSeries>): Promise<void> {
    this.running = true
    try {
      const byNumber = new Map(Array.from(series, (vm) => [vm.number, vm]))
      const pending: Pending = {
        minutes: this.#store.pendingMinutes(FLUSH_ROWS_MAX),
        hours: this.#store.pendingHours(FLUSH_ROWS_MAX),
        // A window that is not in the present hour yet waits for it.
        stale: [...byNumber.values()].filter((vm) => vm.stale && vm.window.isAt(now)),
      }
      await this.#writeAll(organisationId, pending, (vm) => byNumber.get(vm)?.id ?? '')
      this.#failures = 0
      const isFull = Math.max(pending.minutes.length, pending.hours.length) === FLUSH_ROWS_MAX
      // A backlog drains batch after batch without waiting for the interval.
      this.nextAt = isFull ? now : now + this.#settings.flushIntervalMs
    } catch (error) {
      this.#failures++
      const ceilingMs = Math.min(
        FLUSH_RETRY_MS_MAX,
        this.#settings.flushIntervalMs * 2 ** Math.min(this.#failures, 10),
      )
      // Full jitter, so that shards do not come back all at once.
      this.nextAt = now + this.#settings.liveIntervalMs + Math.random() * ceilingMs
      logEvent('series-shard', 'warn', 'PostgreSQL did not take a flush; the samples wait', error)
    } finally {
      this.running = false
    }
  }

  async #writeAll(
    organisationId: string,
    pending: Pending,
    idOf: (vm: number) => string,
  ): Promise<void> {
    const round: Round = {
      organisationId,
      idOf,
      searchesLeft: SEARCH_FLUSHES_MAX,
      refused: new Map(),
    }
    try {
      await this.#write(round, pending)
    } finally {
      for (const [vm, { rows, error }] of round.refused)
        logEvent('series-shard', 'error', `PostgreSQL refused ${rows} rows of VM ${vm}`, error)
    }
  }

  /**
   * One transaction for all; where PostgreSQL refuses it, one a VM, and of a VM halves, so that only the faulty
   * rows stay behind. What SEARCH_FLUSHES_MAX leaves unsearched waits for the next flush.
   */
  async #write(round: Round, { minutes, hours, stale }: Pending): Promise<void> {
    const windows = stale.map((vm) => ({ vm, window: vm.window24h() }))
    for (const vm of stale) vm.stale = false
    const batch = buildFlush(round.organisationId, minutes, hours, windows, round.idOf)
    try {
      await flush(connect(this.#settings), batch, this.#settings.retention)
      this.#store.settle(minutes, hours, PENDING.written)
    } catch (error) {
      for (const vm of stale) vm.stale = true
      // Anything else (a replica, missing tables, a changed password) says nothing about the rows: they wait.
      if (!isRefusalOfData(error)) throw error
      const vms = new Set([...minutes, ...hours].map(({ vm }) => vm))
      for (const { number } of stale) vms.add(number)
      if (vms.size > 1) {
        for (const vm of vms)
          await this.#write(round, {
            minutes: minutes.filter((chunk) => chunk.vm === vm),
            hours: hours.filter((chunk) => chunk.vm === vm),
            stale: stale.filter(({ number }) => number === vm),
          })
        return
      }
      const rows = minutes.length + hours.length + stale.length
      if (rows > 1) {
        for (const half of halvesOf({ minutes, hours, stale }))
          if (round.searchesLeft-- > 0) await this.#write(round, half)
        return
      }
      const id = [...vms].map(round.idOf).join()
      round.refused.set(id, { rows: (round.refused.get(id)?.rows ?? 0) + rows, error })
      this.#store.settle(minutes, hours, PENDING.refused)
      for (const vm of stale) vm.stale = false
    }
  }
}
