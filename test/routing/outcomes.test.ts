import { describe, expect, it } from 'vitest'
import '../kernels/load.ts'
import {
  latencyOf,
  type Outcome,
  PRIOR_TRIALS,
  shrunkQuality,
  tallyOf,
  UNMEASURED_TRIALS_MIN,
} from '../../src/routing/outcomes.ts'
import { makeRouter } from '../../src/routing/router.ts'
import {
  artifactWith,
  bodyOf,
  candidateWith,
  configWith,
  decided,
  EASY,
  LARGE,
  MID,
  routedBy,
  SMALL,
  stateWith,
} from './routers.ts'

const VERSION = artifactWith().version
const outcome = (fields: Partial<Outcome> = {}): Outcome => ({
  candidate: 'p/small',
  cluster: 0,
  artifactVersion: VERSION,
  trials: 0,
  successes: 0,
  latencyCount: 0,
  latencyMeanMs: 0,
  latencyM2: 0,
  ...fields,
})
const PRIOR = Float64Array.of(0.7, 0.5)
const shrunk = (...outcomes: Partial<Outcome>[]) =>
  shrunkQuality(PRIOR, tallyOf(outcomes.map(outcome), { version: VERSION, clusters: 2 }))

describe('quality from outcomes', () => {
  it('is the artifact’s without trials', () => {
    expect(shrunk()).toEqual(PRIOR)
    expect(shrunk({ trials: 0, successes: 5 })).toEqual(PRIOR)
  })

  it('is (k·Q̂ + successes) / (k + trials) in the cluster that has them all', () => {
    const [own, other] = shrunk({ trials: 10, successes: 1 })
    expect(own).toBeCloseTo((PRIOR_TRIALS * 0.7 + 1) / (PRIOR_TRIALS + 10), 12)
    // Of six more failures than were expected, the other cluster takes what the candidate's mean moves.
    expect(other).toBeCloseTo(0.5 + (1 - 7) / (10 + PRIOR_TRIALS), 12)
  })

  it('follows trials in the end, whatever was believed before', () => {
    const [own] = shrunk({ trials: 1e6, successes: 2e5 })
    expect(own).toBeCloseTo(0.2, 4)
  })

  it('counts each trial once: a cluster is not moved by its own trials through the mean', () => {
    const apart = shrunk({ trials: 40, successes: 40 }, { cluster: 1, trials: 5, successes: 0 })
    const shift = (40 - 28) / (40 + PRIOR_TRIALS)
    expect(apart[1]).toBeCloseTo((PRIOR_TRIALS * (0.5 + shift)) / (PRIOR_TRIALS + 5), 12)
  })

  it('counts clusters of another artifact, and unknown ones, for the candidate alone', () => {
    const elsewhere = shrunk({ artifactVersion: 'other', trials: 30, successes: 0 })
    const unknown = shrunk({ cluster: -1, trials: 30, successes: 0 })
    const shift = (0 - 30 * 0.6) / (30 + PRIOR_TRIALS)
    for (const row of [elsewhere, unknown]) {
      expect(row[0]).toBeCloseTo(0.7 + shift, 12)
      expect(row[1]).toBeCloseTo(0.5 + shift, 12)
    }
  })

  it.each([
    { trials: Number.NaN, successes: 1 },
    { trials: -3, successes: 1 },
    { trials: 5, successes: Number.NaN },
    { trials: 5, successes: -1 },
    { trials: Number.POSITIVE_INFINITY, successes: 1 },
  ])('leaves out what is no count: %o', (fields) => {
    expect(shrunk(fields)).toEqual(PRIOR)
  })

  it('stays in [0, 1]', () => {
    for (const successes of [0, 10_000, 20_000])
      for (const quality of shrunk({ trials: 10_000, successes }, { cluster: 9, trials: 500 })) {
        expect(quality).toBeGreaterThanOrEqual(0)
        expect(quality).toBeLessThanOrEqual(1)
      }
  })
})

describe('latency from outcomes', () => {
  it('is that of all measurements together', () => {
    const all = [100, 120, 140, 300, 310]
    const statisticsOf = (values: number[]) => {
      const mean = values.reduce((a, b) => a + b, 0) / values.length
      const m2 = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
      return outcome({ latencyCount: values.length, latencyMeanMs: mean, latencyM2: m2 })
    }
    const joined = latencyOf([statisticsOf(all.slice(0, 2)), outcome(), statisticsOf(all.slice(2))])
    const whole = statisticsOf(all)
    expect(joined?.measurements).toBe(5)
    expect(joined?.meanMs).toBeCloseTo(194, 9)
    expect(joined?.deviationMs).toBeCloseTo(Math.sqrt((2 / Math.PI) * (whole.latencyM2 / 5)), 9)
  })

  it('is half uncertain after one, and unknown without any', () => {
    const one = outcome({ latencyCount: 1, latencyMeanMs: 80 })
    expect(latencyOf([one])).toEqual({ meanMs: 80, deviationMs: 40, measurements: 1 })
    expect(latencyOf([outcome({ latencyCount: 2, latencyMeanMs: Number.NaN })])).toBeNull()
  })
})

describe('a router with outcomes', () => {
  const config = configWith({ alpha: 1 })

  it('chooses the model that did better, and says by how many trials', () => {
    const failing = [outcome({ trials: 200, successes: 0 })]
    const succeeding = [outcome({ candidate: 'p/large', trials: 200, successes: 0 })]
    const router = makeRouter(config, artifactWith(), failing)
    expect(router.byId.get('p/small')).toMatchObject({ trials: 200, prior: 0, model: 2 })
    expect(router.byId.get('p/large')).toMatchObject({ trials: 0, prior: 1, model: 1 })
    expect(routedBy(router, bodyOf(MID)).model).toBe('large')
    expect(routedBy(makeRouter(config, artifactWith(), succeeding), bodyOf(MID)).model).toBe(
      'small',
    )
  })

  it('is the artifact’s own where there are none', () => {
    const artifact = artifactWith()
    expect(makeRouter(config, artifact).quality).toBe(artifact.quality)
  })

  it('compares a model that was never trained on once it was tried often enough', () => {
    const fresh = candidateWith({ model: 'fresh', measuredAs: null })
    const config = configWith({ candidates: [SMALL, LARGE, fresh] })
    const tried = (trials: number) =>
      makeRouter(config, artifactWith(), [
        outcome({ candidate: 'p/fresh', trials, successes: trials }),
      ])
    expect(tried(UNMEASURED_TRIALS_MIN - 1).excluded).toEqual([
      { id: 'p/fresh', reason: 'quality-unknown' },
    ])
    const router = tried(UNMEASURED_TRIALS_MIN)
    expect(router.byId.get('p/fresh')).toMatchObject({ prior: null, trials: UNMEASURED_TRIALS_MIN })
    const { candidates } = routedBy(router, bodyOf(EASY))
    const fromWeak = (PRIOR_TRIALS * 0.7 + 50) / (PRIOR_TRIALS + 50)
    expect(candidates.find(({ id }) => id === 'p/fresh')?.quality).toBeCloseTo(fromWeak, 12)
  })

  it('takes latencies that were kept where the isolate has none of its own', () => {
    const kept = [
      outcome({ latencyCount: 50, latencyMeanMs: 9_000, latencyM2: 0 }),
      outcome({ candidate: 'p/large', latencyCount: 50, latencyMeanMs: 900, latencyM2: 0 }),
    ]
    const router = makeRouter(configWith(), artifactWith(), kept)
    const penaltyOf = (state = stateWith()) =>
      routedBy(router, bodyOf(EASY), state).candidates.find(({ id }) => id === 'p/small')
        ?.latencyPenalty
    expect(penaltyOf()).toBeCloseTo(0.1 * 0.9, 12)
    const state = stateWith()
    for (let i = 0; i < 5; i++) state.latencies.measured('p/small', 100, 1_000)
    expect(penaltyOf(state)).toBe(0)
    expect(
      decided(bodyOf(EASY)).candidates.every(({ latencyPenalty }) => latencyPenalty === 0),
    ).toBe(true)
  })
})
