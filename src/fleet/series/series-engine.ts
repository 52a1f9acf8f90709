import type { Settings } from '../../env.ts'
import type { ShardBatch } from '../shard-batch.ts'
import { ChunkStore } from './chunk-store.ts'
import { ExtrasStore } from './extras-store.ts'
import type { Heads } from './heads.ts'
import { HostDerivation } from './host-derivation.ts'
import { LABEL_BYTES_PER_SHARD_MAX } from './labels.ts'
import { SeriesRegistry } from './registry.ts'
import { SampleIntake } from './sample-intake.ts'
import { Sealer } from './sealer.ts'
import type { SeriesBatch } from './series-batch.ts'
import { SeriesReader } from './series-reader.ts'
import { type JournalRow, SeriesStore } from './series-store.ts'
import type { SeriesAppendResult, SeriesExtras } from './shard-api.ts'

/** Samples of one series in memory before all are sealed: late ones are sorted in between them. */
const HEAD_SAMPLES_MAX = 8_192
/** Heads this far over their bound are sealed without pauses. */
const OVERFULL_RATIO = 1.5

/** Positions of a batch's series by what became of them. */
interface Resolved {
  /** Slots, −1 where there is none. */
  readonly slots: Int32Array
  readonly unknown: number[]
  readonly overLimit: number[]
  readonly overLabelBytes: number[]
}

const NO_EXTRAS: SeriesExtras = { histograms: [], exemplars: [], metadata: [] }

/**
 * The label series of one shard. Accepted samples are in the journal before the answer; heads hold what is
 * in the journal; a cut seals them into chunks and empties the journal, in one transaction. So memory
 * is chunks plus journal, whenever the object is killed.
 */
export class SeriesEngine {
  readonly #settings: Settings
  readonly #store: SeriesStore
  readonly #chunks: ChunkStore
  readonly #extras: ExtrasStore
  readonly #hosts: HostDerivation
  readonly #registry: SeriesRegistry
  readonly #intake: SampleIntake
  readonly #heads: Heads
  readonly sealer: Sealer
  #reader: SeriesReader

  constructor(storage: DurableObjectStorage, settings: Settings) {
    this.#settings = settings
    this.#store = new SeriesStore(storage.sql)
    this.#chunks = new ChunkStore(storage.sql)
    this.#extras = new ExtrasStore(storage.sql, this.#chunks)
    this.#hosts = new HostDerivation(this.#store.hosts())
    this.#registry = new SeriesRegistry(this.#store)
    this.#intake = new SampleIntake(this.#registry, this.#chunks, this.#hosts, this.#store.tails())
    this.#heads = this.#intake.heads
    this.#reader = this.#openReader()
    this.sealer = new Sealer(
      storage,
      this.#store,
      this.#chunks,
      this.#registry,
      this.#intake,
      this.#hosts,
    )
    for (const row of this.#store.journal()) this.#replay(row)
  }

  #openReader(): SeriesReader {
    return new SeriesReader(this.#store, this.#registry, this.#chunks, this.#extras, this.#heads)
  }

  /** What was accepted once is accepted again, and nothing that is sealed can be among it. */
  #replay({ numbers, timestamps, values, sequence, at }: JournalRow): void {
    const slots = new Int32Array(numbers.length)
    for (let sample = 0; sample < slots.length; sample++)
      slots[sample] = this.#registry.slotOf(numbers[sample] as number)
    this.sealer.journalSince = Math.min(this.sealer.journalSince, at)
    this.#intake.insert(slots, timestamps, values, at, sequence)
  }

  get seriesCount(): number {
    return this.#registry.count
  }

  /** Samples that are not sealed. */
  get headSamples(): number {
    return this.#heads.samples
  }

  /** Slots of the batch's series, −1 where there is none; new ones are stored. */
  #resolve(batch: SeriesBatch): Resolved {
    const series = batch.identity.length / 4
    const slots = new Int32Array(series)
    const unknown: number[] = []
    const overLimit: number[] = []
    const overLabelBytes: number[] = []
    const hasRoom = (bytes: number) =>
      this.#registry.labelBytes + bytes <= LABEL_BYTES_PER_SHARD_MAX
    for (let position = 0; position < series; position++) {
      let slot = this.#registry.find(batch.identity, position * 4)
      const description = batch.descriptionOf(position)
      if (description) {
        if (slot >= 0) this.#registry.describe(slot, description)
        else if (this.#registry.count >= this.#settings.seriesMaxPerShard) overLimit.push(position)
        else if (!hasRoom(description.labels.length)) overLabelBytes.push(position)
        else {
          slot = this.#registry.create(batch.identity, position * 4, description)
          this.#reader.added(description.labels)
        }
      } else if (slot < 0) unknown.push(position)
      slots[position] = slot
    }
    this.#intake.reserve()
    return { slots, unknown, overLimit, overLabelBytes }
  }

  #journal(
    slots: Int32Array,
    { timestamps, values }: SeriesBatch,
    accepted: Uint32Array,
    at: number,
  ): void {
    if (accepted.length === 0) return
    const numbers = new Uint32Array(accepted.length)
    const times = new Float64Array(accepted.length)
    const taken = new Float64Array(accepted.length)
    const from = new Int32Array(values.buffer, values.byteOffset, 2 * values.length)
    const to = new Int32Array(taken.buffer)
    for (let index = 0; index < accepted.length; index++) {
      const sample = accepted[index] as number
      numbers[index] = this.#registry.number(slots[sample] as number)
      times[index] = timestamps[sample] as number
      to[2 * index] = from[2 * sample] as number
      to[2 * index + 1] = from[2 * sample + 1] as number
    }
    this.#store.appendJournal({ numbers, timestamps: times, values: taken }, at)
    this.sealer.journalSince = Math.min(this.sealer.journalSince, at)
  }

  /**
   * Accepts a batch: what is new is in the journal when this returns. An error leaves memory ahead of the
   * journal, and the object must end.
   *
   * @param now ms since the epoch
   */
  append(
    batch: SeriesBatch,
    extras: SeriesExtras | null,
    now: number,
  ): SeriesAppendResult & { stored: true } {
    const { slots: ofSeries, unknown, overLimit, overLabelBytes } = this.#resolve(batch)
    const slots = new Int32Array(batch.timestamps.length)
    for (let sample = 0; sample < slots.length; sample++)
      slots[sample] = ofSeries[batch.sampleSeries[sample] as number] as number
    const { accepted, duplicates, conflicts } = this.#intake.insert(
      slots,
      batch.timestamps,
      batch.values,
      now,
      null,
    )
    this.#journal(slots, batch, accepted, now)
    return {
      stored: true,
      unknown: Uint32Array.from(unknown),
      overLimit: Uint32Array.from(overLimit),
      overLabelBytes: Uint32Array.from(overLabelBytes),
      seriesMax: this.#settings.seriesMaxPerShard,
      conflicts: Uint32Array.from(conflicts),
      duplicates,
      histogramConflicts: this.#storeExtras(extras ?? NO_EXTRAS, ofSeries),
    }
  }

  #storeExtras({ histograms, exemplars, metadata }: SeriesExtras, slots: Int32Array): number[] {
    const conflicts: number[] = []
    const numberOf = (series: number): number | null => {
      const slot = slots[series] ?? -1
      return slot < 0 ? null : this.#registry.number(slot)
    }
    histograms.forEach(({ series, timestamp, bytes }, position) => {
      const number = numberOf(series)
      if (number === null) return
      if (this.#extras.addHistogram(number, timestamp, bytes) === 'conflict')
        conflicts.push(position)
    })
    for (const exemplar of exemplars) {
      const number = numberOf(exemplar.series)
      if (number !== null) this.#extras.addExemplar({ ...exemplar, series: number })
    }
    if (exemplars.length > 0) this.#extras.trimExemplars()
    for (const entry of metadata) this.#extras.putMetadata(entry)
    return conflicts
  }

  get read(): SeriesReader {
    return this.#reader
  }

  /** Whether a VM is told of by some series of the batch. */
  feedsVms(batch: SeriesBatch): boolean {
    const series = batch.identity.length / 4
    for (let position = 0; position < series; position++) {
      const description = batch.descriptionOf(position)
      if (description && description.vm !== null && description.role !== 0) return true
      const slot = description ? -1 : this.#registry.find(batch.identity, position * 4)
      if (slot >= 0 && this.#registry.role(slot) !== 0) return true
    }
    return false
  }

  /** VM samples that are complete; they come again after a restart that finds them in the journal. */
  takeHostSamples(now: number): ShardBatch | null {
    return this.#hosts.take(now)
  }

  get hostsWait(): boolean {
    return this.#hosts.isWaiting
  }

  /** A deleted VM gets nothing more from its series. */
  forgetVm(vmId: string): void {
    this.#hosts.forget(vmId)
    this.#registry.forgetVm(vmId)
  }

  /** Whether heads are to be sealed. */
  get isFull(): boolean {
    return (
      this.#heads.samples >= this.#settings.seriesCutSamples ||
      this.#heads.reached(HEAD_SAMPLES_MAX)
    )
  }

  /** Whether they are so far over the bound that nothing more is taken before they are sealed. */
  get isOverfull(): boolean {
    return (
      this.#heads.samples >= OVERFULL_RATIO * this.#settings.seriesCutSamples ||
      this.#heads.reached(OVERFULL_RATIO * HEAD_SAMPLES_MAX)
    )
  }

  /** When the heads are due to be sealed for their age, ms since the epoch. */
  get cutDueAt(): number {
    return this.sealer.journalSince + this.#settings.seriesCutIntervalMs
  }

  /** Drops what is older than the raw retention, and the series of which nothing is left. */
  expire(now: number): void {
    const before = now - this.#settings.rawRetentionMs
    if (this.sealer.isSealing) return
    const dropped = this.#chunks.dropBefore(before)
    if (dropped.length === 0) return
    this.#extras.dropDays(dropped, before)
    const gone: number[] = []
    for (let slot = 0; slot < this.#registry.count; slot++) {
      const number = this.#registry.number(slot)
      if (this.#heads.count(slot) > 0) continue
      if (!this.#chunks.days.some((day) => this.#chunks.isActive(day, number))) gone.push(number)
    }
    if (gone.length > 0) this.#remove(gone)
  }

  #remove(numbers: readonly number[]): void {
    const gone = new Set(numbers)
    const kept: number[] = []
    for (let slot = 0; slot < this.#registry.count; slot++)
      if (!gone.has(this.#registry.number(slot))) kept.push(slot)
    this.#store.remove(numbers)
    this.#registry.reload()
    this.#intake.keep(kept)
    this.#reader = this.#openReader()
  }
}
