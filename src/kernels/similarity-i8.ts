import { getKernels, type KernelExports } from './module.ts'
import { I8_DIMS_MAX } from './row-index.ts'

/** Rows as i8: x ≈ scale · q, q in −127…127, one scale a row. */
export interface QuantisedRows {
  readonly dims: number
  readonly count: number
  /** i8[count][dims]. */
  readonly values: Int8Array<ArrayBuffer>
  /** f64[count][2]: scale and Σq²; 0, 0 for a zero row; NaN, 0 for one that holds NaN or ±Inf. */
  readonly properties: Float64Array<ArrayBuffer>
}

/**
 * Rounds rows to i8: scale = max|x| / 127, q = x / scale to the nearest, ties to even.
 *
 * @param rows [count][dims], read as f32
 * @throws RangeError when dims does not divide the length or is above I8_DIMS_MAX
 * Accuracy: |x − scale·q| ≤ 0.5000001 · scale.
 */
export function quantiseRows(rows: Float64Array | Float32Array, dims: number): QuantisedRows {
  if (!Number.isInteger(dims) || dims < 1 || dims > I8_DIMS_MAX) {
    throw new RangeError(`dims ${dims} is not within 1 and ${I8_DIMS_MAX}`)
  }
  if (rows.length % dims !== 0) throw new RangeError(`${rows.length} is no multiple of ${dims}`)
  const count = rows.length / dims
  const { arena, exports } = getKernels()
  return arena.lease((lease) => {
    const input = lease.allocate(rows.length * 4)
    const output = lease.allocate(rows.length)
    const properties = lease.allocate(count * 16)
    arena.f32(input, rows.length).set(rows)
    exports.quantise_i8(input, count, dims, output, properties)
    return {
      dims,
      count,
      values: new Int8Array(arena.u8(output, rows.length).slice().buffer),
      properties: arena.f64(properties, count * 2).slice(),
    }
  })
}

function everyPair(
  queries: QuantisedRows,
  rows: QuantisedRows,
  kernel: KernelExports['dots_i8'],
): Float64Array<ArrayBuffer> {
  const { dims } = rows
  if (queries.dims !== dims) throw new RangeError(`dims differ: ${queries.dims} and ${dims}`)
  const { arena } = getKernels()
  return arena.lease((lease) => {
    const [first, second] = [queries, rows].map(({ values, properties }) => ({
      values: lease.allocate(values.length),
      properties: lease.copyIn(properties),
    }))
    const output = lease.allocate(queries.count * rows.count * 8)
    if (!first || !second) return new Float64Array(0)
    arena.u8(first.values, queries.values.length).set(new Uint8Array(queries.values.buffer))
    arena.u8(second.values, rows.values.length).set(new Uint8Array(rows.values.buffer))
    kernel(
      first.values,
      first.properties,
      queries.count,
      second.values,
      second.properties,
      rows.count,
      dims,
      output,
    )
    return arena.f64(output, queries.count * rows.count).slice()
  })
}

/**
 * Dot product of every query with every row.
 *
 * @returns f64[queries][rows]; NaN where a row held NaN or ±Inf
 * @throws RangeError when dims differ
 * Accuracy: exact in the i8 values; relative error ≤ ACCURACY.dot_i8 from the scales.
 */
export const dotsQuantised = (queries: QuantisedRows, rows: QuantisedRows) =>
  everyPair(queries, rows, getKernels().exports.dots_i8)

/**
 * Cosine of every query with every row. As dotsQuantised(): of the i8 values |error| ≤
 * ACCURACY.cosine_i8; NaN also where one is zero.
 */
export const cosinesQuantised = (queries: QuantisedRows, rows: QuantisedRows) =>
  everyPair(queries, rows, getKernels().exports.cosines_i8)

/**
 * Squared Euclidean distance of every query from every row, ≥ 0. As dotsQuantised(): |error| ≤
 * ACCURACY.dot_i8 · (‖q‖² + ‖x‖²).
 */
export const squaredDistancesQuantised = (queries: QuantisedRows, rows: QuantisedRows) =>
  everyPair(queries, rows, getKernels().exports.squared_distances_i8)
