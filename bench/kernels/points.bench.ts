import { formatValue } from '../../src/fleet/query/format.ts'
import { pointsText, stepTexts } from '../../src/kernels/points.ts'
import type { BenchCase, CaseSize } from '../types.ts'
import { percentages, sizesOf } from './inputs.ts'

/** Steps of one series. */
const STEPS = 300
/** Points are worked on series by series: more of them show nothing new. */
const POINTS_MAX = 1e5

let sink = 0

const checksumOf = (bytes: Uint8Array): number =>
  bytes.reduce((total, byte, at) => total + byte * (1 + (at % 7)), 0)

/** Rates, of up to seventeen digits, to points of a Prometheus answer; an element is a point. */
export const cases = async (size: CaseSize): Promise<BenchCase[]> =>
  sizesOf(size)
    .filter((n) => n <= POINTS_MAX)
    .map((n) => {
      const utf8 = new TextEncoder()
      const times = Array.from({ length: STEPS }, (_, step) => `${1_700_000_000 + step * 288}`)
      const texts = stepTexts(times)
      const before = times.map((time) => `[${time},"`)
      const present = new Uint8Array(STEPS).fill(1)
      const rates = percentages(Math.ceil(n / STEPS) * STEPS).map((value) => value / 285)
      const series = Array.from({ length: rates.length / STEPS }, (_, index) =>
        rates.subarray(index * STEPS, (index + 1) * STEPS),
      )
      const ours = (values: Float64Array) => pointsText(texts, values, present)
      const strings = (values: Float64Array) => {
        let points = ''
        for (const [step, value] of values.entries())
          points += `${step === 0 ? '' : ','}${before[step]}${formatValue(value)}"]`
        return utf8.encode(points)
      }
      const stringify = (values: Float64Array) => {
        const points = Array.from(values, (value, step) => [
          Number(times[step]),
          formatValue(value),
        ])
        return utf8.encode(JSON.stringify(points).slice(1, -1))
      }
      const each = (work: (values: Float64Array) => Uint8Array) => () => {
        for (const values of series) sink += work(values).length
      }
      const sum = (work: (values: Float64Array) => Uint8Array) => () =>
        series.reduce((total, values) => total + checksumOf(work(values)), 0)
      return {
        case: 'points as JSON',
        n: rates.length,
        unit: 'ns/element',
        elements: rates.length,
        tolerance: 0,
        checksum: sum(ours),
        rivalChecksums: { strings: sum(strings), 'JSON.stringify': sum(stringify) },
        ours: each(ours),
        rivals: { strings: each(strings), 'JSON.stringify': each(stringify) },
      }
    })

/** Read by nobody; it keeps results from being optimised away. */
export const checksumOfAll = (): number => sink
