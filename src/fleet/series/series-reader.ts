import { chunkSpan } from '../../kernels/chunk.ts'
import { err, ok, type Result } from '../../result.ts'
import type { ChunkStore } from './chunk-store.ts'
import { dayOf } from './day.ts'
import { DamagedChunkError, evaluateInPlace, type WindowCall } from './evaluation.ts'
import type { ExtrasStore } from './extras-store.ts'
import type { Heads } from './heads.ts'
import { compileMatchers } from './matchers.ts'
import type { SeriesRegistry } from './registry.ts'
import { type PackedSeries, packSelected } from './selection.ts'
import { SeriesIndex } from './series-index.ts'
import type { SeriesStore } from './series-store.ts'
import type { MetricMetadata } from './series-write.ts'
import type {
  SelectedExemplar,
  SelectionFault,
  SeriesFilter,
  SeriesSelection,
} from './shard-api.ts'

/** Bytes of one answer: below the 32 MiB that a call between objects may carry. */
const SELECTED_BYTES_MAX = 24 * 1024 * 1024
/** Samples that one selection evaluates here: tens of milliseconds in which no sample is taken. */
const EVALUATED_SAMPLES_MAX = 4_000_000
/** Of all series, from this share on a day's table is read through instead of series by series. */
const SCAN_RATIO = 0.25
/** An evaluated series leaves nothing else to be read. */
const NOTHING = { chunks: [], head: { count: 0, copy: () => {} }, histograms: [] }

/** The series as what the call makes of it; null where its samples have to be read. */
const evaluated = (series: PackedSeries, call: WindowCall): PackedSeries | null => {
  if (series.histograms.length > 0) return null
  try {
    const found = evaluateInPlace(series.chunks, series.head, call)
    return found && { ...NOTHING, labels: series.labels, evaluated: found }
  } catch (error) {
    // Who reads it says so.
    if (error instanceof DamagedChunkError) return null
    throw error
  }
}

/** Answers questions about a shard's series. Labels are indexed when the first one comes, and from then on. */
export class SeriesReader {
  readonly #store: SeriesStore
  readonly #registry: SeriesRegistry
  readonly #chunks: ChunkStore
  readonly #extras: ExtrasStore
  readonly #heads: Heads
  #index: SeriesIndex | null = null

  constructor(
    store: SeriesStore,
    registry: SeriesRegistry,
    chunks: ChunkStore,
    extras: ExtrasStore,
    heads: Heads,
  ) {
    this.#store = store
    this.#registry = registry
    this.#chunks = chunks
    this.#extras = extras
    this.#heads = heads
  }

  /** A new series got the next slot. */
  added(labels: Uint8Array): void {
    this.#index?.add(labels.slice())
  }

  get #indexed(): SeriesIndex {
    if (this.#index) return this.#index
    const index = new SeriesIndex()
    for (const { labels } of this.#store.labels()) index.add(labels)
    this.#index = index
    return index
  }

  /** Whether a series may have something in [from, to]; days are not looked into. */
  #isActive(slot: number, from: number, to: number): boolean {
    if (this.#heads.count(slot) > 0) return true
    const number = this.#registry.number(slot)
    return this.#chunks.days.some(
      (day) => day >= dayOf(from) && day <= dayOf(to) && this.#chunks.isActive(day, number),
    )
  }

  #slots({ matchers, from, to }: SeriesFilter): Result<number[], SelectionFault> {
    const compiled = compileMatchers(matchers)
    if (!compiled.ok) return compiled
    return ok(this.#indexed.select(compiled.value).filter((slot) => this.#isActive(slot, from, to)))
  }

  /** Chunks in the range, by slot, the first written in front; null where they are beyond an answer's bytes. */
  #chunksOf(slots: readonly number[], from: number, to: number): Map<number, Uint8Array[]> | null {
    const found = new Map<number, Uint8Array[]>(slots.map((slot) => [slot, []]))
    let sizeBytes = 0
    const keep = (slot: number, chunk: Uint8Array) => {
      const span = chunkSpan(chunk)
      const kept = found.get(slot)
      if (!kept || !span.ok || span.to < from || span.from > to) return
      kept.push(chunk)
      sizeBytes += chunk.length
    }
    const first = this.#registry.number(slots[0] as number)
    const last = this.#registry.number(slots.at(-1) as number)
    const isScan = slots.length >= SCAN_RATIO * this.#registry.count
    for (const day of this.#chunks.days) {
      if (day < dayOf(from) || day > dayOf(to)) continue
      if (isScan)
        for (const { number, chunk } of this.#chunks.compacted(day, first, last)) {
          keep(this.#registry.slotOf(number), chunk)
          if (sizeBytes > SELECTED_BYTES_MAX) return null
        }
      else
        for (const slot of slots) {
          const number = this.#registry.number(slot)
          for (const { chunk } of this.#chunks.compacted(day, number, number)) keep(slot, chunk)
          if (sizeBytes > SELECTED_BYTES_MAX) return null
        }
      for (const { reader } of this.#chunks.segments(day, first, last, undefined, from, to)) {
        for (const slot of slots)
          for (const chunk of reader.chunksOf(this.#registry.number(slot))) keep(slot, chunk)
        if (sizeBytes > SELECTED_BYTES_MAX) return null
      }
    }
    return found
  }

  #head(slot: number, from: number, to: number): PackedSeries['head'] {
    const part = this.#heads.partIn(slot, from, to)
    return {
      count: part.end - part.first,
      copy: (timestamps, bits, at) => this.#heads.copyPart(slot, part, timestamps, bits, at),
    }
  }

  /** Series and their samples, packed (`unpackSelected`). */
  select(selection: SeriesSelection): Result<Uint8Array, SelectionFault> {
    const { from, to, seriesMax, samplesMax, call = null } = selection
    const callBytes = call ? 9 * call.windows.steps : Number.POSITIVE_INFINITY
    const slots = this.#slots(selection)
    if (!slots.ok) return slots
    if (slots.value.length > seriesMax) return err({ reason: 'too-many-series', max: seriesMax })
    if (slots.value.length === 0) return ok(packSelected([]))
    const chunks = this.#chunksOf(slots.value, from, to)
    if (!chunks) return err({ reason: 'too-many-samples', max: samplesMax })
    const selected: PackedSeries[] = []
    let samples = 0
    let sizeBytes = 0
    for (const slot of slots.value) {
      const series: PackedSeries = {
        labels: this.#indexed.labels(slot),
        chunks: chunks.get(slot) ?? [],
        head: this.#head(slot, from, to),
        histograms: this.#extras.histograms(this.#registry.number(slot), from, to),
      }
      samples += series.head.count + series.histograms.length
      let seriesBytes = 16 * series.head.count
      for (const chunk of series.chunks) {
        const span = chunkSpan(chunk)
        samples += span.ok ? span.count : 0
        seriesBytes += chunk.length
      }
      for (const { bytes } of series.histograms) seriesBytes += bytes.length
      const isSmaller = call && callBytes < seriesBytes && samples <= EVALUATED_SAMPLES_MAX
      const instead = isSmaller ? evaluated(series, call) : null
      sizeBytes += series.labels.length + (instead ? callBytes : seriesBytes)
      if (samples > samplesMax || sizeBytes > SELECTED_BYTES_MAX)
        return err({ reason: 'too-many-samples', max: Math.min(samples, samplesMax) })
      selected.push(instead ?? series)
    }
    return ok(packSelected(selected))
  }

  /** Canonical labels of the series; at most `limit` of them. */
  labelSets(filter: SeriesFilter, limit: number): Result<Uint8Array[], SelectionFault> {
    const slots = this.#slots(filter)
    if (!slots.ok) return slots
    return ok(slots.value.slice(0, limit).map((slot) => this.#indexed.labels(slot)))
  }

  /** Names of labels, sorted; at most `limit` of them. */
  labelNames(filter: SeriesFilter, limit: number): Result<string[], SelectionFault> {
    const slots = this.#slots(filter)
    if (!slots.ok) return slots
    return ok([...this.#indexed.names(slots.value)].sort().slice(0, limit))
  }

  /** Values of a label, sorted; at most `limit` of them. */
  labelValues(name: string, filter: SeriesFilter, limit: number): Result<string[], SelectionFault> {
    const slots = this.#slots(filter)
    if (!slots.ok) return slots
    return ok([...this.#indexed.values(name, slots.value)].sort().slice(0, limit))
  }

  /** Exemplars of the series, the first series' in front; at most `limit` of them. */
  exemplars(filter: SeriesFilter, limit: number): Result<SelectedExemplar[], SelectionFault> {
    const slots = this.#slots(filter)
    if (!slots.ok) return slots
    const found: SelectedExemplar[] = []
    for (const slot of slots.value) {
      if (found.length >= limit) break
      const number = this.#registry.number(slot)
      for (const exemplar of this.#extras.exemplars(number, filter.from, filter.to))
        found.push({ ...exemplar, series: this.#indexed.labels(slot) })
    }
    return ok(found.slice(0, limit))
  }

  /** @param metric one metric, or null for all */
  metadata(metric: string | null, limit: number): MetricMetadata[] {
    return this.#extras.metadata(metric, limit)
  }
}
