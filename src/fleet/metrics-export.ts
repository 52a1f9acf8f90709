import type { RangeColumns } from './metrics-formats.ts'

/** One read of an export; raw windows are halved until they fit. */
export const EXPORT_READ_ROWS_MAX = 20_000
/** Reads of one export: what a request on the platform may ask for, with room for the rest of it. */
export const EXPORT_READS_MAX = 900

export interface Window {
  /** The earliest rows of [from, to], at most `EXPORT_READ_ROWS_MAX`. */
  readonly columns: RangeColumns
  readonly truncated: boolean
}

/** Partitions of a month are dropped as a whole, up to so long after their first row is due. */
const DROPPED_LATE_MS = 32 * 24 * 3_600_000
/** No row is further ahead: an hour's that has just begun, by a clock that is ahead. */
const AHEAD_MS = 3_600_000

/**
 * The part of [from, to] in which there may be rows: reads of times without any would be asked for in vain,
 * and one range without an end has more of them than a request may ask for.
 *
 * @param keptMs how long rows are kept   @param now ms since the epoch
 */
export const rangeWithRows = (
  from: number,
  to: number,
  keptMs: number,
  now: number,
): { readonly from: number; readonly to: number } => ({
  from: Math.max(from, now - keptMs - DROPPED_LATE_MS),
  to: Math.min(to, now + AHEAD_MS),
})

/**
 * The rows of [from, to] in the order of time, window by window, so that memory does not grow with the range.
 * A window with more rows than a read has is read again at half its length.
 *
 * @param windowMs the length that a read begins with
 * @param read rows of [from, to]; `truncated` where there are more than it gives
 * @throws RangeError beyond `EXPORT_READS_MAX` reads
 */
export async function* readWindows(
  from: number,
  to: number,
  windowMs: number,
  read: (from: number, to: number) => Promise<Window>,
): AsyncGenerator<RangeColumns> {
  let length = windowMs
  let reads = 0
  for (let start = from; start <= to; ) {
    if (++reads > EXPORT_READS_MAX)
      throw new RangeError(`more than ${EXPORT_READS_MAX} reads; ask for a shorter range`)
    const end = Math.min(to, start + length - 1)
    const { columns, truncated } = await read(start, end)
    if (truncated && length > 1) {
      length = Math.ceil(length / 2)
      continue
    }
    yield columns
    start = end + 1
    length = Math.min(windowMs, length * 2)
  }
}

/** A body that is made as it is read; a failure behind the first part breaks the connection off. */
export const streamOf = (parts: AsyncGenerator<string>): ReadableStream<Uint8Array> => {
  const encoder = new TextEncoder()
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await parts.next()
      if (done) controller.close()
      else controller.enqueue(encoder.encode(value))
    },
    async cancel() {
      await parts.return(undefined)
    },
  })
}
