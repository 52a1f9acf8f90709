import { logEvent } from '../observability/log.ts'
import { LivePoints } from './live-points.ts'
import { MinuteBuffer } from './minute-buffer.ts'
import { JOURNAL_ROW_SAMPLES_MAX, type ShardBatch, selectSamples } from './shard-batch.ts'
import type { ShardStore } from './shard-store.ts'
import { METRICS } from './types.ts'
import type { VmSeries } from './vm-series.ts'
import { windowStartOf } from './vm-window.ts'

/** Minutes opened, and samples accepted, before a checkpoint is stored without waiting for the flush: bound memory in a backfill. */
const MINUTES_OPENED_MAX = 4_096
const SAMPLES_HELD_MAX = 65_536
/** How long a minute that ended stays in memory: samples are often late by so much. */
const MINUTE_KEPT_MS = 30_000
/** VMs whose windows are made anew at one time: a few milliseconds. */
export const SLIDE_STEP_VMS = 8

/** What became of the samples of a batch; positions are those of the batch. */
export interface Recorded {
  readonly accepted: readonly number[]
  readonly duplicates: number
  readonly conflicts: readonly number[]
  readonly overRate: readonly number[]
  /** Samples of VMs that were deleted a short while ago. */
  readonly deleted: readonly number[]
}

/** The answer to a batch. */
export type AppendResult =
  | (Omit<Recorded, 'accepted'> & { readonly stored: true; readonly accepted: number })
  | {
      readonly stored: false
      readonly unflushedSamples: number
      readonly retryAfterSeconds: number
    }

/** The VMs of one shard: takes their samples, and stores what changed. */
export class VmRecorder {
  /** VMs of which something came since they were last published. */
  readonly changed = new Set<VmSeries>()
  readonly points = new LivePoints()
  readonly #store: ShardStore
  readonly #series = new Map<string, VmSeries>()
  /** VMs with minutes in memory: all of which something came since the last checkpoint, and others. */
  readonly #open = new Set<VmSeries>()
  /** Minutes opened, and samples accepted, since the last checkpoint. */
  #minutesOpened = 0
  #samplesAccepted = 0
  #isSliding = false

  /** Stored VMs, and what the journal adds to them. */
  constructor(store: ShardStore) {
    this.#store = store
    for (const vm of store.loadVms()) this.#remember(vm)
    for (const batch of store.journal()) this.record(batch)
  }

  get size(): number {
    return this.#series.size
  }

  get(id: string): VmSeries | undefined {
    return this.#series.get(id)
  }

  delete(id: string): void {
    const vm = this.#series.get(id)
    if (!vm) return
    this.#series.delete(id)
    this.#open.delete(vm)
    this.changed.delete(vm)
    this.points.take(id)
  }

  ids(): string[] {
    return [...this.#series.keys()]
  }

  values(): MapIterator<VmSeries> {
    return this.#series.values()
  }

  #remember(vm: VmSeries): VmSeries {
    this.#series.set(vm.id, vm)
    return vm
  }

  record(batch: ShardBatch): Recorded {
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
      const timestamp = batch.timestamp[position] as number
      const offset = position * METRICS.length
      const outcome = vm.record(timestamp, batch.values, offset, (minute, mayBeStored) =>
        this.#openMinute(vm, minute, mayBeStored),
      )
      if (outcome === 'inserted') {
        accepted.push(position)
        this.points.add(vm.id, timestamp, batch.values, offset)
        this.changed.add(vm)
        // A minute that was open before may be of a VM whose minutes are all stored.
        this.#open.add(vm)
      } else if (outcome === 'duplicate') duplicates++
      else if (outcome === 'conflict') conflicts.push(position)
      else overRate.push(position)
    }
    this.#samplesAccepted += accepted.length
    return { accepted, duplicates, conflicts, overRate, deleted }
  }

  #openMinute(vm: VmSeries, minute: number, mayBeStored: boolean): MinuteBuffer {
    this.#open.add(vm)
    this.#minutesOpened++
    return (mayBeStored ? this.#store.minutes.read(vm.number, minute) : null) ?? new MinuteBuffer()
  }

  /** Acknowledged samples, durable until a checkpoint stands for them. */
  journal(batch: ShardBatch, accepted: readonly number[]): void {
    if (accepted.length === 0) return
    if (accepted.length === batch.timestamp.length && accepted.length <= JOURNAL_ROW_SAMPLES_MAX)
      this.#store.appendJournal(batch)
    else
      for (let start = 0; start < accepted.length; start += JOURNAL_ROW_SAMPLES_MAX)
        this.#store.appendJournal(
          selectSamples(batch, accepted.slice(start, start + JOURNAL_ROW_SAMPLES_MAX)),
        )
  }

  #slide(vm: VmSeries, now: number): void {
    const hours = this.#store.hoursFrom(vm.number, windowStartOf(now))
    if (!vm.window.slide(now, hours)) return
    vm.stale = true
    this.changed.add(vm)
  }

  /** Brings a VM's window up to date. @param now ms since the epoch */
  fold(vm: VmSeries, now: number): void {
    if (vm.window.isAt(now)) vm.window.fold()
    else this.#slide(vm, now)
  }

  /**
   * Brings the windows of all VMs into the present hour, some at a time with requests in between; one
   * at a time. Never throws.
   *
   * @param clock ms since the epoch   @returns how many were not; from SLIDE_STEP_VMS on time has passed
   */
  async slideAll(clock: () => number): Promise<number> {
    if (this.#isSliding) return 0
    this.#isSliding = true
    let count = 0
    let now = clock()
    try {
      for (const vm of this.#series.values()) {
        if (vm.window.isAt(now)) continue
        this.#slide(vm, now)
        if (++count % SLIDE_STEP_VMS > 0) continue
        await scheduler.wait(0)
        now = clock()
      }
    } catch (error) {
      logEvent('series-shard', 'error', 'stored hours cannot be read', error)
    }
    this.#isSliding = false
    return count
  }

  /** Stores what changed and empties the journal. @param now ms since the epoch */
  checkpoint(now: number): void {
    this.#store.checkpoint([...this.#open])
    for (const vm of this.#open) {
      vm.releaseMinutes(now - MINUTE_KEPT_MS)
      if (vm.minutes.size === 0) this.#open.delete(vm)
    }
    this.#minutesOpened = 0
    this.#samplesAccepted = 0
  }

  /** Whether so much is in memory that a checkpoint should not wait. */
  get isFull(): boolean {
    // Repeated samples change nothing, but the minutes that they were compared with are in memory.
    return this.#minutesOpened > MINUTES_OPENED_MAX || this.#samplesAccepted > SAMPLES_HELD_MAX
  }
}
