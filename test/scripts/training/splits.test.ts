import { describe, expect, it } from 'vitest'
import type { Example, Seen } from '../../../scripts/training/dataset.ts'
import { judgeSplits } from '../../../scripts/training/judge-splits.ts'
import { seeded } from '../../../scripts/training/seeded.ts'
import { sparseOf } from '../../../scripts/training/sparse.ts'
import { OUTCOMES } from '../../../src/routing/artifact-format.ts'
import { FEATURE_NAMES, HASH_SLOTS } from '../../../src/routing/features.ts'

const random = seeded(42)
const EMPTY = sparseOf(new Float32Array(HASH_SLOTS))

const seenOf = (digits: number, words: number): Seen => {
  const values = new Float64Array(FEATURE_NAMES.length)
  values[FEATURE_NAMES.indexOf('question_digits_log')] = digits
  values[FEATURE_NAMES.indexOf('question_words_log')] = Math.log2(1 + words)
  return { values, tokens: words, words: EMPTY, trigrams: EMPTY }
}

/** Questions with digits are for the strong model alone, in every subject; how long they are says nothing. */
const examples = Array.from({ length: 1_200 }, (_, i): Example => {
  const isHard = random() < 0.4
  const seen = seenOf(isHard ? 3 : 0, 1 + Math.floor(random() * 50))
  return {
    subject: `subject_${i % 12}`,
    prompt: '',
    isWeakRight: !isHard,
    isStrongRight: true,
    asked: seen,
    bare: seen,
    label: OUTCOMES.indexOf(isHard ? 'strong' : 'both'),
  }
})
const options = { splits: 2, heldOut: 3, resamples: 20 }

describe('splits of subjects', () => {
  const judged = judgeSplits(examples, 42, options)

  it('hold out so many whole subjects each', () => {
    expect(judged).toMatchObject({ ...options, questions: [300, 300] })
  })

  it('show what carries over to other subjects, beside what length says', () => {
    for (const form of ['asked', 'bare'] as const) {
      const { [form]: rows } = judged
      expect(rows['length only'].apgr).toBeCloseTo(0.5, 1)
      const { apgr, aboveLength } = rows['trees, asked']
      // Of four in ten questions, all of the gap: 1 − 0.4 / 2.
      expect(apgr).toBeCloseTo(0.8, 1)
      expect(aboveLength.splitsAbove).toBe(2)
      expect(aboveLength.mean.low).toBeGreaterThan(0)
      expect(aboveLength.mean.bySubject[0]).toBeGreaterThan(0)
    }
  })

  it('give nothing to a model of words where there are none', () => {
    expect(judged.asked['words, both forms'].apgr).toBeCloseTo(0.5, 2)
  })

  it('are the same with the same seed', () => {
    expect(judgeSplits(examples, 42, options)).toEqual(judged)
  })
})
