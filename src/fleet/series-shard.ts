import { DurableObject } from 'cloudflare:workers'
import { connect } from '../database/client.ts'
import { isUnavailable, sqlState } from '../database/faults.ts'
import { flush, maintainPartitions, settleStopping } from '../database/flush-queries.ts'
import { type Env, type Settings, settingsOf } from '../env.ts'
import { hubOf } from '../streams/hub-client.ts'
import type { PointColumns, VmUpdate } from '../streams/protocol.ts'
import { buildFlush } from './flush.ts'
import { HOUR_MS, MINUTE_MS, type MinuteBuffer } from './minute-buffer.ts'
import { JOURNAL_ROW_SAMPLES_MAX, type ShardBatch, selectSamples } from './shard-batch.ts'
import { PENDING, type PendingChunk, ShardStore } from './shard-store.ts'
import { METRICS } from './types.ts'
import type { HourState, UsageStatistics } from './usage-statistics.ts'
import type { VmSeries } from './vm-series.ts'

/** Minutes (and hours) in one transaction to PostgreSQL. */
const FLUSH_ROWS_MAX = 5_000
const FLUSH_RETRY_MS_MAX = 60_000
/** Changed minutes in memory before a checkpoint is stored without waiting for the flush: bounds memory in a backfill. */
const DIRTY_MINUTES_MAX = 4_096
/** A VM that was told to stop counts as stopped once it is silent this long. */
const SILENCE_MS = 75_000
const SETTLE_INTERVAL_MS = 60_000

/** What became of a batch; positions are those of the batch. */
export type AppendResult =
  | {
      readonly stored: true
      readonly accepted: number
      readonly duplicates: number
      readonly conflicts: readonly number[]
      readonly overRate: readonly number[]
    }
  | {
      readonly stored: false
      readonly unflushedSamples: number
      readonly retryAfterSeconds: number
    }

/** Exact count, mean, min and max; quantiles within `relativeErrorMax`. Null where nothing came. */
export interface UsageSummary {
  readonly count: number
  readonly mean: number | null
  readonly min: number | null
  readonly max: number | null
  readonly p50: number | null
  readonly p90: number | null
  readonly p95: number | null
  readonly p99: number | null
}

export interface Statistics24h {
  readonly cpu_usage: UsageSummary
  readonly memory_usage: UsageSummary
  readonly relativeErrorMax: number
}

const summaryOf = (usage: UsageStatistics): UsageSummary => ({
  count: usage.count,
  mean: usage.mean,
  min: usage.count === 0 ? null : usage.min,
  max: usage.count === 0 ? null : usage.max,
  p50: usage.quantile(0.5),
  p90: usage.quantile(0.9),
  p95: usage.quantile(0.95),
  p99: usage.quantile(0.99),
})

/**
 * Owns the samples of some VMs of one organisation. A batch is in the journal before it is
 * acknowledged (the output gate holds the answer until SQLite has it); memory is the stored state
 * plus the journal, so an eviction or a killed process loses nothing that was acknowledged.
 * An alarm publishes what changed to the hub, stores a checkpoint and writes to PostgreSQL.
 */
export class SeriesShard extends DurableObject<Env> {
  readonly #store: ShardStore
  readonly #settings: Settings
  readonly #series = new Map<string, VmSeries>()
  readonly #byNumber = new Map<number, VmSeries>()
  #organisationId: string
  #unflushedSamples: number
  #lastSampleAt = 0
  #alarmAt = Number.POSITIVE_INFINITY
  #nextLiveAt = 0
  #nextFlushAt = 0
  #nextSettleAt = 0
  #slidHour = 0
  #maintainedHour = 0
  #flushFailures = 0
  #flushing = false
  /** Whether PostgreSQL lacks something: chunks waiting, or series marked stale. */
  #unflushed: boolean

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#settings = settingsOf(env)
    this.#store = new ShardStore(ctx.storage)
    this.#organisationId = this.#store.meta('organisation') ?? ''
    for (const vm of this.#store.loadVms()) this.#remember(vm)
    for (const batch of this.#store.journal()) this.#record(batch)
    this.#unflushedSamples = this.#store.unflushedSamples()
    // What PostgreSQL has of windows and newest samples is not known after a restart: write them again.
    this.#unflushed = this.#series.size > 0
    for (const vm of this.#series.values()) vm.stale = true
    if (this.#unflushed) this.ctx.waitUntil(this.#arrange(Date.now()))
  }

  #remember(vm: VmSeries): VmSeries {
    this.#series.set(vm.id, vm)
    this.#byNumber.set(vm.number, vm)
    return vm
  }

  #record(batch: ShardBatch) {
    const series = batch.vmIds.map(
      (id) => this.#series.get(id) ?? this.#remember(this.#store.createVm(id)),
    )
    const accepted: number[] = []
    const conflicts: number[] = []
    const overRate: number[] = []
    let duplicates = 0
    for (let position = 0; position < batch.timestamp.length; position++) {
      const vm = series[batch.vm[position] as number] as VmSeries
      const outcome = vm.record(
        batch.timestamp[position] as number,
        batch.values,
        position * METRICS.length,
        (minute) => this.#store.minute(vm.number, minute),
      )
      if (outcome === 'inserted') accepted.push(position)
      else if (outcome === 'duplicate') duplicates++
      else if (outcome === 'conflict') conflicts.push(position)
      else overRate.push(position)
    }
    return { accepted, duplicates, conflicts, overRate }
  }

  /** Stores the batch and acknowledges it, or says that the journal is at its bound. */
  async append(organisationId: string, batch: ShardBatch): Promise<AppendResult> {
    const samples = batch.timestamp.length
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
      const { accepted, duplicates, conflicts, overRate } = this.#record(batch)
      this.#journal(batch, accepted)
      this.#unflushedSamples += accepted.length
      if (accepted.length > 0) {
        this.#unflushed = true
        this.#lastSampleAt = Date.now()
        if (this.#dirtyMinutes() > DIRTY_MINUTES_MAX) this.#checkpoint()
        await this.#arrange(this.#lastSampleAt)
      }
      return { stored: true, accepted: accepted.length, duplicates, conflicts, overRate }
    } catch (error) {
      // Memory is now ahead of the journal: leave it, so that the next request starts from what is stored.
      log('error', 'the journal cannot be written', error)
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
    const buffers = new Map<number, MinuteBuffer>()
    if (vm) {
      for (const buffer of this.#store.minutesBetween(vm.number, from, to))
        buffers.set(Math.floor((buffer.timestamps[0] ?? 0) / MINUTE_MS), buffer)
      for (const [minute, buffer] of vm.minutes) buffers.set(minute / MINUTE_MS, buffer)
    }
    return pointsBetween(
      [...buffers].sort(([a], [b]) => a - b).map(([, buffer]) => buffer),
      from,
      to,
      limit,
    )
  }

  /** Statistics of the sliding 24 h of one VM; null where it never reported. */
  async statistics(vmId: string): Promise<Statistics24h | null> {
    const vm = this.#series.get(vmId)
    if (!vm) return null
    this.#fold(vm, Date.now())
    const { cpu, memory } = vm.window
    return {
      cpu_usage: summaryOf(cpu),
      memory_usage: summaryOf(memory),
      relativeErrorMax: Math.max(cpu.sketch.relativeErrorMax, memory.sketch.relativeErrorMax),
    }
  }

  /** Forgets a deleted VM and its samples. */
  async forget(vmId: string): Promise<void> {
    const vm = this.#series.get(vmId)
    if (!vm) return
    // The journal may still hold its samples and would bring it back.
    this.#checkpoint()
    this.#store.deleteVm(vm.number)
    this.#series.delete(vmId)
    this.#byNumber.delete(vm.number)
    this.#unflushedSamples = this.#store.unflushedSamples()
  }

  override async alarm(): Promise<void> {
    this.#alarmAt = Number.POSITIVE_INFINITY
    const now = Date.now()
    try {
      await this.#tick(now)
    } catch (error) {
      log('error', 'the shard could not do its round', error)
    }
    await this.#arrange(Date.now())
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
    }
    if (now >= this.#nextLiveAt) await this.#publish(now)
    // Not awaited: a stalled database must not hold up the live stream.
    if (this.#unflushed && !this.#flushing && now >= this.#nextFlushAt)
      this.ctx.waitUntil(this.#flush(now))
    if (now >= this.#nextSettleAt) await this.#settle(now, hour)
  }

  #fold(vm: VmSeries, now: number): void {
    vm.fold((hour) => this.#store.hour(vm.number, hour))
    vm.slide(now)
  }

  async #publish(now: number): Promise<void> {
    const vms: VmUpdate[] = []
    const points: Record<string, PointColumns> = {}
    for (const vm of this.#series.values()) {
      if (!vm.changed) continue
      vm.changed = false
      this.#fold(vm, now)
      const update = vm.update()
      if (!update) continue
      vms.push(update)
      points[vm.id] = vm.takePoints()
    }
    this.#nextLiveAt = now + this.#settings.liveIntervalMs
    if (vms.length === 0) return
    try {
      const { connections } = await hubOf(this.env, this.#organisationId).publish({ vms, points })
      // Nobody looks: the next one to connect waits for one flush at most.
      if (connections === 0)
        this.#nextLiveAt =
          now + Math.max(this.#settings.liveIntervalMs, this.#settings.flushIntervalMs)
    } catch (error) {
      log('warn', 'the hub did not take an update', error)
    }
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
  }

  async #flush(now: number): Promise<void> {
    this.#flushing = true
    try {
      this.#checkpoint()
      const pending: Pending = {
        minutes: this.#store.pendingMinutes(FLUSH_ROWS_MAX),
        hours: this.#store.pendingHours(FLUSH_ROWS_MAX),
        stale: [...this.#series.values()].filter((vm) => vm.stale),
      }
      await this.#write(pending)
      this.#flushFailures = 0
      const full = Math.max(pending.minutes.length, pending.hours.length) === FLUSH_ROWS_MAX
      // A backlog drains batch after batch without waiting for the interval.
      this.#nextFlushAt = full ? now : now + this.#settings.flushIntervalMs
    } catch (error) {
      this.#flushFailures++
      const ceiling = Math.min(
        FLUSH_RETRY_MS_MAX,
        this.#settings.flushIntervalMs * 2 ** Math.min(this.#flushFailures, 10),
      )
      // Full jitter, so that shards do not come back all at once.
      this.#nextFlushAt = now + this.#settings.liveIntervalMs + Math.random() * ceiling
      log('warn', 'PostgreSQL did not take a flush; the samples wait in the shard', error)
    } finally {
      this.#flushing = false
      this.#unflushedSamples = this.#store.unflushedSamples()
      this.#unflushed =
        this.#unflushedSamples > 0 || [...this.#series.values()].some((vm) => vm.stale)
    }
    await this.#arrange(Date.now())
  }

  /** One transaction for all of it; where PostgreSQL refuses that, one a VM, so that only the faulty VM's rows stay behind. */
  async #write({ minutes, hours, stale }: Pending): Promise<void> {
    const windows = stale.map((vm) => ({ vm, window: vm.window24h() }))
    for (const vm of stale) vm.stale = false
    const idOf = (number: number) => this.#byNumber.get(number)?.id ?? ''
    const batch = buildFlush(this.#organisationId, minutes, hours, windows, idOf)
    try {
      await flush(connect(this.#settings), batch, this.#settings.metricsRetentionDays)
      this.#store.settle(minutes, hours, PENDING.written)
    } catch (error) {
      for (const vm of stale) vm.stale = true
      if (sqlState(error) === null) throw error
      const vms = new Set([...minutes, ...hours].map(({ vm }) => vm))
      for (const { number } of stale) vms.add(number)
      if (vms.size > 1) {
        for (const vm of vms)
          await this.#write({
            minutes: minutes.filter((chunk) => chunk.vm === vm),
            hours: hours.filter((chunk) => chunk.vm === vm),
            stale: stale.filter(({ number }) => number === vm),
          })
        return
      }
      log('error', `PostgreSQL refused the rows of VM ${[...vms].map(idOf).join()}`, error)
      this.#store.settle(minutes, hours, PENDING.refused)
      for (const vm of stale) vm.stale = false
    }
  }

  /** Now and then: finishes stops of VMs that went silent, and keeps the day partitions. */
  async #settle(now: number, hour: number): Promise<void> {
    this.#nextSettleAt = now + SETTLE_INTERVAL_MS
    if (this.#organisationId === '') return
    try {
      const database = connect(this.#settings)
      await settleStopping(database, this.#organisationId, [...this.#series.keys()])
      if (hour !== this.#maintainedHour) {
        await maintainPartitions(database, this.#settings.metricsRetentionDays)
        this.#maintainedHour = hour
      }
    } catch (error) {
      if (!isUnavailable(error)) log('warn', 'upkeep failed', error)
    }
  }

  /** Sets the alarm for the next thing to do, unless an earlier one stands. */
  async #arrange(now: number): Promise<void> {
    const due = [(Math.floor(now / HOUR_MS) + 1) * HOUR_MS]
    // While a flush runs it arranges the next one itself; the late alarm is for an evicted object.
    if (this.#unflushed) due.push(this.#flushing ? now + FLUSH_RETRY_MS_MAX : this.#nextFlushAt)
    if ([...this.#series.values()].some((vm) => vm.changed)) due.push(this.#nextLiveAt)
    const silentAt = this.#lastSampleAt + SILENCE_MS
    if (silentAt > now) due.push(Math.max(silentAt, this.#nextSettleAt))
    const at = Math.max(now + 10, Math.min(...due))
    if (at >= this.#alarmAt) return
    this.#alarmAt = at
    await this.ctx.storage.setAlarm(at)
  }
}

/** What PostgreSQL lacks. */
interface Pending {
  readonly minutes: readonly PendingChunk<MinuteBuffer>[]
  readonly hours: readonly PendingChunk<HourState>[]
  readonly stale: readonly VmSeries[]
}

const pointsBetween = (
  buffers: readonly MinuteBuffer[],
  from: number,
  to: number,
  limit: number,
): { columns: PointColumns; truncated: boolean } => {
  const timestamp: number[] = []
  const columns = METRICS.map(() => [] as Array<number | null>)
  for (const buffer of buffers)
    buffer.timestamps.forEach((time, row) => {
      if (time < from || time > to) return
      timestamp.push(time)
      columns.forEach((column, metric) => {
        const value = buffer.column(metric)[row] as number
        column.push(Number.isNaN(value) ? null : value)
      })
    })
  const start = Math.max(0, timestamp.length - limit)
  const named = Object.fromEntries(
    METRICS.map((metric, index) => [metric, columns[index]?.slice(start) ?? []]),
  ) as unknown as Omit<PointColumns, 'timestamp'>
  return { columns: { timestamp: timestamp.slice(start), ...named }, truncated: start > 0 }
}

const log = (level: 'warn' | 'error', message: string, error: unknown): void =>
  console[level](
    JSON.stringify({
      level,
      component: 'series-shard',
      message,
      error: (error instanceof Error ? error.message : String(error)).slice(0, 1_000),
    }),
  )
