import { METRICS } from './types.ts'

const COLUMNS = METRICS.length

/** Samples of one request that belong to one shard; also the unit of the shard's journal. */
export interface ShardBatch {
  /** The VMs of the batch; `vm[i]` is a position in here. */
  readonly vmIds: readonly string[]
  /** u32[n]. */
  readonly vm: Uint32Array
  /** f64[n], whole milliseconds since the epoch. */
  readonly timestamp: Float64Array
  /** f64[n × 7], a row of `METRICS` a sample; NaN where a metric is missing. */
  readonly values: Float64Array
}

/** Samples in one journal row: 16,384 × 68 bytes stays below SQLite's 2 MB a row in Durable Objects. */
export const JOURNAL_ROW_SAMPLES_MAX = 16_384

/**
 * Little-endian, 8-byte aligned:
 *   | samples u32 | vms u32 | timestamp f64[n] | values f64[n × 7] | vm u32[n] | vm ids, 36 ASCII bytes each |
 */
export const encodeBatch = (batch: ShardBatch): Uint8Array => {
  const samples = batch.timestamp.length
  const header = 8 + samples * (8 + 8 * COLUMNS + 4)
  const bytes = new Uint8Array(header + batch.vmIds.length * 36)
  new Uint32Array(bytes.buffer, 0, 2).set([samples, batch.vmIds.length])
  new Float64Array(bytes.buffer, 8, samples).set(batch.timestamp)
  new Float64Array(bytes.buffer, 8 + 8 * samples, samples * COLUMNS).set(batch.values)
  new Uint32Array(bytes.buffer, 8 + 8 * samples * (1 + COLUMNS), samples).set(batch.vm)
  new TextEncoder().encodeInto(batch.vmIds.join(''), bytes.subarray(header))
  return bytes
}

/** The inverse of `encodeBatch`. Throws RangeError where the length does not fit the header. */
export const decodeBatch = (buffer: ArrayBuffer): ShardBatch => {
  const [samples = 0, vms = 0] = new Uint32Array(buffer, 0, 2)
  const header = 8 + samples * (8 + 8 * COLUMNS + 4)
  if (buffer.byteLength !== header + vms * 36)
    throw new RangeError(
      `a journal row of ${samples} samples cannot have ${buffer.byteLength} bytes`,
    )
  const ids = new TextDecoder().decode(new Uint8Array(buffer, header))
  return {
    vmIds: Array.from({ length: vms }, (_, index) => ids.slice(index * 36, index * 36 + 36)),
    timestamp: new Float64Array(buffer, 8, samples),
    values: new Float64Array(buffer, 8 + 8 * samples, samples * COLUMNS),
    vm: new Uint32Array(buffer, 8 + 8 * samples * (1 + COLUMNS), samples),
  }
}

/** The samples of a batch at `positions`, in that order, with the VMs that they belong to. */
export const selectSamples = (batch: ShardBatch, positions: readonly number[]): ShardBatch => {
  const timestamp = new Float64Array(positions.length)
  const values = new Float64Array(positions.length * COLUMNS)
  const vm = new Uint32Array(positions.length)
  const vmIds: string[] = []
  const vmOf = new Map<number, number>()
  positions.forEach((position, index) => {
    timestamp[index] = batch.timestamp[position] as number
    const former = batch.vm[position] as number
    const place = vmOf.get(former) ?? vmIds.push(batch.vmIds[former] as string) - 1
    vmOf.set(former, place)
    vm[index] = place
    values.set(batch.values.subarray(position * COLUMNS, (position + 1) * COLUMNS), index * COLUMNS)
  })
  return { vmIds, vm, timestamp, values }
}
