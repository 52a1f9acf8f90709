import { err, ok, type Result } from '../../result.ts'
import { IDENTITY_WORDS } from './identity-table.ts'

/** What a shard must know of a series that it has not seen; `vm` where a VM's metrics follow from it. */
export interface SeriesDescription {
  /** Canonical bytes. */
  readonly labels: Uint8Array
  /** See ingest/host-roles.ts; 0 where the series says nothing of a host. */
  readonly role: number
  readonly vm: string | null
}

/** Samples of one request for one shard. */
export interface SeriesBatch {
  /** u32[4n]. */
  readonly identity: Uint32Array
  /** Of series that the shard may not know yet; null for the others. */
  descriptionOf(series: number): SeriesDescription | null
  /** u32[samples]: position of each sample's series. */
  readonly sampleSeries: Uint32Array
  /** f64[samples], whole ms since the epoch. */
  readonly timestamps: Float64Array
  /** f64[samples]; bits count, see SeriesWrite. */
  readonly values: Float64Array
}

const MAGIC = 0x31425347
const HEADER_WORDS = 4
/** Per described series: series, role, bytes of the VM's id, bytes of the labels. */
const DESCRIPTION_WORDS = 4

const utf8 = new TextEncoder()
const text = new TextDecoder()

/**
 * Little-endian, 8-byte aligned:
 *   | 'GSB1' | series u32 | samples u32 | described u32 | timestamps f64[s] | values f64[s]
 *   | identity u32[4n] | sampleSeries u32[s] | {series, role, vm bytes, label bytes} u32[4d]
 *   | per described series: VM id in UTF-8, labels |
 */
export const encodeSeriesBatch = (
  identity: Uint32Array,
  samples: Pick<SeriesBatch, 'sampleSeries' | 'timestamps' | 'values'>,
  described: ReadonlyArray<SeriesDescription & { readonly series: number }>,
): Uint8Array<ArrayBuffer> => {
  const count = samples.timestamps.length
  const ids = described.map(({ vm }) => utf8.encode(vm ?? ''))
  const words = HEADER_WORDS + identity.length + count + described.length * DESCRIPTION_WORDS
  const texts = described.reduce(
    (sum, { labels }, index) => sum + labels.length + (ids[index]?.length ?? 0),
    0,
  )
  const bytes = new Uint8Array(words * 4 + count * 16 + texts)
  const series = identity.length / IDENTITY_WORDS
  new Uint32Array(bytes.buffer, 0, 4).set([MAGIC, series, count, described.length])
  new Float64Array(bytes.buffer, 16, count).set(samples.timestamps)
  new Float64Array(bytes.buffer, 16 + 8 * count, count).set(samples.values)
  const tail = new Uint32Array(bytes.buffer, 16 + 16 * count, words - HEADER_WORDS)
  tail.set(identity)
  tail.set(samples.sampleSeries, identity.length)
  let word = identity.length + count
  let offset = words * 4 + count * 16
  described.forEach(({ series: position, role, labels }, index) => {
    const id = ids[index] ?? new Uint8Array()
    tail.set([position, role, id.length, labels.length], word)
    word += DESCRIPTION_WORDS
    bytes.set(id, offset)
    bytes.set(labels, offset + id.length)
    offset += id.length + labels.length
  })
  return bytes
}

/** The batch over the given bytes, or a sentence that says what does not fit. */
export const decodeSeriesBatch = (given: Uint8Array): Result<SeriesBatch, string> => {
  const bytes = given.byteOffset % 8 === 0 ? given : given.slice()
  if (bytes.byteLength < HEADER_WORDS * 4) return err('no header')
  const view = (from: number, count: number) =>
    new Uint32Array(bytes.buffer, bytes.byteOffset + from, count)
  const [magic, series = 0, count = 0, describedCount = 0] = view(0, HEADER_WORDS)
  if (magic !== MAGIC) return err('not a batch of series')
  const fixed = HEADER_WORDS + series * IDENTITY_WORDS + count + describedCount * DESCRIPTION_WORDS
  if (fixed * 4 + count * 16 > bytes.byteLength) return err('shorter than its header says')
  const tailAt = bytes.byteOffset + 16
  const identityAt = 16 + 16 * count
  const sampleSeries = view(identityAt + 16 * series, count)
  for (let sample = 0; sample < count; sample++)
    if ((sampleSeries[sample] as number) >= series) return err('a sample of no series')
  const rows = view(identityAt + 16 * series + 4 * count, describedCount * DESCRIPTION_WORDS)
  const described = new Map<number, SeriesDescription>()
  let offset = fixed * 4 + count * 16
  for (let row = 0; row < rows.length; row += DESCRIPTION_WORDS) {
    const [position = 0, role = 0, idBytes = 0, labelBytes = 0] = rows.subarray(row, row + 4)
    const end = offset + idBytes + labelBytes
    if (position >= series || end > bytes.byteLength) return err('a description of no series')
    const vm = idBytes === 0 ? null : text.decode(bytes.subarray(offset, offset + idBytes))
    described.set(position, { role, vm, labels: bytes.subarray(offset + idBytes, end) })
    offset = end
  }
  if (offset !== bytes.byteLength) return err('longer than its header says')
  return ok({
    identity: view(identityAt, series * IDENTITY_WORDS),
    descriptionOf: (position) => described.get(position) ?? null,
    sampleSeries,
    timestamps: new Float64Array(bytes.buffer, tailAt, count),
    values: new Float64Array(bytes.buffer, tailAt + 8 * count, count),
  })
}
