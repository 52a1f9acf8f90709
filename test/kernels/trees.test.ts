import { readFileSync } from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { getKernels } from '../../src/kernels/module.ts'
import { TreeEnsemble, type TreeModel, TreeModelError } from '../../src/kernels/trees.ts'
import { loadXgboost, readXgboost } from '../../src/kernels/xgboost.ts'
import { ACCURACY } from './accuracy.ts'
import { random } from './cases.ts'
import { BUILDS, useBuild } from './load.ts'
import { ErrorStatistics } from './statistics.ts'
import { type RandomTrees, randomModel, randomRows, walk } from './tree-walk.ts'

interface Golden {
  readonly rows: (number | null)[][]
  readonly margins: number[][]
  readonly predictions: number[][]
  readonly model: Record<string, unknown>
}

const golden = (name: string): Golden =>
  JSON.parse(readFileSync(path.join(import.meta.dirname, `golden/${name}.json`), 'utf8'))

const flat = (rows: readonly (number | null)[][]): Float32Array =>
  Float32Array.from(rows.flat(), (x) => x ?? Number.NaN)

/** A copy of a saved model with one field set. */
const withField = (model: unknown, pointer: string, value: unknown): unknown => {
  const copy = structuredClone(model) as Record<string, unknown>
  const keys = pointer.split('/').slice(1)
  let place = copy
  for (const key of keys.slice(0, -1)) place = place[key] as Record<string, unknown>
  place[keys.at(-1) ?? ''] = value
  return copy
}

const using = <T>(ensemble: TreeEnsemble, use: (ensemble: TreeEnsemble) => T): T => {
  try {
    return use(ensemble)
  } finally {
    ensemble.close()
  }
}

describe.each(BUILDS)('%s', (build) => {
  beforeAll(() => {
    useBuild(build)
  })

  describe('an XGBoost model', () => {
    it.each([
      { name: 'regression', outputs: 1 },
      { name: 'binary', outputs: 1 },
      { name: 'multiclass', outputs: 3 },
    ])('predicts as XGBoost does: $name', ({ name, outputs }) => {
      const { rows, margins, predictions, model } = golden(name)
      const statistics = new ErrorStatistics()
      using(loadXgboost(JSON.stringify(model)), (ensemble) => {
        expect([ensemble.features, ensemble.outputs]).toEqual([rows[0]?.length, outputs])
        const sums = ensemble.margins(flat(rows))
        const results = ensemble.predict(flat(rows))
        expect([sums.length, results.length]).toEqual([
          rows.length * outputs,
          rows.length * outputs,
        ])
        margins.flat().forEach((want, i) => {
          statistics.record(sums[i] ?? Number.NaN, want, Math.max(1, Math.abs(want)))
        })
        predictions.flat().forEach((want, i) => {
          statistics.record(results[i] ?? Number.NaN, want, Math.max(1, Math.abs(want)))
        })
      })
      statistics.expectBelow(`trees, ${name}`, ACCURACY.trees)
    })

    it('takes the forms that later versions write', () => {
      const { model, rows } = golden('binary')
      const at = '/learner/learner_model_param/base_score'
      using(loadXgboost(model), (today) => {
        for (const base of ['[3E-1]', ' [ 0.3 ] ']) {
          using(loadXgboost(withField(model, at, base)), (later) => {
            expect(later.predict(flat(rows))).toEqual(today.predict(flat(rows)))
          })
        }
        const flags = '/learner/gradient_booster/model/trees/0/default_left'
        const { trees } = (
          model as {
            learner: { gradient_booster: { model: { trees: { default_left: number[] }[] } } }
          }
        ).learner.gradient_booster.model
        const booleans = trees[0]?.default_left.map((flag) => flag === 1)
        using(loadXgboost(withField(model, flags, booleans)), (later) => {
          expect(later.predict(flat(rows))).toEqual(today.predict(flat(rows)))
        })
      })
      const classes = withField(golden('multiclass').model, at, '[1E-1,2E-1,7E-1]')
      expect(readXgboost(classes).base).toEqual([0.1, 0.2, 0.7])
      expect(readXgboost(withField(model, at, '5E-1')).base).toEqual([0])
      // XGBoost 1.7.4 begins the sums of logitraw at base_score itself.
      const raw = withField(model, '/learner/objective/name', 'binary:logitraw')
      expect(readXgboost(raw)).toMatchObject({ base: [0.3], link: 'identity' })
    })

    it('gives the class for multi:softmax', () => {
      const { model, predictions, rows } = golden('multiclass')
      const softmax = withField(model, '/learner/objective/name', 'multi:softmax')
      const want = predictions.map((shares) => shares.indexOf(Math.max(...shares)))
      using(loadXgboost(softmax), (ensemble) => {
        expect([...ensemble.predict(flat(rows))]).toEqual(want)
      })
    })

    const trees = '/learner/gradient_booster/model/trees'
    it.each([
      ['/learner', undefined, 'malformed', '/learner'],
      ['/learner/objective/name', 'survival:cox', 'unsupported', '/learner/objective/name'],
      [
        '/learner/gradient_booster/name',
        'gblinear',
        'unsupported',
        '/learner/gradient_booster/name',
      ],
      ['/learner/learner_model_param/base_score', 'NaN', 'not-finite', undefined],
      ['/learner/learner_model_param/base_score', '', 'not-finite', undefined],
      ['/learner/learner_model_param/base_score', '1', 'not-finite', undefined],
      ['/learner/learner_model_param/base_score', '[0.1,0.2]', 'malformed', undefined],
      ['/learner/learner_model_param/base_score', 0.5, 'malformed', undefined],
      ['/learner/learner_model_param/num_feature', '0', 'malformed', '/features'],
      ['/learner/learner_model_param/num_feature', '9999', 'too-large', '/features'],
      ['/learner/learner_model_param/num_feature', '1', 'inconsistent', undefined],
      ['/learner/learner_model_param/num_target', '2', 'unsupported', undefined],
      ['/learner/learner_model_param/num_class', '5000', 'too-large', '/base'],
      ['/learner/gradient_booster/model/tree_info', [0], 'malformed', undefined],
      ['/learner/gradient_booster/model/tree_info/1', 7, 'inconsistent', '/trees/1/output'],
      [`${trees}/2/left_children`, [], 'malformed', undefined],
      [`${trees}/2/left_children/0`, 0, 'inconsistent', '/trees/2/left/0'],
      [`${trees}/2/left_children/0`, 9999, 'inconsistent', '/trees/2/left/0'],
      [`${trees}/2/right_children/0`, -1, 'inconsistent', '/trees/2/right/0'],
      [`${trees}/2/right_children/0`, 1, 'inconsistent', '/trees/2/right/0'],
      [`${trees}/2/split_conditions/0`, null, 'malformed', `${trees}/2/split_conditions/0`],
      [`${trees}/2/split_conditions/0`, 1e300, 'not-finite', '/trees/2/threshold/0'],
      [`${trees}/2/split_conditions/30`, Number.NaN, 'not-finite', '/trees/2/value/30'],
      [`${trees}/2/split_indices/0`, 6, 'inconsistent', '/trees/2/feature/0'],
      [`${trees}/2/split_type/0`, 1, 'unsupported', `${trees}/2/split_type`],
    ])('is refused with %s = %j: %s', (pointer, value, reason, where) => {
      const blocks = getKernels().arena.liveBlocks
      const bad = withField(golden('binary').model, pointer, value)
      try {
        loadXgboost(bad)
        expect.unreachable()
      } catch (error) {
        expect(error).toBeInstanceOf(TreeModelError)
        expect(error).toMatchObject({ reason, ...(where === undefined ? {} : { pointer: where }) })
      }
      expect(getKernels().arena.liveBlocks).toBe(blocks)
    })

    it.each([
      '',
      '{',
      '[]',
      'null',
      '{"learner":7}',
      '{"learner":{"gradient_booster":{"name":1}}}',
    ])('is refused when the text is %s', (text) => {
      expect(() => loadXgboost(text)).toThrow(TreeModelError)
    })
  })

  const SHAPES: (RandomTrees & { name: string })[] = [
    { name: 'stumps', trees: 5, features: 1, outputs: 1, depth: 1, leafShare: 0, thresholds: 3 },
    {
      name: 'nothing but leaves',
      trees: 3,
      features: 2,
      outputs: 1,
      depth: 0,
      leafShare: 1,
      thresholds: 1,
    },
    {
      name: 'full to depth 6',
      trees: 20,
      features: 9,
      outputs: 1,
      depth: 6,
      leafShare: 0,
      thresholds: 40,
    },
    {
      name: 'ragged and deep',
      trees: 30,
      features: 5,
      outputs: 3,
      depth: 12,
      leafShare: 0.25,
      thresholds: 60,
    },
    {
      name: '256 thresholds a feature',
      trees: 60,
      features: 2,
      outputs: 1,
      depth: 7,
      leafShare: 0.05,
      thresholds: 256,
    },
    {
      name: 'thousands of thresholds',
      trees: 60,
      features: 3,
      outputs: 2,
      depth: 7,
      leafShare: 0.05,
      thresholds: 5000,
    },
    {
      name: 'as deep as is filled up',
      trees: 20,
      features: 5,
      outputs: 2,
      depth: 8,
      leafShare: 0.05,
      thresholds: 300,
    },
    {
      name: 'many features',
      trees: 20,
      features: 2047,
      outputs: 1,
      depth: 5,
      leafShare: 0.1,
      thresholds: 9,
    },
  ]

  describe('an ensemble', () => {
    it.each(SHAPES)('sums the leaves that a walk reaches: $name', (shape) => {
      const uniform = random()
      const model = randomModel(shape, uniform)
      using(new TreeEnsemble(model), (ensemble) => {
        for (const count of [0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 47, 48, 64, 65, 130, 180]) {
          const rows = randomRows(count, shape, uniform)
          expect(ensemble.margins(rows)).toEqual(walk(model, rows))
        }
      })
    })

    it('takes bytes up to 255 thresholds a feature and 16 bits above, with the same results', () => {
      const uniform = random()
      const chain = (thresholds: number): TreeModel => ({
        features: 1,
        base: [0],
        link: 'identity',
        trees: Array.from({ length: thresholds }, (_, i) => ({
          output: 0,
          left: [1, -1, -1],
          right: [2, -1, -1],
          feature: [0, 0, 0],
          threshold: [i, 0, 0],
          isDefaultLeft: [i % 2 === 0, false, false],
          value: [0, 1, 1024],
        })),
      })
      for (const thresholds of [1, 2, 254, 255, 256, 257]) {
        const model = chain(thresholds)
        using(new TreeEnsemble(model), (ensemble) => {
          const rows = Float32Array.from({ length: 600 }, (_, i) =>
            i === 0 ? Number.NaN : Math.floor(uniform() * 2 * (thresholds + 2)) / 2 - 1,
          )
          expect(ensemble.margins(rows)).toEqual(walk(model, rows))
        })
      }
    })

    it('agrees with the walk for any rows', () => {
      const shape = SHAPES[3] as RandomTrees
      const model = randomModel(shape, random(7))
      using(new TreeEnsemble(model), (ensemble) => {
        fc.assert(
          fc.property(
            fc.array(fc.float(), { minLength: shape.features * 3, maxLength: shape.features * 3 }),
            (values) => {
              const rows = Float32Array.from(values)
              expect(ensemble.margins(rows)).toEqual(walk(model, rows))
            },
          ),
          { seed: 42 },
        )
      })
    })

    it('keeps no probability out of [0, 1] and no NaN for large sums', () => {
      const leaf = (value: number, output: number) => ({
        output,
        left: [-1],
        right: [-1],
        feature: [0],
        threshold: [0],
        isDefaultLeft: [false],
        value: [value],
      })
      const of = (link: 'logistic' | 'softmax', values: number[]) =>
        using(
          new TreeEnsemble({
            features: 1,
            base: values.map(() => 0),
            link,
            trees: values.map(leaf),
          }),
          (ensemble) => [...ensemble.predict(Float32Array.of(1))],
        )
      expect(of('logistic', [5000])).toEqual([1])
      expect(of('logistic', [-5000])).toEqual([0])
      expect(of('softmax', [5000, 5000, -5000])).toEqual([0.5, 0.5, 0])
    })

    it('refuses rows of another width, and everything once closed; its memory goes back', () => {
      const blocks = getKernels().arena.liveBlocks
      const ensemble = new TreeEnsemble(randomModel(SHAPES[2] as RandomTrees, random()))
      expect(() => ensemble.margins(new Float32Array(10))).toThrow(RangeError)
      expect(getKernels().arena.liveBlocks).toBe(blocks + 1)
      ensemble.close()
      ensemble.close()
      expect(getKernels().arena.liveBlocks).toBe(blocks)
      expect(() => ensemble.predict(new Float32Array(9))).toThrow(RangeError)
    })
  })
})
