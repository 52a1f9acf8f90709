import { DurableObject } from 'cloudflare:workers'
import { type Env, type Settings, settingsOf } from '../env.ts'
import { logEvent } from '../observability/log.ts'
import type { Result } from '../result.ts'
import type { PointColumns } from '../streams/protocol.ts'
import { FLUSH_RETRY_MS_MAX, Flusher } from './flusher.ts'
import { LivePublisher } from './live-publisher.ts'
import { HOUR_MS, MINUTE_MS } from './minute-buffer.ts'
import { Packer } from './packer.ts'
import { decodeSeriesBatch } from './series/series-batch.ts'
import { SeriesEngine } from './series/series-engine.ts'
import type { MetricMetadata } from './series/series-write.ts'
import type * as api from './series/shard-api.ts'
import type { ShardBatch } from './shard-batch.ts'
import { pointsBetween, type Statistics24h, statisticsOf } from './shard-reads.ts'
import { ShardStore } from './shard-store.ts'
import { Upkeep } from './upkeep.ts'
import { type AppendResult, SLIDE_STEP_VMS, VmRecorder } from './vm-recorder.ts'

type Fault = api.SelectionFault

/**
 * Owns the samples of some VMs and some label series of one organisation. A batch is in the journal before it is
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
  readonly #vms: VmRecorder
  readonly #packer: Packer
  readonly #series: SeriesEngine
  #organisationId: string
  #unflushedSamples: number
  #lastSampleAt = 0
  /** The latest time seen. */
  #clock = 0
  #alarmAt = Number.POSITIVE_INFINITY
  #expiredHour = 0
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
    this.#vms = new VmRecorder(this.#store)
    this.#packer = new Packer(this.#store.minutes)
    this.#series = new SeriesEngine(ctx.storage, this.#settings)
    this.#unflushedSamples = this.#store.unflushedSamples()
    // What PostgreSQL has of windows and newest samples is not known after a restart: write them again.
    this.#unflushed = this.#vms.size > 0
    for (const vm of this.#vms.values()) {
      vm.stale = true
      this.#lastSampleAt = Math.max(this.#lastSampleAt, vm.latest?.timestamp ?? 0)
    }
    if (this.#unflushed || this.#series.headSamples > 0)
      this.ctx.waitUntil(this.#arrange(Date.now()))
  }

  /** The answer of a shard whose samples wait for PostgreSQL up to the bound; null below it. */
  async #refusal(samples: number) {
    if (this.#unflushedSamples + samples <= this.#settings.journalSamplesMax) return null
    await this.#arrange(Date.now())
    return {
      stored: false as const,
      unflushedSamples: this.#unflushedSamples,
      retryAfterSeconds: Math.ceil(this.#settings.flushIntervalMs / 1_000) + 1,
    }
  }

  #belongTo(organisationId: string): void {
    if (this.#organisationId !== '') return
    this.#store.setMeta('organisation', organisationId)
    this.#organisationId = organisationId
  }

  /** Memory is now ahead of the journal: leave it, so that the next request starts from what is stored. */
  #leave(error: unknown): void {
    logEvent('series-shard', 'error', 'the journal cannot be written', error)
    this.ctx.abort('the journal cannot be written')
  }

  /** Stores the batch and acknowledges it, or says that the journal is at its bound. */
  async append(organisationId: string, batch: ShardBatch): Promise<AppendResult> {
    this.#watchClock(Date.now())
    const refusal = await this.#refusal(batch.timestamp.length)
    if (refusal) return refusal
    try {
      this.#belongTo(organisationId)
      const recorded = this.#vms.record(batch)
      this.#vms.journal(batch, recorded.accepted)
      const accepted = recorded.accepted.length
      this.#count(accepted)
      if (this.#vms.isFull) this.#vms.checkpoint(Date.now())
      if (accepted > 0) await this.#arrange(this.#lastSampleAt)
      return { ...recorded, stored: true, accepted }
    } catch (error) {
      this.#leave(error)
      throw error
    }
  }

  /** Samples that PostgreSQL has to get were accepted. */
  #count(accepted: number): void {
    if (accepted === 0) return
    this.#unflushedSamples += accepted
    this.#unflushed = true
    this.#lastSampleAt = Date.now()
  }

  /**
   * Stores samples of label series (`encodeSeriesBatch`) and acknowledges them, or says that the
   * shard's VMs, which some of them tell of, wait for PostgreSQL up to the bound.
   */
  async appendSeries(
    organisationId: string,
    batch: Uint8Array,
    extras: api.SeriesExtras | null = null,
  ): Promise<api.SeriesAppendResult> {
    const now = Date.now()
    this.#watchClock(now)
    const decoded = decodeSeriesBatch(batch)
    if (!decoded.ok) throw new RangeError(decoded.error)
    // Series that tell of no VM wait for nobody: cuts bound what is kept of them.
    const isFull = this.#unflushedSamples > this.#settings.journalSamplesMax
    const refusal = isFull && this.#series.feedsVms(decoded.value) ? await this.#refusal(0) : null
    if (refusal) return refusal
    try {
      this.#belongTo(organisationId)
      if (this.#series.isOverfull) this.#series.sealer.sealNow(now, () => this.#vms.checkpoint(now))
      else if (this.#series.sealer.isSealing) this.#series.sealer.step()
      else if (this.#series.isFull) this.#seal(now)
      const result = this.#series.append(decoded.value, extras, now)
      // What an append gives to do can wait for the live interval: no look at every VM for each.
      if (this.#alarmAt > now + this.#settings.liveIntervalMs) await this.#arrange(now)
      return result
    } catch (error) {
      this.#leave(error)
      throw error
    }
  }

  /** Series of a shard that match, with their samples, packed (`unpackSelected`). */
  async selectSeries(selection: api.SeriesSelection): Promise<Result<Uint8Array, Fault>> {
    return this.#series.read.select(selection)
  }

  /** Canonical labels of the series; at most `limit`. */
  async labelSets(filter: api.SeriesFilter, limit: number): Promise<Result<Uint8Array[], Fault>> {
    return this.#series.read.labelSets(filter, limit)
  }

  async labelNames(filter: api.SeriesFilter, limit: number): Promise<Result<string[], Fault>> {
    return this.#series.read.labelNames(filter, limit)
  }

  async labelValues(
    name: string,
    filter: api.SeriesFilter,
    limit: number,
  ): Promise<Result<string[], Fault>> {
    return this.#series.read.labelValues(name, filter, limit)
  }

  async exemplars(
    filter: api.SeriesFilter,
    limit: number,
  ): Promise<Result<api.SelectedExemplar[], Fault>> {
    return this.#series.read.exemplars(filter, limit)
  }

  async metadata(metric: string | null, limit: number): Promise<MetricMetadata[]> {
    return this.#series.read.metadata(metric, limit)
  }

  /** Seals the heads in the background, and with them what VMs were told from their samples. */
  #seal(now: number): void {
    if (this.#series.sealer.isSealing) return
    this.#takeHostSamples(now)
    const sealed = this.#series.sealer.seal(now, () => this.#vms.checkpoint(Date.now()))
    this.ctx.waitUntil(sealed.catch((error: unknown) => this.#leave(error)))
  }

  /** Samples that follow from label series go the way of all samples; the series' journal stands for them. */
  #takeHostSamples(now: number): void {
    const batch = this.#series.takeHostSamples(now)
    if (batch) this.#count(this.#vms.record(batch).accepted.length)
  }

  /** Raw samples of one VM in [from, to], ascending; the newest `limit` of them. */
  async points(
    vmId: string,
    from: number,
    to: number,
    limit: number,
  ): Promise<{ columns: PointColumns; truncated: boolean }> {
    const vm = this.#vms.get(vmId)
    const stored = vm ? this.#store.minutes.between(vm.number, from, to) : []
    return pointsBetween(stored, vm?.minutes ?? new Map(), from, to, limit)
  }

  /** Statistics of the sliding 24 h of one VM; null where it never reported. */
  async statistics(vmId: string): Promise<Statistics24h | null> {
    const vm = this.#vms.get(vmId)
    if (!vm) return null
    this.#vms.fold(vm, Date.now())
    return statisticsOf(vm.window.state)
  }

  /** Forgets a deleted VM and its samples, and refuses what is still sent to it. */
  async forget(vmId: string): Promise<void> {
    const now = Date.now()
    this.#store.rememberForgotten(vmId, now)
    this.#series.forgetVm(vmId)
    const vm = this.#vms.get(vmId)
    if (!vm) return
    // The journal may still hold its samples and would bring it back.
    this.#vms.checkpoint(now)
    this.#store.deleteVm(vm.number)
    this.#vms.delete(vmId)
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
    if (hour !== this.#expiredHour) {
      this.#expiredHour = hour
      this.#store.expire(now, this.#settings.rawRetentionMs)
      this.#series.expire(now)
    }
    this.#takeHostSamples(now)
    this.ctx.waitUntil(this.#slide())
    this.ctx.waitUntil(this.#packer.run(now))
    if (now >= this.#series.cutDueAt || this.#series.isFull) this.#seal(now)
    this.ctx.waitUntil(this.#series.sealer.compact(now))
    if (now >= this.#live.nextAt) await this.#live.run(now, this.#organisationId, this.#vms)
    // Not awaited: a stalled database must not hold up the live stream.
    if (this.#unflushed && !this.#flusher.running && now >= this.#flusher.nextAt)
      this.ctx.waitUntil(this.#flush(now))
    if (now >= this.#upkeep.nextAt)
      await this.#upkeep.run(now, this.#organisationId, this.#vms.ids())
  }

  /** Moves the windows into the present hour; what changed with them is to be told. */
  async #slide(): Promise<void> {
    const moved = await this.#vms.slideAll(Date.now)
    if (moved > 0) this.#unflushed = true
    // Fewer are done before the round that began it arranges the next.
    if (moved >= SLIDE_STEP_VMS) await this.#arrange(Date.now())
  }

  async #flush(now: number): Promise<void> {
    try {
      this.#vms.checkpoint(now)
    } catch (error) {
      logEvent('series-shard', 'error', 'the checkpoint cannot be stored; the journal stays', error)
      this.#flusher.nextAt = now + this.#settings.flushIntervalMs
      return
    }
    await this.#flusher.run(now, this.#organisationId, this.#vms.values())
    this.#unflushedSamples = this.#store.unflushedSamples()
    this.#unflushed = this.#unflushedSamples > 0 || [...this.#vms.values()].some((vm) => vm.stale)
    await this.#arrange(Date.now())
  }

  /** Sets the alarm for the next thing to do, unless an earlier one stands. */
  async #arrange(now: number): Promise<void> {
    const due = [(Math.floor(now / HOUR_MS) + 1) * HOUR_MS]
    // While a flush runs it arranges the next one itself; the late alarm is for an evicted object.
    if (this.#unflushed)
      due.push(this.#flusher.running ? now + FLUSH_RETRY_MS_MAX : this.#flusher.nextAt)
    if (this.#vms.changed.size > 0) due.push(this.#live.nextAt)
    const upkeepAt = this.#vms.size > 0 ? this.#upkeep.dueAt(this.#lastSampleAt) : null
    if (upkeepAt !== null) due.push(upkeepAt)
    due.push(this.#series.cutDueAt)
    if (this.#packer.hasMore) due.push(now + this.#settings.liveIntervalMs)
    if (this.#series.hostsWait) due.push(now + this.#settings.liveIntervalMs)
    const at = Math.max(now + 10, Math.min(...due))
    if (at >= this.#alarmAt) return
    this.#alarmAt = at
    await this.ctx.storage.setAlarm(at)
  }
}
