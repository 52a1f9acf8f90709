import { MINUTE_MS } from './minute-buffer.ts'
import { JOURNAL_ROW_SAMPLES_MAX, type ShardBatch, selectSamples } from './shard-batch.ts'
import type { ShardStore } from './shard-store.ts'
import { METRICS } from './types.ts'
import type { VmSeries } from './vm-series.ts'

/** Minutes changed, or read back, before a checkpoint is stored without waiting for the flush: bounds memory in a backfill. */
const MINUTES_HELD_MAX = 4_096

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
  readonly #store: ShardStore
  readonly #series = new Map<string, VmSeries>()
  /** Minutes read back from SQLite since the last checkpoint. */
  #minutesRead = 0

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
    this.#series.delete(id)
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

  /** Brings a VM's hours and window up to date. @param now ms since the epoch */
  fold(vm: VmSeries, now: number): void {
    vm.fold((hour) => this.#store.hour(vm.number, hour))
    vm.slide(now)
  }

  #dirtyMinutes(): number {
    let count = 0
    for (const vm of this.#series.values()) count += vm.dirtyMinutes.size
    return count
  }

  /** Stores what changed and empties the journal. @param now ms since the epoch */
  checkpoint(now: number): void {
    for (const vm of this.#series.values()) this.fold(vm, now)
    this.#store.checkpoint([...this.#series.values()])
    for (const vm of this.#series.values()) vm.releaseMinutes(now - 2 * MINUTE_MS)
    this.#minutesRead = 0
  }

  /** Whether so many minutes are in memory that a checkpoint should not wait. */
  get isFull(): boolean {
    // Repeated samples change nothing, but the minutes that they were compared with are in memory.
    return Math.max(this.#dirtyMinutes(), this.#minutesRead) > MINUTES_HELD_MAX
  }
}
