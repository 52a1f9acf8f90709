import { DurableObject } from 'cloudflare:workers'
import { type Env, type Settings, settingsOf } from '../env.ts'
import { logEvent } from '../observability/log.ts'
import type { PointColumns } from '../streams/protocol.ts'
import { FLUSH_RETRY_MS_MAX, Flusher } from './flusher.ts'
import { LivePublisher } from './live-publisher.ts'
import { HOUR_MS, MINUTE_MS } from './minute-buffer.ts'
import { JOURNAL_ROW_SAMPLES_MAX, type ShardBatch, selectSamples } from './shard-batch.ts'
import { pointsBetween, type Statistics24h, statisticsOf } from './shard-reads.ts'
import { ShardStore } from './shard-store.ts'
import { METRICS } from './types.ts'
import { Upkeep } from './upkeep.ts'
import type { VmSeries } from './vm-series.ts'

/** Minutes changed, or read back, before a checkpoint is stored without waiting for the flush: bounds memory in a backfill. */
const MINUTES_HELD_MAX = 4_096
/** Deleted VMs are remembered for longer than any isolate holds their names (`vm-directory.ts`). */
const FORGOTTEN_MS = 2 * HOUR_MS

/** What became of a batch; positions are those of the batch. */
export type AppendResult =
  | {
      readonly stored: true
      readonly accepted: number
      readonly duplicates: number
      readonly conflicts: readonly number[]
      readonly overRate: readonly number[]
      /** Samples of VMs that were deleted a short while ago. */
      readonly deleted: readonly number[]
    }
  | {
      readonly stored: false
      readonly unflushedSamples: number
      readonly retryAfterSeconds: number
    }

/**
 * Owns the samples of some VMs of one organisation. A batch is in the journal before it is
 * acknowledged (the output gate holds the answer until SQLite has it); memory is the stored state
 * plus the journal, so an eviction or a killed process loses nothing that was acknowledged.
 * An alarm publishes what changed to the hub, stores a checkpoint and writes to PostgreSQL.
 */
export class SeriesShard extends DurableObject<Env> {
  readonly #store: ShardStore
  readonly #settings: Settings
  readonly #flusher: Flusher
  readonly #live: LivePublisher
  readonly #upkeep: Upkeep
  readonly #series = new Map<string, VmSeries>()
  #organisationId: string
  #unflushedSamples: number
  #lastSampleAt = 0
  /** The latest time seen. */
  #clock = 0
  #alarmAt = Number.POSITIVE_INFINITY
  #slidHour = 0
  /** Minutes read back from SQLite since the last checkpoint. */
  #minutesRead = 0
  /** Whether PostgreSQL lacks something: chunks waiting, or series marked stale. */
  #unflushed: boolean

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#settings = settingsOf(env)
    this.#store = new ShardStore(ctx.storage)
    this.#flusher = new Flusher(this.#store, this.#settings)
    this.#live = new LivePublisher(env, this.#settings)
    this.#upkeep = new Upkeep(this.#settings)
    this.#organisationId = this.#store.meta('organisation') ?? ''
    for (const vm of this.#store.loadVms()) this.#remember(vm)
    for (const batch of this.#store.journal()) this.#record(batch)
    this.#unflushedSamples = this.#store.unflushedSamples()
    // What PostgreSQL has of windows and newest samples is not known after a restart: write them again.
    this.#unflushed = this.#series.size > 0
    for (const vm of this.#series.values()) {
      vm.stale = true
      this.#lastSampleAt = Math.max(this.#lastSampleAt, vm.latest?.timestamp ?? 0)
    }
    if (this.#unflushed) this.ctx.waitUntil(this.#arrange(Date.now()))
  }

  #remember(vm: VmSeries): VmSeries {
    this.#series.set(vm.id, vm)
    return vm
  }

  #record(batch: ShardBatch) {
    const series = batch.vmIds.map((id) => {
      const known = this.#series.get(id)
      if (known) return known
      return this.#store.isForgotten(id) ? null : this.#remember(this.#store.createVm(id))
    })
    const accepted: number[] = []
    const conflicts: number[] = []
    const overRate: number[] = []
    const deleted: number[] = []
    let duplicates = 0
    for (let position = 0; position < batch.timestamp.length; position++) {
      const vm = series[batch.vm[position] as number]
      if (!vm) {
        deleted.push(position)
        continue
      }
      const outcome = vm.record(
        batch.timestamp[position] as number,
        batch.values,
        position * METRICS.length,
        (minute) => {
          this.#minutesRead++
          return this.#store.minute(vm.number, minute)
        },
      )
      if (outcome === 'inserted') accepted.push(position)
      else if (outcome === 'duplicate') duplicates++
      else if (outcome === 'conflict') conflicts.push(position)
      else overRate.push(position)
    }
    return { accepted, duplicates, conflicts, overRate, deleted }
  }

  /** Stores the batch and acknowledges it, or says that the journal is at its bound. */
  async append(organisationId: string, batch: ShardBatch): Promise<AppendResult> {
    const samples = batch.timestamp.length
    this.#watchClock(Date.now())
    if (this.#unflushedSamples + samples > this.#settings.journalSamplesMax) {
      await this.#arrange(Date.now())
      return {
        stored: false,
        unflushedSamples: this.#unflushedSamples,
        retryAfterSeconds: Math.ceil(this.#settings.flushIntervalMs / 1_000) + 1,
      }
    }
    try {
      if (this.#organisationId === '') {
        this.#store.setMeta('organisation', organisationId)
        this.#organisationId = organisationId
      }
      const { accepted, ...outcome } = this.#record(batch)
      this.#journal(batch, accepted)
      this.#unflushedSamples += accepted.length
      if (accepted.length > 0) {
        this.#unflushed = true
        this.#lastSampleAt = Date.now()
      }
      // Repeated samples change nothing, but the minutes that they were compared with are in memory.
      if (Math.max(this.#dirtyMinutes(), this.#minutesRead) > MINUTES_HELD_MAX) this.#checkpoint()
      if (accepted.length > 0) await this.#arrange(this.#lastSampleAt)
      return { stored: true, accepted: accepted.length, ...outcome }
    } catch (error) {
      // Memory is now ahead of the journal: leave it, so that the next request starts from what is stored.
      logEvent('series-shard', 'error', 'the journal cannot be written', error)
      this.ctx.abort('the journal cannot be written')
      throw error
    }
  }

  #journal(batch: ShardBatch, accepted: readonly number[]): void {
    if (accepted.length === 0) return
    if (accepted.length === batch.timestamp.length && accepted.length <= JOURNAL_ROW_SAMPLES_MAX)
      this.#store.appendJournal(batch)
    else
      for (let start = 0; start < accepted.length; start += JOURNAL_ROW_SAMPLES_MAX)
        this.#store.appendJournal(
          selectSamples(batch, accepted.slice(start, start + JOURNAL_ROW_SAMPLES_MAX)),
        )
  }

  /** Raw samples of one VM in [from, to], ascending; the newest `limit` of them. */
  async points(
    vmId: string,
    from: number,
    to: number,
    limit: number,
  ): Promise<{ columns: PointColumns; truncated: boolean }> {
    const vm = this.#series.get(vmId)
    const stored = vm ? this.#store.minutesBetween(vm.number, from, to) : []
    return pointsBetween(stored, vm?.minutes ?? new Map(), from, to, limit)
  }

  /** Statistics of the sliding 24 h of one VM; null where it never reported. */
  async statistics(vmId: string): Promise<Statistics24h | null> {
    const vm = this.#series.get(vmId)
    if (!vm) return null
    this.#fold(vm, Date.now())
    return statisticsOf(vm.window)
  }

  /** Forgets a deleted VM and its samples, and refuses what is still sent to it. */
  async forget(vmId: string): Promise<void> {
    this.#store.rememberForgotten(vmId, Date.now())
    const vm = this.#series.get(vmId)
    if (!vm) return
    // The journal may still hold its samples and would bring it back.
    this.#checkpoint()
    this.#store.deleteVm(vm.number)
    this.#series.delete(vmId)
    this.#unflushedSamples = this.#store.unflushedSamples()
  }

  override async alarm(): Promise<void> {
    this.#alarmAt = Number.POSITIVE_INFINITY
    const now = Date.now()
    this.#watchClock(now)
    try {
      await this.#tick(now)
    } catch (error) {
      logEvent('series-shard', 'error', 'the shard could not do its round', error)
    }
    await this.#arrange(Date.now())
  }

  /** A clock that was set back must not leave what was planned by the old one waiting for as long. */
  #watchClock(now: number): void {
    if (now < this.#clock - MINUTE_MS) {
      this.#alarmAt = Number.POSITIVE_INFINITY
      this.#live.nextAt = 0
      this.#upkeep.nextAt = 0
      this.#flusher.nextAt = 0
      this.#clock = now
    }
    this.#clock = Math.max(this.#clock, now)
  }

  async #tick(now: number): Promise<void> {
    const hour = Math.floor(now / HOUR_MS)
    if (hour !== this.#slidHour) {
      this.#slidHour = hour
      for (const vm of this.#series.values())
        if (vm.slide(now)) {
          vm.changed = true
          this.#unflushed = true
        }
      this.#store.dropBefore(now - this.#settings.rawRetentionMs - HOUR_MS)
      this.#store.dropForgotten(now - FORGOTTEN_MS)
    }
    if (now >= this.#live.nextAt)
      await this.#live.run(now, this.#organisationId, this.#series.values(), (vm) =>
        this.#fold(vm, now),
      )
    // Not awaited: a stalled database must not hold up the live stream.
    if (this.#unflushed && !this.#flusher.running && now >= this.#flusher.nextAt)
      this.ctx.waitUntil(this.#flush(now))
    if (now >= this.#upkeep.nextAt)
      await this.#upkeep.run(now, this.#organisationId, [...this.#series.keys()])
  }

  #fold(vm: VmSeries, now: number): void {
    vm.fold((hour) => this.#store.hour(vm.number, hour))
    vm.slide(now)
  }

  #dirtyMinutes(): number {
    let count = 0
    for (const vm of this.#series.values()) count += vm.dirtyMinutes.size
    return count
  }

  #checkpoint(): void {
    const now = Date.now()
    for (const vm of this.#series.values()) this.#fold(vm, now)
    this.#store.checkpoint([...this.#series.values()])
    for (const vm of this.#series.values()) vm.releaseMinutes(now - 2 * MINUTE_MS)
    this.#minutesRead = 0
  }

  async #flush(now: number): Promise<void> {
    try {
      this.#checkpoint()
    } catch (error) {
      logEvent('series-shard', 'error', 'the checkpoint cannot be stored; the journal stays', error)
      this.#flusher.nextAt = now + this.#settings.flushIntervalMs
      return
    }
    await this.#flusher.run(now, this.#organisationId, this.#series.values())
    this.#unflushedSamples = this.#store.unflushedSamples()
    this.#unflushed =
      this.#unflushedSamples > 0 || [...this.#series.values()].some((vm) => vm.stale)
    await this.#arrange(Date.now())
  }

  /** Sets the alarm for the next thing to do, unless an earlier one stands. */
  async #arrange(now: number): Promise<void> {
    const due = [(Math.floor(now / HOUR_MS) + 1) * HOUR_MS]
    // While a flush runs it arranges the next one itself; the late alarm is for an evicted object.
    if (this.#unflushed)
      due.push(this.#flusher.running ? now + FLUSH_RETRY_MS_MAX : this.#flusher.nextAt)
    if ([...this.#series.values()].some((vm) => vm.changed)) due.push(this.#live.nextAt)
    const upkeepAt = this.#series.size > 0 ? this.#upkeep.dueAt(this.#lastSampleAt) : null
    if (upkeepAt !== null) due.push(upkeepAt)
    const at = Math.max(now + 10, Math.min(...due))
    if (at >= this.#alarmAt) return
    this.#alarmAt = at
    await this.ctx.storage.setAlarm(at)
  }
}
