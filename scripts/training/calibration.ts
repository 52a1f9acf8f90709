import { softmaxRows } from './gbdt.ts'

/** Calibrated margins are scale · margin + offset of the class. */
export interface Calibration {
  readonly scale: number
  readonly offsets: number[]
}

const ITERATIONS = 400
const STEP = 0.5

const applied = (margins: Float64Array, { scale, offsets }: Calibration): Float64Array =>
  margins.map((margin, i) => scale * margin + (offsets[i % offsets.length] ?? 0))

/**
 * The scale and offsets with the least cross-entropy, by gradient descent: Platt's scaling for several
 * classes. Few parameters, for subjects differ more than a finer curve could follow.
 *
 * @param margins f64[n][classes] of rows that their model did not learn from
 * Source: Guo et al. 2017, arXiv:1706.04599, §4.2.
 */
export function fitCalibration(
  margins: Float64Array,
  labels: Uint8Array,
  classes: number,
): Calibration {
  let scale = 1
  let offsets = new Array<number>(classes).fill(0)
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    const shares = calibratedShares(margins, { scale, offsets })
    let scaleSlope = 0
    const slopes = new Array<number>(classes).fill(0)
    shares.forEach((share, i) => {
      const output = i % classes
      const error = share - (labels[(i - output) / classes] === output ? 1 : 0)
      scaleSlope += error * (margins[i] as number)
      slopes[output] = (slopes[output] as number) + error
    })
    scale = Math.max(0.05, scale - (STEP * scaleSlope) / labels.length)
    offsets = offsets.map((offset, k) => offset - (STEP * (slopes[k] as number)) / labels.length)
  }
  return { scale, offsets }
}

/** Calibrated probabilities, f64[n][classes]. */
export const calibratedShares = (margins: Float64Array, calibration: Calibration): Float64Array =>
  softmaxRows(applied(margins, calibration), calibration.offsets.length)
