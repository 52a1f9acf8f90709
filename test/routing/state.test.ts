import { describe, expect, it } from 'vitest'
import '../kernels/load.ts'
import type { Analysis } from '../../src/routing/analysis.ts'
import { nearestClusters, qualityNear } from '../../src/routing/clusters.ts'
import { DecisionCache } from '../../src/routing/decision-cache.ts'
import {
  LATENCIES_MAX,
  LatencyTracker,
  latencyLag,
  MEASURED_MS_MAX,
  MEASUREMENTS_MIN,
} from '../../src/routing/latency.ts'
import { promptCacheLoss } from '../../src/routing/score.ts'
import { SessionAffinity } from '../../src/routing/session-affinity.ts'
import { candidateWith } from './routers.ts'

describe('latencies', () => {
  it('follow mean and deviation as RFC 6298 does', () => {
    const tracker = new LatencyTracker()
    tracker.measured('m', 100, 0)
    expect(tracker.latencyOf('m')).toMatchObject({ meanMs: 100, deviationMs: 50, measurements: 1 })
    tracker.measured('m', 180, 0)
    expect(tracker.latencyOf('m')).toMatchObject({
      ...{ meanMs: 110, deviationMs: 57.5, measurements: 2 },
    })
    for (let i = 2; i < MEASUREMENTS_MIN; i++) tracker.measured('m', 110, 0)
    const { meanMs, deviationMs } = tracker.latencyOf('m') ?? { meanMs: 0, deviationMs: 0 }
    expect(tracker.expectedMs('m', 0)).toBe(meanMs + 4 * deviationMs)
  })

  it('are held against nobody who was measured a few times, or long ago', () => {
    const tracker = new LatencyTracker()
    for (let i = 1; i < MEASUREMENTS_MIN; i++) tracker.measured('m', 100, 0)
    expect(tracker.expectedMs('m', 0)).toBeNull()
    tracker.measured('m', 100, 1_000)
    expect(tracker.expectedMs('m', 1_000)).not.toBeNull()
    expect(tracker.expectedMs('m', 1_000 + MEASURED_MS_MAX)).toBeNull()
  })

  it('do not count what no clock measures', () => {
    const tracker = new LatencyTracker()
    for (const ms of [-1, Number.NaN, Number.POSITIVE_INFINITY]) tracker.measured('m', ms, 0)
    expect(tracker.latencyOf('m')).toBeNull()
  })

  it('are kept for a bounded number of models, the latest', () => {
    const tracker = new LatencyTracker()
    for (let i = 0; i <= LATENCIES_MAX; i++) tracker.measured(`m${i}`, 1, 0)
    expect([tracker.latencyOf('m0'), tracker.latencyOf('m1')]).toEqual([null, expect.anything()])
  })

  it('lag behind the fastest between 0 and 1, and nothing where unmeasured', () => {
    expect([latencyLag(100, 100), latencyLag(200, 100), latencyLag(null, 100)]).toEqual([0, 0.5, 0])
    expect(latencyLag(null, Number.POSITIVE_INFINITY)).toBe(0)
    expect(latencyLag(5, 0)).toBe(1)
    expect(latencyLag(0, 0)).toBe(0)
  })
})

describe('clusters', () => {
  it('are weighed by nearness until they have nine tenths', () => {
    const near = nearestClusters(new Float64Array([0.1, 0.5, 0.49, -0.9]))
    expect(near.map(({ cluster }) => cluster)).toEqual([1, 2])
    expect(near.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 12)
    expect(near[0]?.weight).toBeCloseTo(1 / (1 + Math.exp(-0.1)), 12)
  })

  it('count alike where nothing tells them apart', () => {
    const near = nearestClusters(new Float64Array(20))
    expect(near).toHaveLength(20)
    expect(near.every(({ weight }) => Math.abs(weight - 0.05) < 1e-12)).toBe(true)
  })

  it('give each model its mean quality', () => {
    const near = [
      { cluster: 2, weight: 0.75 },
      { cluster: 0, weight: 0.25 },
    ]
    const quality = new Float64Array([0, 1, 1, 0.4, 0, 0.8])
    expect([...qualityNear(near, quality, 3)]).toEqual([0.75, 0.7000000000000001])
  })
})

describe('what an isolate remembers', () => {
  const analysis = {} as Analysis

  it('is bounded: decisions lose the least lately used', () => {
    const cache = new DecisionCache(42, 2)
    cache.keep('a', analysis, 0)
    cache.keep('b', analysis, 0)
    cache.find('a', 0)
    cache.keep('c', analysis, 0)
    expect([cache.find('a', 0), cache.find('b', 0), cache.size]).toEqual([analysis, null, 2])
  })

  it('is not held for ever after a clock was set back', () => {
    const cache = new DecisionCache(42)
    cache.keep('a', analysis, 1e12)
    expect(cache.find('a', 0)).toBeNull()
  })

  it('is bounded: conversations lose the least recently used', () => {
    const sessions = new SessionAffinity(2)
    const held = { id: 'p/m', cachedTokens: 1, usedAtMs: 0 }
    for (const name of ['a', 'b', 'a', 'c']) sessions.keep(name, held)
    expect([sessions.find('a', 0), sessions.find('b', 0), sessions.size]).toEqual([held, null, 2])
  })
})

describe('what leaving a model costs', () => {
  it('is the discount on cached tokens, as a share of the dearest request', () => {
    const candidate = candidateWith({
      usdPerMillionTokens: { input: 2, output: 8, cachedInput: 0.5 },
    })
    expect(promptCacheLoss(candidate, 1_000, 0.003, 0.75)).toBeCloseTo((0.25 * 0.0015) / 0.003, 12)
    expect(promptCacheLoss(candidate, 1_000, 0, 0.75)).toBe(0)
  })

  it('is nothing where cached input costs more', () => {
    const candidate = candidateWith({
      usdPerMillionTokens: { input: 1, output: 1, cachedInput: 2 },
    })
    expect(promptCacheLoss(candidate, 1_000, 0.003, 0.75)).toBe(0)
  })
})
