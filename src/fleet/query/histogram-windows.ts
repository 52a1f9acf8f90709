import type { WindowFunction, WindowOptions } from '../../kernels/windows.ts'
import { ABSENT, FLOAT, HISTOGRAM } from './column.ts'
import { combined, isReset, scaled } from './histogram-arithmetic.ts'
import { decodeHistogram, type FloatHistogram } from './native-histogram.ts'
import type { Samples, StoredHistogram } from './source.ts'
import { staleMask } from './stale-marker.ts'

interface Point {
  readonly timestamp: number
  readonly histogram: FloatHistogram
}

/** What a series with histograms is at each step; the parts of a Column. */
export interface MixedWindows {
  readonly values: Float64Array
  readonly present: Uint8Array
  readonly histograms: Array<FloatHistogram | null>
}

const pointsOf = (stored: readonly StoredHistogram[]): Point[] =>
  stored.flatMap(({ timestamp, bytes }) => {
    const histogram = decodeHistogram(bytes)
    return histogram ? [{ timestamp, histogram }] : []
  })

/** The first position whose timestamp is at least `from` (or beyond it, where `open`). */
const positionOf = (
  count: number,
  timeAt: (position: number) => number,
  from: number,
  open: boolean,
): number => {
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >>> 1
    const time = timeAt(middle)
    if (time < from || (open && time === from)) low = middle + 1
    else high = middle
  }
  return low
}

const sumOf = (points: readonly Point[]): FloatHistogram | null => {
  let sum: FloatHistogram | null = points[0]?.histogram ?? null
  for (const { histogram } of points.slice(1)) sum = sum && combined(sum, histogram, 1)
  return sum
}

/** The increase between the ends of a window, resets added, extrapolated to the window's bounds. */
const increaseOf = (
  points: readonly Point[],
  name: WindowFunction,
  startMs: number,
  endMs: number,
): FloatHistogram | null => {
  const [first] = points
  const last = points.at(-1)
  if (!first || !last || points.length < 2) return null
  let increase = combined(last.histogram, first.histogram, -1)
  if (name !== 'delta')
    points.forEach((point, position) => {
      const previous = points[position - 1]
      if (increase && previous && isReset(previous.histogram, point.histogram))
        increase = combined(increase, previous.histogram, 1)
    })
  const sampledMs = last.timestamp - first.timestamp
  const spacingMs = sampledMs / (points.length - 1)
  const reach = (gapMs: number) => (gapMs < spacingMs * 1.1 ? gapMs : spacingMs / 2)
  const coveredMs = sampledMs + reach(first.timestamp - startMs) + reach(endMs - last.timestamp)
  const factor = coveredMs / sampledMs / (name === 'rate' ? (endMs - startMs) / 1_000 : 1)
  return increase && scaled(increase, factor)
}

/** The function over a window of histograms alone; null where it has no value for them. */
const overHistograms = (
  name: WindowFunction,
  points: readonly Point[],
  startMs: number,
  endMs: number,
): FloatHistogram | number | null => {
  const live = points.filter(({ histogram }) => !histogram.isStale)
  if (live.length === 0) return null
  switch (name) {
    case 'rate':
    case 'increase':
    case 'delta':
      return increaseOf(live, name, startMs, endMs)
    case 'sum_over_time':
      return sumOf(live)
    case 'avg_over_time': {
      const sum = sumOf(live)
      return sum && scaled(sum, 1 / live.length)
    }
    case 'last_over_time':
      return live.at(-1)?.histogram ?? null
    case 'count_over_time':
      return live.length
    case 'present_over_time':
      return 1
    default:
      return null
  }
}

/**
 * The function over the windows of a series that has histograms.
 *
 * @param floats what the kernel made of the series' floats, in the same windows
 * Windows with both kinds have a value where the function counts or takes the newest, else none.
 */
export const histogramWindows = (
  name: WindowFunction,
  samples: Samples,
  floats: { readonly values: Float64Array; readonly present: Uint8Array },
  windows: WindowOptions,
): MixedWindows => {
  const points = pointsOf(samples.histograms)
  const stale = staleMask(samples.values)
  const timeOfPoint = (position: number) => points[position]?.timestamp ?? 0
  const timeOfFloat = (position: number) => samples.timestamps[position] as number
  const floatCount = samples.timestamps.length
  const values = floats.values.slice()
  const present = floats.present.slice()
  const histograms = new Array<FloatHistogram | null>(windows.steps).fill(null)
  const set = (step: number, value: FloatHistogram | number | null) => {
    present[step] = value === null ? ABSENT : typeof value === 'number' ? FLOAT : HISTOGRAM
    if (typeof value === 'number') values[step] = value
    else histograms[step] = value
  }
  for (let step = 0; step < windows.steps; step++) {
    const endMs = windows.startMs + step * windows.stepMs
    const startMs = endMs - windows.rangeMs
    const open = windows.leftOpen ?? false
    const first = positionOf(points.length, timeOfPoint, startMs, open)
    const end = positionOf(points.length, timeOfPoint, endMs, true)
    if (first >= end) continue
    const firstFloat = positionOf(floatCount, timeOfFloat, startMs, open)
    const endFloat = positionOf(floatCount, timeOfFloat, endMs, true)
    const newest = points[end - 1] as Point
    const floatIsNewest = endFloat > firstFloat && timeOfFloat(endFloat - 1) > newest.timestamp
    if (name === 'instant') {
      if (!floatIsNewest) set(step, newest.histogram.isStale ? null : newest.histogram)
      continue
    }
    const liveFloats = stale.subarray(firstFloat, endFloat).filter((mark) => mark === 0).length
    const value = overHistograms(name, points.slice(first, end), startMs, endMs)
    if (
      value === null &&
      liveFloats > 0 &&
      points.slice(first, end).every((p) => p.histogram.isStale)
    )
      continue
    if (liveFloats === 0) set(step, value)
    else if (name === 'count_over_time')
      set(step, liveFloats + (typeof value === 'number' ? value : 0))
    else if (name === 'present_over_time') set(step, 1)
    else if (name !== 'last_over_time') set(step, null)
    else if (!floatIsNewest) set(step, value)
  }
  return { values, present, histograms }
}
