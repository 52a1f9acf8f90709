import { describe, expect, it } from 'vitest'
import { mutate, randomOf } from '../../scripts/fuzz/mutate.ts'
import { TARGETS } from '../../scripts/fuzz/targets.ts'
import { FuzzFinding, fuzz } from '../../scripts/fuzz.ts'

const INPUTS = 300

describe('fuzzing', () => {
  it.each(Object.entries(TARGETS))('finds nothing in %s with a few inputs', (_name, target) => {
    const { inputs, taken } = fuzz(target(), 42, (done) => done === INPUTS)
    expect(inputs).toBe(INPUTS)
    expect(taken).toBeLessThan(INPUTS)
  })

  it('tells the input that a decoder cannot take', () => {
    const target = {
      corpus: [Uint8Array.of(1, 2, 3)],
      decode: (input: Uint8Array) => {
        if (input.length === 0) throw new Error('nothing came')
        return true
      },
    }
    expect(() => fuzz(target, 42, () => false)).toThrow(FuzzFinding)
    expect(() => fuzz(target, 42, () => false)).toThrow('nothing came')
  })

  it('tells a decoder that refuses what is well-formed', () => {
    const target = { corpus: [Uint8Array.of(1)], decode: () => false }
    expect(() => fuzz(target, 42, () => true)).toThrow('a well-formed input is refused')
  })

  it('damages inputs in the same way for the same seed', () => {
    const corpus = [Uint8Array.from({ length: 50 }, (_, i) => i)]
    const some = (seed: number) => {
      const random = randomOf(seed)
      return Array.from({ length: 50 }, () => [...mutate(corpus, random)])
    }
    expect(some(1)).toEqual(some(1))
    expect(some(1)).not.toEqual(some(2))
    expect(corpus[0]?.every((byte, i) => byte === i)).toBe(true)
  })
})
