import { decodeColumns, encodeColumns } from '../kernels/chunk.ts'
import { logEvent } from '../observability/log.ts'
import { MINUTE_MS, type SampleColumns } from './minute-buffer.ts'
import { METRICS } from './types.ts'

/** The samples of one minute, and the minute's start in ms since the epoch. */
export interface StoredMinute {
  readonly start: number
  readonly samples: SampleColumns
}

/** Both in one falling order, the newest first; of a minute that is in both, the one of `first`. */
export function* newestFirst(
  first: Iterable<StoredMinute>,
  second: Iterable<StoredMinute>,
): Generator<StoredMinute> {
  const others = second[Symbol.iterator]()
  let other = others.next()
  for (const minute of first) {
    for (; !other.done && other.value.start > minute.start; other = others.next()) yield other.value
    yield minute
    if (!other.done && other.value.start === minute.start) other = others.next()
  }
  for (; !other.done; other = others.next()) yield other.value
}

/** Positions [from, end) of decoded columns. */
class ColumnSlice implements SampleColumns {
  readonly #timestamps: Float64Array
  readonly #columns: readonly Float64Array[]
  readonly #from: number
  readonly #end: number

  constructor(
    timestamps: Float64Array,
    columns: readonly Float64Array[],
    from: number,
    end: number,
  ) {
    this.#timestamps = timestamps
    this.#columns = columns
    this.#from = from
    this.#end = end
  }

  get count(): number {
    return this.#end - this.#from
  }

  get timestamps(): Float64Array {
    return this.#timestamps.subarray(this.#from, this.#end)
  }

  column(metric: number): Float64Array {
    const column = this.#columns[metric]
    if (!column) throw new RangeError(`no metric ${metric}`)
    return column.subarray(this.#from, this.#end)
  }
}

/** One chunk of the minutes' samples, bit for bit. @param minutes ascending */
export const packMinutes = (minutes: readonly StoredMinute[]): Uint8Array => {
  const count = minutes.reduce((sum, { samples }) => sum + samples.count, 0)
  const timestamps = new Float64Array(count)
  const columns = METRICS.map(() => new Float64Array(count))
  let at = 0
  for (const { samples } of minutes) {
    timestamps.set(samples.timestamps, at)
    columns.forEach((column, metric) => {
      column.set(samples.column(metric), at)
    })
    at += samples.count
  }
  return encodeColumns(timestamps, columns, { effort: 'small' })
}

/** The minutes of a chunk, ascending; none where it cannot be read: its samples are lost, the rest is served. */
export const unpackMinutes = (chunk: Uint8Array): StoredMinute[] => {
  const found = decodeColumns([chunk], METRICS.length)
  if (!found.ok) {
    logEvent('series-shard', 'error', 'packed samples cannot be read', new Error(found.error))
    return []
  }
  const { timestamps, columns } = found
  const minutes: StoredMinute[] = []
  for (let from = 0; from < timestamps.length; ) {
    const first = timestamps[from] as number
    const start = first - (first % MINUTE_MS)
    let end = from + 1
    while (end < timestamps.length && (timestamps[end] as number) < start + MINUTE_MS) end++
    minutes.push({ start, samples: new ColumnSlice(timestamps, columns, from, end) })
    from = end
  }
  return minutes
}
