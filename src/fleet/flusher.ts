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
/** Longest wait after a failed flush. */
export const FLUSH_RETRY_MS_MAX = 60_000

/** What PostgreSQL lacks. */
interface Pending {
  readonly minutes: readonly PendingChunk<MinuteBuffer>[]
  readonly hours: readonly PendingChunk<StoredHour>[]
  readonly stale: readonly VmSeries[]
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
      await this.#write(organisationId, pending, (vm) => byNumber.get(vm)?.id ?? '')
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

  /** One transaction for all; where PostgreSQL refuses it, one a VM, so that only the faulty VM's rows stay. */
  async #write(
    organisationId: string,
    { minutes, hours, stale }: Pending,
    idOf: (vm: number) => string,
  ): Promise<void> {
    const windows = stale.map((vm) => ({ vm, window: vm.window24h() }))
    for (const vm of stale) vm.stale = false
    const batch = buildFlush(organisationId, minutes, hours, windows, idOf)
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
          await this.#write(
            organisationId,
            {
              minutes: minutes.filter((chunk) => chunk.vm === vm),
              hours: hours.filter((chunk) => chunk.vm === vm),
              stale: stale.filter(({ number }) => number === vm),
            },
            idOf,
          )
        return
      }
      const refused = [...vms].map(idOf).join()
      logEvent('series-shard', 'error', `PostgreSQL refused the rows of VM ${refused}`, error)
      this.#store.settle(minutes, hours, PENDING.refused)
      for (const vm of stale) vm.stale = false
    }
  }
}
