import { logEvent } from '../../observability/log.ts'
import type { ChunkStore } from './chunk-store.ts'
import { Heads } from './heads.ts'
import type { HostDerivation } from './host-derivation.ts'
import { mergeLate } from './late.ts'
import type { SeriesRegistry } from './registry.ts'
import { mergedSamples } from './sealing.ts'
import type { Tails } from './series-store.ts'

/** A chunk that cannot be read is told and left out. */
export const onFault = (detail: string): void =>
  logEvent('series-shard', 'error', 'samples of a stored chunk are left out', detail)

const NO_SAMPLE = { timestamp: Number.NaN, value: Number.NaN }

/** What became of samples; positions are those of the batch. */
export interface Inserted {
  readonly accepted: Uint32Array
  readonly duplicates: number
  readonly conflicts: readonly number[]
}

/**
 * Takes samples into the heads: behind the newest of a series at once, late ones into their places,
 * compared with what is sealed for the same moments.
 */
export class SampleIntake {
  readonly heads = new Heads()
  readonly #registry: SeriesRegistry
  readonly #chunks: ChunkStore
  readonly #hosts: HostDerivation
  /** Per slot: newest time that is sealed; −Infinity where nothing is. */
  #sealedTo = new Float64Array(0)
  /** Per slot: value of the newest sample, for the increase of the next. */
  #lastValue = new Float64Array(0)

  /** @param tails what the last cut left */
  constructor(
    registry: SeriesRegistry,
    chunks: ChunkStore,
    hosts: HostDerivation,
    tails: Iterable<Tails>,
  ) {
    this.#registry = registry
    this.#chunks = chunks
    this.#hosts = hosts
    this.reserve()
    this.#load(tails)
  }

  #load(tails: Iterable<Tails>): void {
    for (const { numbers, newest, values } of tails)
      numbers.forEach((number, index) => {
        const slot = this.#registry.slotOf(number)
        if (slot < 0) return
        this.#sealedTo[slot] = newest[index] as number
        this.heads.newest[slot] = newest[index] as number
        this.#lastValue[slot] = values[index] as number
      })
  }

  /** Makes room for all series of the registry. */
  reserve(): void {
    const count = this.#registry.count
    this.heads.reserve(count)
    if (count <= this.#sealedTo.length) return
    const sealedTo = new Float64Array(this.heads.newest.length).fill(Number.NEGATIVE_INFINITY)
    sealedTo.set(this.#sealedTo)
    this.#sealedTo = sealedTo
    const lastValue = new Float64Array(sealedTo.length).fill(Number.NaN)
    lastValue.set(this.#lastValue)
    this.#lastValue = lastValue
  }

  /**
   * Puts samples into their heads.
   *
   * @param slots per sample; −1: left out
   * @param row journal row that they are read from again: none of them is sealed; null where they are new
   * @returns positions of the accepted samples, and what became of the others
   */
  insert(
    slots: Int32Array,
    timestamps: Float64Array,
    values: Float64Array,
    at: number,
    row: number | null,
  ): Inserted {
    const { newest } = this.heads
    const bits = new Int32Array(values.buffer, values.byteOffset, 2 * values.length)
    const accepted = new Uint32Array(slots.length)
    const late = new Map<number, number[]>()
    let count = 0
    for (let sample = 0; sample < slots.length; sample++) {
      const slot = slots[sample] as number
      if (slot < 0) continue
      const timestamp = timestamps[sample] as number
      if (timestamp > (newest[slot] as number)) {
        this.#derive(slot, timestamp, values[sample] as number, at, row)
        this.heads.append(slot, timestamp, bits, sample)
        accepted[count++] = sample
      } else {
        const positions = late.get(slot)
        if (positions) positions.push(sample)
        else late.set(slot, [sample])
      }
    }
    const conflicts: number[] = []
    let duplicates = 0
    for (const [slot, positions] of late) {
      positions.sort((a, b) => (timestamps[a] as number) - (timestamps[b] as number) || a - b)
      const oldest = timestamps[positions[0] as number] as number
      const latest = timestamps[positions.at(-1) as number] as number
      const sealed =
        row === null && oldest <= (this.#sealedTo[slot] as number)
          ? mergedSamples(
              this.#chunks.chunksOf(this.#registry.number(slot), oldest, latest),
              onFault,
            )
          : null
      const merged = mergeLate(this.heads.read(slot), sealed, { positions, timestamps, bits })
      duplicates += merged.duplicates
      conflicts.push(...merged.conflicts)
      if (merged.accepted.length === 0) continue
      this.heads.replace(slot, merged.timestamps, merged.bits)
      for (const sample of merged.accepted) {
        accepted[count++] = sample
        this.#tell(slot, timestamps[sample] as number, values[sample] as number, NO_SAMPLE, at, row)
      }
    }
    return { accepted: accepted.subarray(0, count), duplicates, conflicts }
  }

  /** Tells the VM of a sample behind its series' newest. */
  #derive(slot: number, timestamp: number, value: number, at: number, row: number | null): void {
    if (this.#registry.role(slot) === 0) return
    const newest = this.heads.newest[slot] as number
    const previous = Number.isFinite(newest)
      ? { timestamp: newest, value: this.#lastValue[slot] as number }
      : NO_SAMPLE
    this.#tell(slot, timestamp, value, previous, at, row)
    this.#lastValue[slot] = value
  }

  #tell(
    slot: number,
    timestamp: number,
    value: number,
    previous: { readonly timestamp: number; readonly value: number },
    at: number,
    row: number | null,
  ): void {
    const vm = this.#registry.vm(slot)
    // The VM may have been another one when the row was written.
    if (vm === null || (row !== null && !this.#registry.isAbout(slot, row))) return
    const role = this.#registry.role(slot)
    this.#hosts.of(vm).add(role, timestamp, value, previous.timestamp, previous.value, at)
  }

  /** A copy of what the next incarnation goes on from. */
  tails(): Tails {
    const { numbers, count } = this.#registry
    return {
      numbers: numbers.slice(),
      newest: this.heads.newest.slice(0, count),
      values: this.#lastValue.slice(0, count),
    }
  }

  /** The heads of the slots in [first, end) are in chunks. */
  sealed(first: number, end: number): void {
    for (let slot = first; slot < end; slot++) {
      this.#sealedTo[slot] = this.heads.newest[slot] as number
      this.heads.release(slot)
    }
  }

  /** The registry keeps the series of these slots, in this order. */
  keep(slots: readonly number[]): void {
    this.heads.keep(slots)
    this.#sealedTo = Float64Array.from(slots, (slot) => this.#sealedTo[slot] as number)
    this.#lastValue = Float64Array.from(slots, (slot) => this.#lastValue[slot] as number)
    this.reserve()
  }
}
