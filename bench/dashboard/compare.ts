import { Histogram } from '../../src/kernels/histogram.ts'
import type { Answer } from './designs.ts'

/** Sums in another order differ in the last bits only. */
const MEAN_TOLERANCE = 1e-9

/**
 * percentile_cont interpolates between two samples and the sketch answers with one rank, so the bound
 * of the sketch is taken around the samples next to the percentile: at most this far apart here.
 */
const NEIGHBOUR_RATIO = 0.005

/** @throws Error naming the first VM and field in which two designs disagree */
export const compareAnswers = (
  ours: readonly Answer[],
  theirs: readonly Answer[],
  design: string,
): void => {
  if (ours.length !== theirs.length) {
    throw new Error(`${design} answers ${theirs.length} VMs, ours ${ours.length}`)
  }
  const sketch = new Histogram().relativeErrorMax + NEIGHBOUR_RATIO
  const tolerances = {
    cpuUsage: 0,
    cpuAvg: MEAN_TOLERANCE,
    cpuMax: 0,
    cpuP95: sketch,
    memoryAvg: MEAN_TOLERANCE,
    memoryMax: 0,
    memoryP95: sketch,
  }
  ours.forEach((mine, row) => {
    const other = theirs[row]
    if (other?.id !== mine.id) throw new Error(`${design} has another VM in row ${row}`)
    for (const [name, tolerance] of Object.entries(tolerances)) {
      const field = name as keyof typeof tolerances
      const difference = Math.abs(mine[field] - other[field])
      if (!(difference <= tolerance * Math.abs(other[field]))) {
        throw new Error(`${field} of ${mine.id}: ours ${mine[field]}, ${design} ${other[field]}`)
      }
    }
  })
}
