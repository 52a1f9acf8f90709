import { HASH_SLOTS } from '../../src/routing/features.ts'
import { type Random, shuffle } from './seeded.ts'

/** Rows as lists of places and values. */
export interface SparseRows {
  /** Where each row's entries begin, u32[n + 1]. */
  readonly starts: Uint32Array
  readonly places: Uint16Array
  readonly values: Float32Array
}

export const LINEAR_PLACES = 2 * HASH_SLOTS

/** The entries of dense rows of f32[LINEAR_PLACES] that are not 0. */
export function sparseRows(rows: Iterable<Float32Array>): SparseRows {
  const starts: number[] = [0]
  const places: number[] = []
  const values: number[] = []
  for (const row of rows) {
    row.forEach((value, place) => {
      if (value === 0) return
      places.push(place)
      values.push(value)
    })
    starts.push(places.length)
  }
  return {
    starts: Uint32Array.from(starts),
    places: Uint16Array.from(places),
    values: Float32Array.from(values),
  }
}

export interface LinearOptions {
  readonly epochs: number
  readonly step: number
  /** L2 penalty, relative to one example. */
  readonly penalty: number
}

export const marginOf = (weights: Float32Array, rows: SparseRows, row: number): number => {
  let sum = 0
  for (let i = rows.starts[row] ?? 0; i < (rows.starts[row + 1] ?? 0); i++) {
    sum += (rows.values[i] as number) * (weights[rows.places[i] as number] as number)
  }
  return sum
}

/**
 * Logistic regression by AdaGrad over examples in a random order, one pass an epoch.
 *
 * @param chosen rows to learn from        @param targets 0 or 1 by row
 * @returns f32[LINEAR_PLACES]; the intercept is not kept, for the trees see the margin alone
 * Source: Duchi et al. 2011.
 */
export function fitLogistic(
  rows: SparseRows,
  chosen: Uint32Array,
  targets: Uint8Array,
  options: LinearOptions,
  random: Random,
): Float32Array {
  const weights = new Float32Array(LINEAR_PLACES)
  const squares = new Float64Array(LINEAR_PLACES).fill(1e-4)
  let intercept = 0
  let interceptSquares = 1e-4
  const order = chosen.slice()
  for (let epoch = 0; epoch < options.epochs; epoch++) {
    for (const row of shuffle(order, random)) {
      const p = 1 / (1 + Math.exp(-(marginOf(weights, rows, row) + intercept)))
      const error = p - (targets[row] as number)
      for (let i = rows.starts[row] ?? 0; i < (rows.starts[row + 1] ?? 0); i++) {
        const place = rows.places[i] as number
        const weight = weights[place] as number
        const slope = error * (rows.values[i] as number) + options.penalty * weight
        const total = (squares[place] as number) + slope * slope
        squares[place] = total
        weights[place] = weight - (options.step * slope) / Math.sqrt(total)
      }
      interceptSquares += error * error
      intercept -= (options.step * error) / Math.sqrt(interceptSquares)
    }
  }
  return weights
}
