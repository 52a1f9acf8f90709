import { decodeLabels } from '../../../src/fleet/series/labels.ts'
import type { SeriesWrite } from '../../../src/fleet/series/series-write.ts'
import { STALE_MARKER_BITS } from '../../../src/fleet/series/series-write.ts'

/** A series as an exposition writes it: `name{a="1"}`. */
export const seriesText = (write: SeriesWrite, series: number): string => {
  const labels = decodeLabels(write.labelsOf(series))
  const name = labels.find(([key]) => key === '__name__')?.[1] ?? ''
  const rest = labels.filter(([key]) => key !== '__name__')
  return rest.length === 0
    ? name
    : `${name}{${rest.map(([key, value]) => `${key}="${value}"`).join(',')}}`
}

/** Samples of a write: `series` → [timestamp, value], the stale marker as 'stale'. */
export const samplesOf = (write: SeriesWrite): Record<string, [number, number | 'stale'][]> => {
  const found: Record<string, [number, number | 'stale'][]> = {}
  const bits = new BigUint64Array(write.values.slice().buffer)
  write.sampleSeries.forEach((series, i) => {
    const key = seriesText(write, series)
    found[key] ??= []
    const value = bits[i] === STALE_MARKER_BITS ? 'stale' : (write.values[i] ?? Number.NaN)
    found[key].push([write.timestamps[i] ?? Number.NaN, value])
  })
  return found
}
