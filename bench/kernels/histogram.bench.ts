import { quantileSorted } from 'simple-statistics'
import { Histogram } from '../../src/kernels/histogram.ts'
import type { BenchCase, CaseSize } from '../types.ts'
import { percentages, sizesOf } from './inputs.ts'

/** Logarithmic buckets with Math.log: fast, but values at a boundary land where rounding says. */
const logarithmic = (values: Float64Array): number => {
  const counts = new Map<number, number>()
  const factor = 32 / Math.LN2
  for (let i = 0; i < values.length; i++) {
    const bucket = Math.ceil(Math.log(values[i] as number) * factor)
    counts.set(bucket, (counts.get(bucket) ?? 0) + 1)
  }
  let rest = Math.floor(0.95 * (values.length - 1))
  for (const bucket of [...counts.keys()].sort((a, b) => a - b)) {
    rest -= counts.get(bucket) ?? 0
    if (rest < 0) return 2 ** ((bucket - 0.5) / 32)
  }
  return Number.NaN
}

interface DatadogSketches {
  readonly DDSketch: new (options: {
    relativeAccuracy: number
  }) => { accept(value: number): void; getValueAtQuantile(q: number): number }
}

interface TDigests {
  readonly TDigest: new () => {
    push(value: number): void
    compress(): void
    percentile(q: number): number
  }
}

interface HdrHistograms {
  build(options: { numberOfSignificantValueDigits: 1 | 2 | 3; useWebAssembly: boolean }): {
    recordValue(value: number): void
    getValueAtPercentile(percentile: number): number
  }
}

/** It counts whole numbers: values are scaled to this many to one. */
const HDR_SCALE = 1e6

/** Sketches of the same values, with an error like ours or, for tdigest, its usual one. */
const packagesOf = (values: Float64Array): NonNullable<BenchCase['packages']> => ({
  '@datadog': (load) => {
    const { DDSketch } = load<DatadogSketches>('@datadog/sketches-js')
    return () => {
      const sketch = new DDSketch({ relativeAccuracy: 0.0108 })
      for (let i = 0; i < values.length; i++) sketch.accept(values[i] as number)
      return sketch.getValueAtQuantile(0.95)
    }
  },
  tdigest: (load) => {
    const { TDigest } = load<TDigests>('tdigest')
    return () => {
      const digest = new TDigest()
      for (let i = 0; i < values.length; i++) digest.push(values[i] as number)
      digest.compress()
      return digest.percentile(0.95)
    }
  },
  'hdr-histogram': (load) => {
    const { build } = load<HdrHistograms>('hdr-histogram-js')
    return () => {
      const histogram = build({ numberOfSignificantValueDigits: 2, useWebAssembly: false })
      for (let i = 0; i < values.length; i++) {
        histogram.recordValue(Math.round((values[i] as number) * HDR_SCALE))
      }
      return histogram.getValueAtPercentile(95) / HDR_SCALE
    }
  },
})

let sink = 0
const keep = (work: () => number) => () => {
  sink += work()
}

/** A batch into an empty sketch, then its 95th percentile. */
export const cases = async (size: CaseSize): Promise<BenchCase[]> =>
  sizesOf(size).map((n): BenchCase => {
    const values = percentages(n)
    const array = Array.from(values)
    const batch = () => {
      const histogram = new Histogram(5, 2048)
      histogram.insert(values)
      return histogram.quantile(0.95)
    }
    const rivals = {
      'one by one': () => {
        const histogram = new Histogram(5, 2048)
        for (const value of values) histogram.add(value)
        return histogram.quantile(0.95)
      },
      loop: () => logarithmic(values),
      // It has no sketch: sorting is what it offers for a percentile of many.
      'simple-statistics': () =>
        quantileSorted(
          array.slice().sort((a, b) => a - b),
          0.95,
        ),
    }
    return {
      case: 'histogram insert f64',
      n,
      unit: 'ns/element',
      elements: n,
      tolerance: 0.03,
      checksum: batch,
      rivalChecksums: rivals,
      ours: keep(batch),
      rivals: Object.fromEntries(Object.entries(rivals).map(([name, work]) => [name, keep(work)])),
      packages: packagesOf(values),
    }
  })

/** Read by nobody; it keeps results from being optimised away. */
export const checksumOfAll = (): number => sink
