import type { Lease } from './memory.ts'
import { getKernels } from './module.ts'

/** Samples of one chunk at most. */
export const CHUNK_SAMPLES_MAX = 65_536

/** Columns of one chunk at most. */
export const CHUNK_COLUMNS_MAX = 255

/** Bytes behind the last chunk that a kernel may read. */
const READ_MARGIN_BYTES = 64

export interface ChunkOptions {
  /** `fast` (the default) for samples as they come; `small` for those that stay: slower to decode. */
  readonly effort?: 'fast' | 'small'
}

export type ChunkReason =
  /** The first byte names no version that is known here. */
  | 'unknown-version'
  /** Cut off, too long, or with values that no encoder writes. */
  | 'corrupt'
  /** As many columns as asked for are not in it. */
  | 'other-columns'

export interface ChunkFault {
  readonly ok: false
  readonly error: ChunkReason
  /** Which of the chunks. */
  readonly chunk: number
}

export interface ChunkSpan {
  readonly ok: true
  /** Samples. */
  readonly count: number
  /** Earliest and latest time, ms; NaN where there are no samples. */
  readonly from: number
  readonly to: number
}

export type DecodedChunk =
  | {
      readonly ok: true
      readonly timestamps: Float64Array<ArrayBuffer>
      readonly values: Float64Array<ArrayBuffer>
    }
  | ChunkFault

export type DecodedColumns =
  | {
      readonly ok: true
      readonly timestamps: Float64Array<ArrayBuffer>
      readonly columns: readonly Float64Array<ArrayBuffer>[]
    }
  | ChunkFault

/** Columns in the kernels' memory, in a lease that is still open. */
export type ResidentColumns =
  | {
      readonly ok: true
      readonly count: number
      /** Address of f64[count]. */
      readonly timestamps: number
      /** Address of f64[columns][count]. */
      readonly values: number
    }
  | ChunkFault

/** The codes of chunk_decode from 1 on. There is room for all samples, as their headers say them. */
const REASONS: readonly ChunkReason[] = ['unknown-version', 'corrupt', 'corrupt', 'other-columns']

// The header's layout is in assembly/chunk.ts.
const VERSION = 1
const VERSION_MASK = 15
const IS_REGULAR = 16
const IS_SINGLE = 32

/** Reads LEB128 numbers in doubles: exact as long as the result is below 2^53. */
class HeaderReader {
  readonly #bytes: Uint8Array
  #at = 1

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  skip(bytes: number): void {
    this.#at += bytes
  }

  /** `start` and the next number; NaN where it is cut off or longer than eight bytes. */
  addNext(start = 0): number {
    let value = start
    for (let scale = 1; scale < 2 ** 56; scale *= 128) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) return Number.NaN
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
    return Number.NaN
  }

  /** The next number, whose lowest bit says that it is −1 less half of it. */
  nextSigned(): number {
    const low = this.#bytes[this.#at++] ?? 0
    const half = ((low & 127) >> 1) + (low < 128 ? 0 : this.addNext() * 64)
    return low & 1 ? -1 - half : half
  }
}

const CORRUPT = { ok: false, error: 'corrupt', chunk: 0 } as const

/**
 * How many samples a chunk holds and the times it spans, from its first bytes alone.
 *
 * @param bytes of one chunk, of one column or several
 */
export function chunkSpan(bytes: Uint8Array): ChunkSpan | ChunkFault {
  const flags = bytes[0] ?? 0
  if (bytes.length < 2) return CORRUPT
  if ((flags & VERSION_MASK) !== VERSION) return { ok: false, error: 'unknown-version', chunk: 0 }
  const header = new HeaderReader(bytes)
  const count = header.addNext()
  if (!(count <= CHUNK_SAMPLES_MAX)) return CORRUPT
  if (count === 0) return { ok: true, count, from: Number.NaN, to: Number.NaN }
  if (!(flags & IS_SINGLE)) header.skip(1)
  const from = header.nextSigned()
  const to = flags & IS_REGULAR ? from + header.addNext() * (count - 1) : header.addNext(from)
  return Number.isSafeInteger(from) && Number.isSafeInteger(to)
    ? { ok: true, count, from, to }
    : CORRUPT
}

/**
 * Compresses columns of one length that share their timestamps. Exact: timestamps in any order, also
 * repeated; values bit for bit, with the payloads of NaN, −0 and subnormal numbers.
 *
 * @param timestamps f64[n], whole, ms, |t| < 2^53; n ≤ CHUNK_SAMPLES_MAX
 * @param columns f64[n] each, 1 to CHUNK_COLUMNS_MAX of them
 * @throws RangeError when a length or a timestamp is none of these
 * Source: the layouts and what they are from are in assembly/chunk*.ts.
 */
export function encodeColumns(
  timestamps: Float64Array,
  columns: readonly Float64Array[],
  { effort = 'fast' }: ChunkOptions = {},
): Uint8Array<ArrayBuffer> {
  const count = timestamps.length
  if (count > CHUNK_SAMPLES_MAX) throw new RangeError(`${count} samples are too many for a chunk`)
  if (columns.length < 1 || columns.length > CHUNK_COLUMNS_MAX) {
    throw new RangeError(`a chunk has 1 to ${CHUNK_COLUMNS_MAX} columns`)
  }
  const { arena, exports } = getKernels()
  return arena.lease((lease) => {
    const times = lease.allocate(count * 8)
    const values = lease.allocate(count * columns.length * 8)
    const work = lease.allocate(exports.chunk_work_bytes(count))
    const output = lease.allocate(exports.chunk_bytes_max(count, columns.length))
    arena.f64(times, count).set(timestamps)
    for (const [column, of] of columns.entries()) {
      if (of.length !== count) throw new RangeError('columns differ in length')
      arena.f64(values + column * count * 8, count).set(of)
    }
    const isSmall = effort === 'small' ? 1 : 0
    const width = columns.length
    const sizeBytes = exports.chunk_encode(times, values, count, width, isSmall, work, output)
    if (sizeBytes < 0) throw new RangeError('timestamps must be whole and below 2^53')
    return arena.u8(output, sizeBytes).slice()
  })
}

/** Compresses one column. As encodeColumns. */
export function encodeChunk(
  timestamps: Float64Array,
  values: Float64Array,
  options: ChunkOptions = {},
): Uint8Array<ArrayBuffer> {
  return encodeColumns(timestamps, [values], options)
}

/**
 * Decodes chunks one behind the other into the kernels' memory, for kernels that read there.
 *
 * @param chunks of `columnCount` columns each
 * @param spare samples behind the decoded ones for which timestamps, and values where there is one column,
 * have room
 * @throws ArenaExhaustedError
 */
export function decodeResident(
  lease: Lease,
  chunks: readonly Uint8Array[],
  columnCount = 1,
  spare = 0,
): ResidentColumns {
  const { arena, exports } = getKernels()
  let count = 0
  let largest = 0
  let inputBytes = 0
  for (const [chunk, bytes] of chunks.entries()) {
    const span = chunkSpan(bytes)
    if (!span.ok) return { ...span, chunk }
    count += span.count
    largest = Math.max(largest, span.count)
    inputBytes += bytes.length
  }
  const input = lease.allocate(inputBytes + READ_MARGIN_BYTES)
  const lengths = lease.allocate(chunks.length * 4)
  const work = lease.allocate(exports.chunk_work_bytes(largest))
  const timestamps = lease.allocate((count + spare) * 8)
  const values = lease.allocate((count * columnCount + spare) * 8)
  const result = lease.allocate(8)
  const inputView = arena.u8(input, inputBytes)
  const lengthsView = arena.u32(lengths, chunks.length)
  let at = 0
  for (const [chunk, bytes] of chunks.entries()) {
    inputView.set(bytes, at)
    lengthsView[chunk] = bytes.length
    at += bytes.length
  }
  const code = exports.chunk_decode(
    input,
    lengths,
    chunks.length,
    columnCount,
    count,
    work,
    timestamps,
    values,
    result,
  )
  const error = REASONS[code - 1]
  if (error !== undefined) return { ok: false, error, chunk: arena.u32(result, 2)[1] ?? 0 }
  return { ok: true, count, timestamps, values }
}

/** The samples of chunks of several columns, in the order given. */
export function decodeColumns(chunks: readonly Uint8Array[], columnCount: number): DecodedColumns {
  const { arena } = getKernels()
  return arena.lease((lease) => {
    const found = decodeResident(lease, chunks, columnCount)
    if (!found.ok) return found
    const { count } = found
    return {
      ok: true,
      timestamps: arena.f64(found.timestamps, count).slice(),
      columns: Array.from({ length: columnCount }, (_, column) =>
        arena.f64(found.values + column * count * 8, count).slice(),
      ),
    }
  })
}

/** The samples of chunks of one column, one behind the other in the order given. */
export function decodeChunks(chunks: readonly Uint8Array[]): DecodedChunk {
  const { arena } = getKernels()
  return arena.lease((lease) => {
    const found = decodeResident(lease, chunks)
    if (!found.ok) return found
    return {
      ok: true,
      timestamps: arena.f64(found.timestamps, found.count).slice(),
      values: arena.f64(found.values, found.count).slice(),
    }
  })
}

/** The samples of one chunk. */
export function decodeChunk(bytes: Uint8Array): DecodedChunk {
  return decodeChunks([bytes])
}
