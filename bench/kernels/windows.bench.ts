import { evaluateWindows, type WindowFunction } from '../../src/kernels/windows.ts'
import type { BenchCase, CaseSize } from '../types.ts'
import { percentages, sizesOf } from './inputs.ts'

const INTERVAL_MS = 15_000

/** Two weeks of them; a query goes through one series at a time. */
const SAMPLES_MAX = 1e5

/** Points of a chart. */
const STEPS = 300

interface Window {
  readonly first: number
  readonly end: number
  readonly time: number
}

/** A window's function as it is defined, over its samples. */
type Definition = (
  timestamps: Float64Array,
  values: Float64Array,
  window: Window,
  rangeMs: number,
) => number

const rate: Definition = (timestamps, values, { first, end, time }, rangeMs) => {
  const at = (i: number) => values[i] as number
  let result = at(end - 1) - at(first)
  for (let i = first + 1; i < end; i++) if (at(i) < at(i - 1)) result += at(i - 1)
  const [from, to] = [timestamps[first] as number, timestamps[end - 1] as number]
  const sampled = (to - from) / 1000
  const interval = sampled / (end - first - 1)
  const toZero = result > 0 ? sampled * (at(first) / result) : Number.POSITIVE_INFINITY
  const toStart = Math.min((from - (time - rangeMs)) / 1000, toZero)
  const toEnd = (time - to) / 1000
  const reach = (duration: number) => (duration < interval * 1.1 ? duration : interval / 2)
  return (result * ((sampled + reach(toStart) + reach(toEnd)) / sampled)) / (rangeMs / 1000)
}

const sum: Definition = (_timestamps, values, { first, end }) => {
  let [total, rest] = [0, 0]
  for (let i = first; i < end; i++) {
    const x = values[i] as number
    const next = total + x
    rest += Math.abs(total) >= Math.abs(x) ? total - next + x : x - next + total
    total = next
  }
  return total + rest
}

const largest: Definition = (_timestamps, values, { first, end }) => {
  let most = values[first] as number
  for (let i = first + 1; i < end; i++) most = Math.max(most, values[i] as number)
  return most
}

const quantile: Definition = (_timestamps, values, { first, end }) => {
  const sorted = values.slice(first, end).sort()
  const rank = 0.9 * (sorted.length - 1)
  const lower = Math.floor(rank)
  const upper = Math.min(lower + 1, sorted.length - 1)
  return (sorted[lower] as number) * (1 - rank + lower) + (sorted[upper] as number) * (rank - lower)
}

const DEFINITIONS = {
  rate,
  sum_over_time: sum,
  max_over_time: largest,
  quantile_over_time: quantile,
} as const satisfies Partial<Record<WindowFunction, Definition>>

/** Samples that a window has. */
const WINDOWS = [20, 1000] as const

let sink = 0

/** One series and 300 steps; an element is a sample of it. */
export const cases = async (size: CaseSize): Promise<BenchCase[]> =>
  sizesOf(size)
    .filter((n) => n <= SAMPLES_MAX)
    .flatMap((n) => {
      const timestamps = Float64Array.from({ length: n }, (_, i) => i * INTERVAL_MS)
      const gauge = percentages(n)
      let total = 0
      const counter = gauge.map((x) => {
        total += x
        return total
      })
      return WINDOWS.filter((window) => window < n).flatMap((window) =>
        Object.entries(DEFINITIONS).map(([name, definition]): BenchCase => {
          const values = name === 'rate' ? counter : gauge
          const rangeMs = window * INTERVAL_MS - 1
          const stepMs = Math.ceil((n * INTERVAL_MS) / STEPS)
          const options = { startMs: rangeMs, stepMs, steps: STEPS, rangeMs, parameter: 0.9 }
          const ours = () =>
            evaluateWindows(name as WindowFunction, timestamps, values, options).values
          const loop = () => {
            const output = new Float64Array(STEPS)
            let [first, end] = [0, 0]
            for (let step = 0; step < STEPS; step++) {
              const time = rangeMs + step * stepMs
              while (end < n && (timestamps[end] as number) <= time) end++
              while (first < end && (timestamps[first] as number) < time - rangeMs) first++
              output[step] =
                end - first < 2
                  ? Number.NaN
                  : definition(timestamps, values, { first, end, time }, rangeMs)
            }
            return output
          }
          const probe = (output: Float64Array) => (output[1] ?? 0) + (output[STEPS >> 1] ?? 0) * 3
          return {
            case: `${name}, window ${window}`,
            n,
            unit: 'ns/element',
            elements: n,
            inputBytes: n * 16,
            tolerance: 1e-9,
            checksum: () => probe(ours()),
            rivalChecksums: { loop: () => probe(loop()) },
            ours: () => {
              sink += probe(ours())
            },
            rivals: {
              loop: () => {
                sink += probe(loop())
              },
            },
          }
        }),
      )
    })

/** Read by nobody; it keeps results from being optimised away. */
export const checksumOfAll = (): number => sink
