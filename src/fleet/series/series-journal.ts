/** Samples in one journal row: at most 24 bytes each stays below SQLite's 2 MB a row in Durable Objects. */
export const JOURNAL_ROW_SAMPLES_MAX = 65_536

const SAMPLE_BYTES_MAX = 24

/** Samples of several series as they came, the unit of the journal. */
export interface JournalSamples {
  /** u32[n]: the shard's numbers of the series. */
  readonly numbers: Uint32Array
  /** f64[n], whole ms since the epoch, 0 ≤ t < 2^53: differences are exact. */
  readonly timestamps: Float64Array
  /** f64[n]. */
  readonly values: Float64Array
}

/**
 * Little-endian: | n u32 | zero u32 | values f64[n] | per sample: number, time as varints |, each the
 * zigzag difference to the sample before; about 10 bytes a sample of a scrape.
 *
 * @param count at most JOURNAL_ROW_SAMPLES_MAX
 */
export const encodeJournalRow = (
  { numbers, timestamps, values }: JournalSamples,
  from: number,
  count: number,
): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(8 + count * SAMPLE_BYTES_MAX)
  new Uint32Array(bytes.buffer, 0, 1)[0] = count
  new Float64Array(bytes.buffer, 8, count).set(values.subarray(from, from + count))
  let at = 8 + 8 * count
  let number = 0
  let timestamp = 0
  for (let sample = from; sample < from + count; sample++) {
    let difference = (numbers[sample] as number) - number
    number += difference
    let code = difference < 0 ? -2 * difference - 1 : 2 * difference
    for (; code > 127; code = Math.floor(code / 128)) bytes[at++] = (code % 128) + 128
    bytes[at++] = code
    difference = (timestamps[sample] as number) - timestamp
    timestamp += difference
    if (difference === 0) {
      bytes[at++] = 0
      continue
    }
    // The magnitude beside its sign: doubled, a difference may be beyond 2^53.
    let rest = Math.abs(difference)
    bytes[at] = (difference < 0 ? 1 : 0) + (rest % 64) * 2
    rest = Math.floor(rest / 64)
    if (rest > 0) bytes[at] = (bytes[at] as number) + 128
    at++
    while (rest > 0) {
      const next = Math.floor(rest / 128)
      bytes[at++] = (rest % 128) + (next > 0 ? 128 : 0)
      rest = next
    }
  }
  return bytes.slice(0, at)
}

/** The inverse of `encodeJournalRow`. Throws RangeError where the bytes end too early. */
export const decodeJournalRow = (buffer: ArrayBuffer): JournalSamples => {
  const bytes = new Uint8Array(buffer)
  const count = buffer.byteLength < 8 ? 0 : (new Uint32Array(buffer, 0, 1)[0] as number)
  if (buffer.byteLength < 8 + 10 * count) throw new RangeError('a journal row is cut short')
  const numbers = new Uint32Array(count)
  const timestamps = new Float64Array(count)
  let at = 8 + 8 * count
  const byte = (): number => {
    const found = bytes[at++]
    if (found === undefined) throw new RangeError('a journal row is cut short')
    return found
  }
  let number = 0
  let timestamp = 0
  for (let sample = 0; sample < count; sample++) {
    let part = byte()
    let code = part & 127
    for (let scale = 128; part > 127; scale *= 128) {
      part = byte()
      code += (part & 127) * scale
    }
    number += code % 2 === 1 ? -(code + 1) / 2 : code / 2
    numbers[sample] = number
    part = byte()
    const isNegative = (part & 1) === 1
    let magnitude = (part & 127) >> 1
    for (let scale = 64; part > 127; scale *= 128) {
      part = byte()
      magnitude += (part & 127) * scale
    }
    timestamp += isNegative ? -magnitude : magnitude
    timestamps[sample] = timestamp
  }
  return { numbers, timestamps, values: new Float64Array(buffer, 8, count) }
}
