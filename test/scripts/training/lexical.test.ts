import { describe, expect, it } from 'vitest'
import { minimise } from '../../../scripts/training/lbfgs.ts'
import { denseOf, sparseOf } from '../../../scripts/training/sparse.ts'
import { lexicalMarginsOf, trainLexical } from '../../../scripts/training/train-lexical.ts'
import { OUTCOMES } from '../../../src/routing/artifact-format.ts'
import { FEATURE_NAMES, HASH_SLOTS } from '../../../src/routing/features.ts'

describe('the least of a convex function', () => {
  it('is found where its slope is nothing, though its axes differ by a thousand', () => {
    const widths = [1, 10, 1_000]
    const least = [3, -2, 0.5]
    const found = minimise(
      (point, slope) =>
        point.reduce((sum, x, i) => {
          const [width = 1, at = 0] = [widths[i], least[i]]
          slope[i] = width * (x - at)
          return sum + (width * (x - at) ** 2) / 2
        }, 0),
      new Float64Array(3),
      100,
      1e-9,
    )
    found.forEach((x, i) => {
      expect(x).toBeCloseTo(least[i] ?? 0, 6)
    })
  })
})

it('sparse counts keep what an array holds', () => {
  const dense = Float32Array.of(0, -2, 0, 1)
  expect(denseOf(sparseOf(dense))).toEqual(dense)
  expect([...sparseOf(dense).slots]).toEqual([1, 3])
})

describe('what is learnt of words', () => {
  const ones = new Float32Array(HASH_SLOTS).fill(1)
  const seen = (slot: number) => {
    const words = new Float32Array(HASH_SLOTS)
    words[slot] = 1
    const values = new Float64Array(FEATURE_NAMES.length)
    values[FEATURE_NAMES.indexOf('question_words_log')] = 1
    return {
      values,
      tokens: 1,
      words: sparseOf(words),
      trigrams: sparseOf(new Float32Array(HASH_SLOTS)),
    }
  }
  const strong = OUTCOMES.indexOf('strong')
  const table = {
    seen: [7, 7, 7, 9, 9, 9].map(seen),
    labels: Uint8Array.of(strong, strong, strong, 0, 0, 0),
    weights: new Float64Array(6).fill(1),
  }
  const options = { penalty: 0.1, iterations: 50, tolerance: 1e-6, trigramScale: 0.4 }
  const model = trainLexical(table, { words: ones, trigrams: ones }, options)
  const marginsOf = (slot: number) => [...lexicalMarginsOf(model, [seen(slot)])]

  it('is which outcome a word goes with, and nothing of words that never came', () => {
    expect(marginsOf(7).indexOf(Math.max(...marginsOf(7)))).toBe(strong)
    expect(marginsOf(9).indexOf(Math.max(...marginsOf(9)))).toBe(0)
    expect(marginsOf(11)).toEqual(model.base)
  })

  it('is less where the penalty is more', () => {
    const held = trainLexical(table, { words: ones, trigrams: ones }, { ...options, penalty: 10 })
    const spread = ({ weights }: typeof model) => Math.max(...weights.words)
    expect(spread(held)).toBeLessThan(spread(model))
  })
})
