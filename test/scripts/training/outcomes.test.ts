import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Example, exampleOf, MODELS, readOutcomes } from '../../../scripts/training/dataset.ts'
import { boost, marginsOf, softmaxRows } from '../../../scripts/training/gbdt.ts'
import { assign } from '../../../scripts/training/k-means.ts'
import { routingQuality } from '../../../scripts/training/metrics.ts'
import {
  readSingleOutcomes,
  SINGLE_OUTCOMES,
  type SingleOutcome,
} from '../../../scripts/training/outcomes.ts'
import { placesOf, ratesWith, rowsWith } from '../../../scripts/training/partial-labels.ts'
import { seeded } from '../../../scripts/training/seeded.ts'
import { gainsOf, type Row, rowsOf, TRAINING, tableOf } from '../../../scripts/training/train.ts'
import {
  type ClusterRates,
  embedAll,
  labelledRates,
  trainPlaces,
} from '../../../scripts/training/train-clusters.ts'
import { OUTCOMES } from '../../../src/routing/artifact-format.ts'
import { EMBEDDING_DIMS } from '../../../src/routing/embedding.ts'
import { FEATURE_NAMES } from '../../../src/routing/features.ts'
import '../../kernels/load.ts'

const DATA = path.join(import.meta.dirname, '../../../../shared/data/routing/mmlu')
const NAMES = { clusters: 3, versions: ['a'] }
const LINE = {
  features: FEATURE_NAMES.map((_, i) => (i === 31 ? null : i)),
  cluster: 2,
  artifactVersion: 'a',
  provider: 'openai',
  model: 'gpt-4-1106-preview',
  score: 0.5,
  latencyMs: 800,
  costUsd: 0.01,
}
const outcome = (own: Partial<SingleOutcome>): SingleOutcome => ({
  ...LINE,
  features: null,
  ...own,
})

describe('outcomes of single models', () => {
  it('are read by line, unknown values as NaN', () => {
    const [only] = readSingleOutcomes(`${JSON.stringify(LINE)}\n\n`, NAMES)
    expect(only).toMatchObject({ cluster: 2, provider: 'openai', score: 0.5 })
    expect(only?.features?.[30]).toBe(30)
    expect(only?.features?.[31]).toBeNaN()
  })

  it.each([
    ['of another artifact', { artifactVersion: 'b' }],
    ['that the artifact does not have', { cluster: 3 }],
  ])('keep no cluster %s', (_name, change) => {
    const [only] = readSingleOutcomes(JSON.stringify({ ...LINE, ...change }), NAMES)
    expect(only?.cluster).toBeNull()
  })

  it.each([
    ['no JSON', '{', /outcome 2: no JSON/],
    ['a score above 1', JSON.stringify({ ...LINE, score: 2 }), /outcome 2\/score/],
    [
      'features of another length',
      JSON.stringify({ ...LINE, features: [1] }),
      /outcome 2\/features/,
    ],
  ])('are refused with their line: %s', (_name, line, message) => {
    expect(() => readSingleOutcomes(`${JSON.stringify(LINE)}\n${line}`, NAMES)).toThrow(message)
  })
})

describe('the clusters that outcomes name', () => {
  const shipped = readFileSync(path.join(import.meta.dirname, '../../../models/router.gjr'))

  it('are the base’s, and those of the artifacts that it has them from', async () => {
    const { clusters, centroids, versions } = await placesOf(shipped)
    expect(centroids.length).toBe(clusters * EMBEDDING_DIMS)
    expect(versions).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)])
  })

  it('are of no file that is none', async () => {
    await expect(placesOf(shipped.subarray(1))).rejects.toThrow('the base is no artifact')
  })
})

describe('rates with outcomes', () => {
  const rates: ClusterRates = {
    models: [...MODELS],
    quality: Float64Array.of(0.9, 0.5, 0.1, 0.95, 0.7, 0.6),
    cost: Float64Array.of(0.1, 0.1, 0.1, 1, 1, 1),
  }
  const many = (own: Partial<SingleOutcome>) => Array.from({ length: 20 }, () => outcome(own))

  it('move half the way to what as many answers as the shrinkage say', () => {
    const { quality } = ratesWith(rates, many({ score: 1 }))
    expect(quality[5]).toBeCloseTo(0.8, 12)
    expect(quality.slice(0, 5)).toEqual(rates.quality.slice(0, 5))
  })

  it('gain a row between both for a model that the data do not have, which finds hard what others do', () => {
    const { models, quality } = ratesWith(rates, many({ model: 'new', score: 0.5, cluster: null }))
    expect(models).toEqual([MODELS[0], 'openai/new', MODELS[1]])
    const [easy = 0, mid = 0, hard = 0] = quality.slice(3, 6)
    expect(easy).toBeGreaterThan(mid)
    expect(mid).toBeGreaterThan(hard)
    expect((easy + mid + hard) / 3).toBeCloseTo(0.5, 12)
  })

  it('gain none for a model of too few outcomes', () => {
    expect(ratesWith(rates, many({ model: 'new' }).slice(1)).models).toEqual(MODELS)
  })
})

describe('rows out of outcomes', () => {
  const unlabelled = (score: number): SingleOutcome =>
    outcome({ features: new Float64Array(FEATURE_NAMES.length), score })
  const seen = (value: number) => {
    const none = { slots: new Uint16Array(0), counts: new Float32Array(0), length: 2048 }
    const values = new Float64Array(FEATURE_NAMES.length).fill(value)
    return { values, tokens: 1, words: none, trigrams: none }
  }
  const examples = Array.from({ length: 40 }, (_, i): Example => {
    const label = i % OUTCOMES.length
    const named = { subject: 's', prompt: '', isWeakRight: false, isStrongRight: false }
    return { ...named, label, asked: seen(0), bare: seen(0) }
  })

  it('give no outcome that the answer seen rules out, and together weigh at most a share of the labels', () => {
    const rows = rowsWith(
      examples,
      Array.from({ length: 200 }, () => unlabelled(1)),
      42,
    )
    expect(new Set(rows.map(({ label }) => OUTCOMES[label]))).toEqual(new Set(['both', 'strong']))
    const weight = rows.reduce((sum, row) => sum + row.weight, 0)
    expect(weight).toBeCloseTo(SINGLE_OUTCOMES.weightShareMax * examples.length, 9)
  })

  it('are none of models that are neither the weak one nor the strong one, or without features', () => {
    expect(rowsWith(examples, [outcome({}), { ...unlabelled(1), model: 'x' }], 42)).toEqual([])
  })
})

describe.skipIf(!existsSync(DATA))('labels that are hidden in part (needs ../shared/data)', () => {
  it('leave Q̂ nearer to all labels, and the order of unseen questions no worse', () => {
    const random = seeded(42)
    const all = readOutcomes(DATA)
      .filter(() => random() < 0.6)
      .map(exampleOf)
    const subjects = [...new Set(all.map(({ subject }) => subject))]
    const isHeld = ({ subject }: Example) => subjects.indexOf(subject) % 3 === 0
    const [held, rest] = [all.filter(isHeld), all.filter((own) => !isHeld(own))]
    const labelled = rest.filter((_, i) => i % 3 === 0)
    const hidden = rest.filter((_, i) => i % 3 !== 0)
    const places = trainPlaces(rest, 42)
    const clusterOf = assign(
      embedAll(
        hidden.map(({ asked }) => asked),
        places.weights,
      ),
      places.centroids,
      EMBEDDING_DIMS,
    )
    const single = hidden.map(({ asked, isWeakRight, isStrongRight }, i) => {
      const role = random() < 0.5 ? 0 : 1
      return outcome({
        features: asked.values,
        cluster: clusterOf[i] ?? 0,
        model: MODELS[role] ?? '',
        score: Number(role === 0 ? isWeakRight : isStrongRight),
      })
    })
    const truth = labelledRates(rest, places).quality
    const errorOf = (rates: ClusterRates) =>
      rates.quality.reduce((sum, rate, i) => sum + Math.abs(rate - (truth[i] ?? 0)), 0) /
      truth.length
    const few = labelledRates(labelled, places)
    const [before, after] = [errorOf(few), errorOf(ratesWith(few, single))]

    const apgrOf = (more: readonly Row[]): number => {
      const model = boost(tableOf([...rowsOf(labelled), ...more]), { ...TRAINING.boost, seed: 42 })
      const table = tableOf(
        held.map(({ asked }) => ({ values: asked.values, label: 0, weight: 1 })),
      )
      return routingQuality(held, gainsOf(softmaxRows(marginsOf(model, table), OUTCOMES.length)))
        .apgr
    }
    const [alone, helped] = [apgrOf([]), apgrOf(rowsWith(labelled, single, 42))]
    console.info(
      JSON.stringify({
        labelled: labelled.length,
        single: single.length,
        before,
        after,
        alone,
        helped,
      }),
    )
    expect(after).toBeLessThan(before)
    expect(helped).toBeGreaterThan(alone - 0.02)
  }, 120_000)
})
