import type { Lease } from './memory.ts'
import { getKernels } from './module.ts'
import { type PartKind, readParts, readRefusals, readSymbols } from './remote-write-parts.ts'
import { decompressSnappyInto, type SnappyReason } from './snappy.ts'

/** With what must follow it, a body this long fits a block of the arena of 16 MiB. */
export const MESSAGE_BYTES_MAX = 16 * 1024 * 1024 - 1024
export const SERIES_MAX = 50_000
export const SAMPLES_MAX = 200_000
/** Histograms, exemplars and metadata of one request. */
export const PARTS_MAX = 50_000
export const SYMBOLS_MAX = 200_000
/** Of all series of a request; in 2.0 two bytes may stand for a label of kilobytes. */
export const LABEL_BYTES_MAX = 16 * 1024 * 1024 - 1024

/** Bytes behind the labels that the kernel writes. */
const LABELS_SLACK_BYTES = 32

/** A byte of 2.0 that stands for more bytes of labels than this is no honest one. */
const LABEL_EXPANSION_MAX = 64

export type RemoteWriteVersion = 1 | 2

/** What the caller allows in a series. */
export interface LabelBounds {
  readonly nameBytesMax: number
  readonly valueBytesMax: number
  readonly labelsMax: number
}

export type MessageReason =
  | 'message-cut-off'
  | 'long-varint'
  | 'bad-tag'
  | 'wrong-type'
  | 'too-many-series'
  | 'too-many-samples'
  | 'too-many-parts'
  | 'too-many-label-bytes'
  | 'too-many-symbols'
  | 'bad-reference'
  | 'bad-symbols'
  /** A field of the other version's request: the body is not what the caller took it for. */
  | 'other-version'

/** The codes of remote_write_scan from 1 on. */
const REASONS: readonly MessageReason[] = [
  'message-cut-off',
  'long-varint',
  'bad-tag',
  'wrong-type',
  'too-many-series',
  'too-many-samples',
  'too-many-parts',
  'too-many-label-bytes',
  'too-many-symbols',
  'bad-reference',
  'bad-symbols',
  'other-version',
]

export interface RemoteWriteFault {
  readonly ok: false
  readonly error: SnappyReason | MessageReason
  /** Byte of the fault: of the compressed body for a SnappyReason, else of the message. */
  readonly offset: number
}

export type SeriesFault =
  | 'empty-name'
  | 'long-name'
  | 'long-value'
  | 'unsorted'
  | 'repeated'
  | 'too-many-labels'
  | 'no-metric-name'
  | 'invalid-utf8'
  | 'odd-references'
  /** Of its samples alone; the series itself is among the others. */
  | 'bad-timestamp'

export interface RefusedSeries {
  /** Of the series in the request, from 0. */
  readonly position: number
  readonly reason: SeriesFault
  /** Labels before the one at fault. */
  readonly label: number
  readonly samples: number
  readonly histograms: number
  readonly exemplars: number
}

/** A message that is rare enough to be read by the caller. */
export interface RemoteWritePart {
  readonly kind: PartKind
  /** Of the columns; of no meaning for metadata of 1.0. */
  readonly series: number
  /** ms since the epoch; 0 for metadata. */
  readonly timestamp: number
  /** The protobuf message. */
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** What a request holds. Every array is the caller's own. */
export interface RemoteWriteColumns {
  readonly ok: true
  readonly seriesCount: number
  /** u32[4 · seriesCount], as identityOf. */
  readonly identity: Uint32Array<ArrayBuffer>
  /** u32[seriesCount]: positions in the request. */
  readonly positions: Uint32Array<ArrayBuffer>
  /** u32[seriesCount]: where the labels of each end. */
  readonly labelEnds: Uint32Array<ArrayBuffer>
  /** u8[labelEnds.at(-1)]: per label its name, 0xFF, its value, 0xFF, by the bytes of the names. */
  readonly labels: Uint8Array<ArrayBuffer>
  /** u32[samples], ascending. */
  readonly sampleSeries: Uint32Array<ArrayBuffer>
  /** f64[samples], whole ms since the epoch. */
  readonly timestamps: Float64Array<ArrayBuffer>
  /** f64[samples], the bits that came. */
  readonly values: Float64Array<ArrayBuffer>
  readonly parts: readonly RemoteWritePart[]
  readonly refused: readonly RefusedSeries[]
  /** The text that a reference of 2.0 stands for; undefined where it stands for none. */
  symbolOf(reference: number): string | undefined
}

/** Words of the kernel's Columns (assembly/remote-write-columns.ts). */
const WORD = {
  faultAt: 2,
  identity: 4,
  seriesCount: 23,
  sampleCount: 24,
  partCount: 25,
  refusalCount: 26,
  symbolCount: 27,
} as const

const PART_BYTES = 24
const REFUSAL_BYTES = 24

/** Takes memory for what a message of `length` bytes can hold, and tells the kernel where. */
const allocateColumns = (
  lease: Lease,
  length: number,
  version: RemoteWriteVersion,
  bounds: LabelBounds,
) => {
  const { arena, exports } = getKernels()
  // Any message within another takes two bytes at least.
  const within = (most: number): number => Math.min(most, length >>> 1)
  const seriesMax = within(SERIES_MAX)
  const samplesMax = within(SAMPLES_MAX)
  const partsMax = within(PARTS_MAX)
  const symbolsMax = version === 2 ? within(SYMBOLS_MAX) : 0
  const expansion = version === 2 ? LABEL_EXPANSION_MAX : 1
  const labelBytesMax = Math.min(LABEL_BYTES_MAX, length * expansion)
  const at = {
    columns: lease.allocate(exports.remote_write_columns_bytes()),
    identity: lease.allocate(seriesMax * 16),
    positions: lease.allocate(seriesMax * 4),
    labelEnds: lease.allocate(seriesMax * 4),
    labels: lease.allocate(labelBytesMax + LABELS_SLACK_BYTES),
    sampleSeries: lease.allocate(samplesMax * 4),
    timestamps: lease.allocate(samplesMax * 8),
    values: lease.allocate(samplesMax * 8),
    parts: lease.allocate(partsMax * PART_BYTES),
    refusals: lease.allocate(seriesMax * REFUSAL_BYTES),
    symbols: lease.allocate(symbolsMax * 8),
  }
  const { columns, ...addresses } = at
  const words = arena.u32(columns, exports.remote_write_columns_bytes() >>> 2)
  words.fill(0)
  words.set(Object.values(addresses), WORD.identity)
  words.set(
    [
      ...[seriesMax, labelBytesMax, samplesMax, partsMax, symbolsMax],
      ...[bounds.nameBytesMax, bounds.valueBytesMax, bounds.labelsMax],
    ],
    WORD.identity + Object.keys(addresses).length,
  )
  return at
}

/**
 * Decodes the body of a remote write: decompresses, walks the message once, gives each series its
 * canonical labels and its identity.
 *
 * A series whose labels are unsorted, repeated, empty, too long, not UTF-8 or without a metric name is
 * refused with what belongs to it; others stay. A label without a value is left out.
 *
 * @param block Snappy block of prometheus.WriteRequest (1) or io.prometheus.write.v2.Request (2)
 * @returns columns, or why the request as a whole cannot be read
 * @throws ArenaExhaustedError
 * Accuracy: values keep their bits; timestamps beyond ±2^53 ms are refused.
 * Source: Prometheus remote write 1.0 and 2.0; protobuf.dev/programming-guides/encoding.
 */
export function decodeRemoteWrite(
  block: Uint8Array,
  version: RemoteWriteVersion,
  bounds: LabelBounds,
): RemoteWriteColumns | RemoteWriteFault {
  const { arena, exports } = getKernels()
  return arena.lease((lease) => {
    const body = decompressSnappyInto(
      lease,
      block,
      MESSAGE_BYTES_MAX,
      exports.remote_write_padding_bytes(),
    )
    if (!body.ok) return body
    const at = allocateColumns(lease, body.length, version, bounds)
    const code = exports.remote_write_scan(body.pointer, body.length, version, at.columns)
    const words = arena.u32(at.columns, exports.remote_write_columns_bytes() >>> 2)
    const word = (index: number): number => words[index] ?? 0
    const error = REASONS[code - 1]
    if (error !== undefined) {
      return { ok: false, error, offset: word(WORD.faultAt) - body.pointer }
    }
    const seriesCount = word(WORD.seriesCount)
    const samples = word(WORD.sampleCount)
    const labelEnds = arena.u32(at.labelEnds, seriesCount).slice()
    const symbolOf = readSymbols(at.symbols, word(WORD.symbolCount))
    return {
      ok: true,
      seriesCount,
      identity: arena.u32(at.identity, 4 * seriesCount).slice(),
      positions: arena.u32(at.positions, seriesCount).slice(),
      labelEnds,
      labels: arena.u8(at.labels, labelEnds[seriesCount - 1] ?? 0).slice(),
      sampleSeries: arena.u32(at.sampleSeries, samples).slice(),
      timestamps: arena.f64(at.timestamps, samples).slice(),
      values: arena.f64(at.values, samples).slice(),
      parts: readParts(at.parts, word(WORD.partCount), body.pointer),
      refused: readRefusals(at.refusals, word(WORD.refusalCount)),
      symbolOf,
    }
  })
}
