import { describe, expect, it } from 'vitest'
import { TreeEnsemble } from '../../src/kernels/trees.ts'
import { OUTCOMES } from '../../src/routing/artifact-format.ts'
import { TrainedArtifact } from '../../src/routing/artifact-model.ts'
import { EMBEDDING_DIMS } from '../../src/routing/embedding.ts'
import { extractFeatures, FEATURE_NAMES, HASH_SLOTS } from '../../src/routing/features.ts'
import { lexicalScale, lexicalSums, wordsOf } from '../../src/routing/lexical.ts'
import { plainRequest } from '../../src/routing/plain-request.ts'
import '../kernels/load.ts'

const SLOPE = 0.5
const width = OUTCOMES.length
const strongOnly = () =>
  Float32Array.from({ length: HASH_SLOTS * width }, (_, i) =>
    OUTCOMES[i % width] === 'strong' ? SLOPE : 0,
  )
const none = () => new Float32Array(HASH_SLOTS * width)

/** Trees that say nothing; every word says as much for "strong", with the sign of its hash. */
const artifactWith = (words: Float32Array): TrainedArtifact => {
  const weights = new Float32Array(HASH_SLOTS).fill(1)
  return new TrainedArtifact(
    {
      version: '',
      features: FEATURE_NAMES,
      thresholds: { cheap: 0.25, hard: 0.75 },
      alpha: 0.75,
      models: ['weak', 'strong'],
      calibration: { scale: 1, offsets: [0, 0, 0, 0] },
      report: null,
      clusters: 1,
      centroids: new Float32Array(EMBEDDING_DIMS),
      quality: Float64Array.of(0.5, 0.8),
      cost: Float64Array.of(0.1, 1),
      gains: Float64Array.of(-1, 1),
      weights: { words: weights, trigrams: weights },
      lexical: { words, trigrams: none() },
    },
    new TreeEnsemble({
      features: FEATURE_NAMES.length,
      base: [0, 0, 0, 0],
      link: 'softmax',
      trees: [0, 1, 2, 3].map((output) => ({
        output,
        left: [-1],
        right: [-1],
        feature: [0],
        threshold: [0],
        isDefaultLeft: [false],
        value: [0],
      })),
    }),
  )
}

describe('what words say', () => {
  it.each([
    ['one word', 'word', 1],
    ['a word 25 times', 'word '.repeat(25), 5],
    ['a word beyond the longest texts that were seen', 'word '.repeat(4_096), 32],
  ])('is their sum by √words, bounded: %s', (_name, text, times) => {
    const artifact = artifactWith(strongOnly())
    const { hard, mid } = artifact.assess(plainRequest(text)).probabilities
    expect(Math.abs(Math.log(hard / mid))).toBeCloseTo(SLOPE * times, 9)
    artifact.close()
  })

  it('is the same by the counts that training takes', () => {
    const words = Float32Array.from(none(), (_, i) => Math.sin(i))
    const artifact = artifactWith(words)
    for (const text of [
      '',
      'Why is the sky blue?',
      '机器学习模型',
      'a'.repeat(5_000),
      '\ud800 {}',
    ]) {
      const request = plainRequest(text)
      const { probabilities, gain } = artifact.assess(request)
      const predicted = artifact.predict(extractFeatures(request))
      expect(probabilities.hard).toBeCloseTo(predicted.probabilities.hard, 12)
      expect(gain).toBeCloseTo(predicted.gain, 12)
    }
    artifact.close()
  })

  it('is nothing where no word is', () => {
    const features = extractFeatures(plainRequest(' … '))
    expect(wordsOf(features.values)).toBe(0)
    expect([...lexicalSums(features, { words: strongOnly(), trigrams: none() })]).toEqual([
      0, 0, 0, 0,
    ])
    expect(lexicalScale(0)).toBe(1)
  })

  it('is divided by the same on both sides of the longest known text', () => {
    expect(lexicalScale(1_024)).toBe(32)
    expect(lexicalScale(1_025)).toBeCloseTo(32.03, 2)
  })
})
