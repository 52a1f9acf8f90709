import { labelValue } from '../../../src/fleet/query/column.ts'
import type {
  SeriesSource,
  StoredHistogram,
  StoredSeries,
} from '../../../src/fleet/query/source.ts'
import type { Label } from '../../../src/fleet/series/labels.ts'
import { compileMatchers } from '../../../src/fleet/series/matchers.ts'
import { message, varint, writeRaw } from '../../support/remote-write.ts'

/** A stored series with its samples at hand. */
export interface DemoSeries {
  readonly labels: readonly Label[]
  readonly timestamps: Float64Array
  readonly values: Float64Array
  readonly histograms?: readonly StoredHistogram[]
}

export const DEMO_START_MS = 1_700_000_000_000
export const DEMO_INTERVAL_MS = 5_000
export const DEMO_SAMPLES = 1_440
export const DEMO_END_MS = DEMO_START_MS + (DEMO_SAMPLES - 1) * DEMO_INTERVAL_MS

/** mulberry32: the same numbers on every machine. */
const randomOf = (seed: number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const labelsOf = (labels: Record<string, string>): Label[] =>
  Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))

const markStale = (values: Float64Array, index: number) =>
  new Uint32Array(values.buffer).set([0x00000002, 0x7ff00000], 2 * index)

const BOUNDS = ['0.0001', '0.00039', '0.0015', '0.006', '0.023', '0.09', '0.35', '+Inf']

/** Buckets of schema 2 around 0.01 and 1, with a zero bucket. */
const nativeHistogram = (
  timestamp: number,
  counts: readonly number[],
  zeros: number,
  sum: number,
) =>
  message((pbf) => {
    pbf.writeVarintField(
      1,
      counts.reduce((a, b) => a + b, zeros),
    )
    pbf.writeDoubleField(3, sum)
    pbf.writeSVarintField(4, 2)
    pbf.writeDoubleField(5, 0.001)
    pbf.writeVarintField(6, zeros)
    for (const [offset, length] of [
      [-26, 4],
      [21, 4],
    ] as const)
      pbf.writeBytesField(
        11,
        message((span) => {
          span.writeSVarintField(1, offset)
          span.writeVarintField(2, length)
        }),
      )
    pbf.writePackedSVarint(
      12,
      counts.map((count, index) => count - (counts[index - 1] ?? 0)),
    )
    pbf.writeTag(15, 0)
    writeRaw(pbf, varint(BigInt(timestamp)))
  })

/** Cumulative counts of durations by bound and sample, and their sums by sample. */
const requestDurations = (random: () => number) => {
  const buckets = BOUNDS.map(() => new Float64Array(DEMO_SAMPLES))
  const sums = new Float64Array(DEMO_SAMPLES)
  const totals = BOUNDS.map(() => 0)
  const observations = Float64Array.from({ length: DEMO_SAMPLES }, () => Math.floor(random() * 20))
  let sum = 0
  observations.forEach((count, index) => {
    for (let n = 0; n < count; n++) {
      const value = 0.0002 * 10 ** (random() * 3.5)
      sum += value
      BOUNDS.forEach((bound, bucket) => {
        if (value <= Number(bound.replace('+Inf', 'Infinity')))
          totals[bucket] = (totals[bucket] ?? 0) + 1
      })
    }
    buckets.forEach((counts, bucket) => {
      counts[index] = totals[bucket] ?? 0
    })
    sums[index] = sum
  })
  return { buckets, sums }
}

/** A native histogram every 15 s, reset once. */
const nativeSeries = (
  labels: Record<string, string>,
  startMs: number,
  random: () => number,
): DemoSeries => {
  let counts = new Array<number>(8).fill(0)
  let zeros = 0
  let sum = 0
  const histograms = Array.from({ length: DEMO_SAMPLES / 3 }, (_, index) => {
    const timestamp = startMs + index * 15_000
    if (index === 400) {
      counts = counts.map(() => 0)
      zeros = 0
      sum = 0
    }
    counts = counts.map((count) => count + Math.floor(random() * 6))
    zeros += Math.floor(random() * 3)
    sum += random() * 8
    return { timestamp, bytes: nativeHistogram(timestamp, counts, zeros, sum) }
  })
  return {
    labels: labelsOf(labels),
    timestamps: new Float64Array(0),
    values: new Float64Array(0),
    histograms,
  }
}

/**
 * Series of the names and shapes of PromLabs' demo service: gauges, counters with resets, a metric that
 * comes and goes with stale markers, and classic histograms, every 5 s for two hours from three instances.
 */
export const demoSeries = (startMs = DEMO_START_MS): DemoSeries[] => {
  const random = randomOf(42)
  const times = Float64Array.from(
    { length: DEMO_SAMPLES },
    (_, index) => startMs + index * DEMO_INTERVAL_MS,
  )
  const found: DemoSeries[] = []
  const add = (labels: Record<string, string>, valueAt: (index: number) => number | null) => {
    const values = new Float64Array(DEMO_SAMPLES)
    const kept: number[] = []
    times.forEach((_, index) => {
      const value = valueAt(index)
      if (value !== null) {
        values[index] = value
        kept.push(index)
      } else if (kept.at(-1) === index - 1) {
        markStale(values, index)
        kept.push(index)
      }
    })
    // Copied as pairs of words: a marker's bits have to survive.
    const bits = new Uint32Array(values.buffer)
    const words = Uint32Array.from(
      kept.flatMap((index) => [...bits.subarray(2 * index, 2 * index + 2)]),
    )
    const timestamps = Float64Array.from(kept, (index) => times[index] ?? 0)
    found.push({ labels: labelsOf(labels), timestamps, values: new Float64Array(words.buffer) })
  }
  const counter = (perSample: () => number, resetEvery: number) => {
    let value = 0
    return (index: number) => {
      value = index % resetEvery === resetEvery - 1 ? 0 : value + perSample()
      return value
    }
  }
  const gauge = (base: number, spread: number) => {
    let value = base
    return () => {
      value = Math.round(value + (random() - 0.5) * spread + (base - value) * 0.01)
      return value
    }
  }
  for (const port of ['10000', '10001', '10002']) {
    const target = { instance: `demo.promlabs.com:${port}`, job: 'demo' }
    for (const [type, base] of [
      ['free', 3.2e9],
      ['used', 4.1e9],
      ['cached', 2.0e9],
      ['buffers', 1.3e8],
    ] as const)
      add({ __name__: 'demo_memory_usage_bytes', ...target, type }, gauge(base, base / 20))
    add({ __name__: 'demo_num_cpus', ...target }, () => 4)
    for (const [mode, rate] of [
      ['idle', 18],
      ['user', 1.5],
      ['system', 0.5],
    ] as const)
      add(
        { __name__: 'demo_cpu_usage_seconds_total', ...target, mode },
        counter(() => rate * (0.5 + random()), 700 + (Number(port) % 7)),
      )
    const disk = gauge(1e10, 1e7)
    add({ __name__: 'demo_disk_usage_bytes', ...target }, (index) => disk() + index * 65_536)
    let lastRun = startMs / 1_000 - 100
    add({ __name__: 'demo_batch_last_success_timestamp_seconds', ...target }, (index) => {
      if (random() < 0.01) lastRun = (startMs + index * DEMO_INTERVAL_MS) / 1_000 + 0.123
      return lastRun
    })
    add({ __name__: 'demo_intermittent_metric', ...target }, (index) =>
      index % 90 < 37 ? index : null,
    )
    for (const status of ['200', '500']) {
      const request = { ...target, method: 'GET', path: '/api/foo', status }
      const { buckets, sums } = requestDurations(random)
      buckets.forEach((counts, bucket) => {
        const le = BOUNDS[bucket] ?? ''
        add(
          { __name__: 'demo_api_request_duration_seconds_bucket', ...request, le },
          (index) => counts[index] ?? null,
        )
      })
      const counts = buckets.at(-1)
      add(
        { __name__: 'demo_api_request_duration_seconds_count', ...request },
        (index) => counts?.[index] ?? null,
      )
      add(
        { __name__: 'demo_api_request_duration_seconds_sum', ...request },
        (index) => sums[index] ?? null,
      )
    }
    found.push(nativeSeries({ __name__: 'demo_native', ...target }, startMs, random))
  }
  return found
}

/** A source of series at hand. */
export const memorySource = (series: readonly DemoSeries[]): SeriesSource => ({
  select: async (matchers, fromMs, toMs) => {
    const compiled = compileMatchers(matchers)
    if (!compiled.ok) throw new Error(compiled.error.detail)
    const matching = series.filter(({ labels }) =>
      compiled.value.every(({ name, matches }) => matches(labelValue(labels, name))),
    )
    return matching.flatMap(({ labels, timestamps, values, histograms = [] }): StoredSeries[] => {
      const from = timestamps.findIndex((time) => time >= fromMs)
      const to = timestamps.findLastIndex((time) => time <= toMs) + 1
      const inRange = histograms.filter(({ timestamp }) => timestamp >= fromMs && timestamp <= toMs)
      if ((from < 0 || to <= from) && inRange.length === 0) return []
      return [
        {
          labels,
          read: () => ({
            timestamps: timestamps.subarray(Math.max(0, from), to),
            values: values.subarray(Math.max(0, from), to),
            histograms: inRange,
          }),
        },
      ]
    })
  },
})
