import type { Labels, QueryData } from './query-api.ts'
import { labelsKey } from './series-names.ts'
import type { StepGrid } from './time-range.ts'

export interface SeriesStatistics {
  readonly last: number | null
  readonly min: number | null
  readonly mean: number | null
  readonly max: number | null
}

export interface ChartSeries {
  readonly key: string
  readonly labels: Labels
  /** A value a step of the grid; null where there is none, and for NaN and infinities. */
  readonly values: readonly (number | null)[]
  readonly statistics: SeriesStatistics
}

export interface ChartData {
  readonly grid: StepGrid
  readonly seconds: readonly number[]
  readonly series: readonly ChartSeries[]
  /** Series of native histograms, which have no line. */
  readonly histograms: number
}

/** A matrix on the grid it was asked for. Any other answer has no series. */
export const chartDataOf = (data: QueryData, grid: StepGrid): ChartData => {
  const steps = Math.floor((grid.endMs - grid.startMs) / grid.stepMs) + 1
  const seconds = Array.from(
    { length: steps },
    (_, step) => (grid.startMs + step * grid.stepMs) / 1_000,
  )
  const matrix = data.resultType === 'matrix' ? data.result : []
  const series = matrix.flatMap(({ metric, values }): ChartSeries[] => {
    if (values === undefined || values.length === 0) return []
    const column = new Array<number | null>(steps).fill(null)
    for (const [time, text] of values) {
      const step = Math.round((time * 1_000 - grid.startMs) / grid.stepMs)
      const value = Number(text)
      if (step >= 0 && step < steps && Number.isFinite(value)) column[step] = value
    }
    const statistics = statisticsOf(column)
    return [{ key: labelsKey(metric), labels: metric, values: column, statistics }]
  })
  return { grid, seconds, series, histograms: matrix.length - series.length }
}

const statisticsOf = (values: readonly (number | null)[]): SeriesStatistics => {
  let count = 0
  let mean = 0
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  let last: number | null = null
  for (const value of values) {
    if (value === null) continue
    count += 1
    // A running mean: the sum of values near the largest double is infinite.
    mean += value / count - mean / count
    min = Math.min(min, value)
    max = Math.max(max, value)
    last = value
  }
  return count === 0 ? { last, min: null, mean: null, max: null } : { last, min, mean, max }
}

/** Places of values without a neighbour on either side: a line alone does not show them. */
export const lonelyIndices = (values: readonly (number | null)[]): number[] =>
  values.flatMap((value, i) =>
    value !== null && (values[i - 1] ?? null) === null && (values[i + 1] ?? null) === null
      ? [i]
      : [],
  )
