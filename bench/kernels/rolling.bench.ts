import {
  diff,
  ewma,
  rollingMax,
  rollingMean,
  rollingMin,
  rollingVariance,
} from '../../src/kernels/rolling.ts'
import type { BenchCase, CaseSize } from '../types.ts'
import { percentages, sizesOf } from './inputs.ts'

/** Adds the newest and takes the oldest away: fast, and wrong by what the largest total rounded off. */
const plainMean = (values: Float64Array, window: number): Float64Array => {
  const output = new Float64Array(values.length)
  let total = 0
  for (let i = 0; i < values.length; i++) {
    total += values[i] as number
    if (i >= window) total -= values[i - window] as number
    output[i] = total / Math.min(i + 1, window)
  }
  return output
}

/** Welford's update with the oldest value taken out again. */
const plainVariance = (values: Float64Array, window: number): Float64Array => {
  const output = new Float64Array(values.length)
  let mean = 0
  let m2 = 0
  for (let i = 0; i < values.length; i++) {
    const x = values[i] as number
    if (i < window) {
      const delta = x - mean
      mean += delta / (i + 1)
      m2 += delta * (x - mean)
      output[i] = m2 / (i + 1)
    } else {
      const oldest = values[i - window] as number
      const before = mean
      mean += (x - oldest) / window
      m2 += (x - oldest) * (x - mean + oldest - before)
      output[i] = m2 / window
    }
  }
  return output
}

/** A queue of candidates: each value enters and leaves it once. */
const plainExtreme = (values: Float64Array, window: number, sign: number): Float64Array => {
  const output = new Float64Array(values.length)
  const queue = new Int32Array(values.length)
  let head = 0
  let tail = 0
  for (let i = 0; i < values.length; i++) {
    const x = (values[i] as number) * sign
    while (tail > head && (values[queue[tail - 1] as number] as number) * sign >= x) tail--
    queue[tail++] = i
    if ((queue[head] as number) <= i - window) head++
    output[i] = values[queue[head] as number] as number
  }
  return output
}

const plainEwma = (values: Float64Array, weight: number): Float64Array => {
  const output = new Float64Array(values.length)
  let level = values[0] as number
  for (let i = 0; i < values.length; i++) {
    level = (1 - weight) * level + weight * (values[i] as number)
    output[i] = level
  }
  return output
}

const plainDiff = (values: Float64Array): Float64Array => {
  const output = new Float64Array(values.length - 1)
  for (let i = 1; i < values.length; i++) {
    output[i - 1] = (values[i] as number) - (values[i - 1] as number)
  }
  return output
}

/** One number that differs where the middle or the end does. */
const probe = (values: Float64Array): number =>
  (values[values.length >> 1] ?? 0) * 3 + (values[values.length - 1] ?? 0)

let sink = 0
const keep = (work: () => Float64Array) => () => {
  sink += probe(work())
}

/** Windows of a minute and of an hour in samples of a second; the time must not depend on them. */
const WINDOWS = [5, 60, 3600] as const

export const cases = async (size: CaseSize): Promise<BenchCase[]> =>
  sizesOf(size).flatMap((n) => {
    const values = percentages(n)
    const of = (name: string, ours: () => Float64Array, loop: () => Float64Array): BenchCase => ({
      case: name,
      n,
      unit: 'ns/element',
      elements: n,
      tolerance: 1e-9,
      checksum: () => probe(ours()),
      rivalChecksums: { loop: () => probe(loop()) },
      ours: keep(ours),
      rivals: { loop: keep(loop) },
    })
    return [
      ...WINDOWS.filter((window) => window < n).flatMap((window) => [
        of(
          `rolling mean, window ${window}`,
          () => rollingMean(values, window),
          () => plainMean(values, window),
        ),
        of(
          `rolling variance, window ${window}`,
          () => rollingVariance(values, window),
          () => plainVariance(values, window),
        ),
        of(
          `rolling min, window ${window}`,
          () => rollingMin(values, window),
          () => plainExtreme(values, window, 1),
        ),
        of(
          `rolling max, window ${window}`,
          () => rollingMax(values, window),
          () => plainExtreme(values, window, -1),
        ),
      ]),
      of(
        'ewma',
        () => ewma(values, 0.1),
        () => plainEwma(values, 0.1),
      ),
      of(
        'diff',
        () => diff(values),
        () => plainDiff(values),
      ),
    ]
  })

/** Read by nobody; it keeps results from being optimised away. */
export const checksumOfAll = (): number => sink
