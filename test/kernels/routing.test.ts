import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { getKernels } from '../../src/kernels/module.ts'
import { EMBEDDING_DIMS, LexicalModel, SLOPES, WEIGHT_SLOTS } from '../../src/kernels/routing.ts'
import { dots } from '../../src/kernels/similarity.ts'
import { scanText } from '../../src/kernels/text.ts'
import { embed } from '../../src/routing/embedding.ts'
import { lexicalSums } from '../../src/routing/lexical.ts'
import { random } from './cases.ts'
import { BUILDS, useBuild } from './load.ts'

const CLUSTERS = 5
const encoder = new TextEncoder()

const numbers = (count: number, seed: number, least: number): Float32Array => {
  const uniform = random(seed)
  return Float32Array.from({ length: count }, () => least + uniform() * (1 - least))
}
const WORDS = numbers(WEIGHT_SLOTS, 42, 1e-3)
const TRIGRAMS = numbers(WEIGHT_SLOTS, 43, 1e-3)
const SLOPES_OF = {
  words: numbers(WEIGHT_SLOTS * SLOPES, 45, -1),
  trigrams: numbers(WEIGHT_SLOTS * SLOPES, 46, -1),
}
const CENTROIDS = numbers(CLUSTERS * EMBEDDING_DIMS, 44, -1).map((x) => x / 20)

const AXES = Float32Array.from({ length: EMBEDDING_DIMS ** 2 }, (_, i) =>
  i % (EMBEDDING_DIMS + 1) === 0 ? 1 : 0,
)

const TOLERANCE = 1e-6

const expectNear = (got: Iterable<number>, want: Iterable<number>): void => {
  const [a, b] = [[...got], [...want]]
  expect(a.length).toBe(b.length)
  a.forEach((x, i) => {
    expect(Math.abs(x - (b[i] ?? Number.NaN))).toBeLessThanOrEqual(TOLERANCE)
  })
}

describe.each(BUILDS)('%s', (build) => {
  let model: LexicalModel
  /** Its centroids are the axes, so that the cosines are the embedding. */
  let axes: LexicalModel

  beforeAll(() => {
    useBuild(build)
    model = new LexicalModel(WORDS, TRIGRAMS, CENTROIDS, SLOPES_OF)
    axes = new LexicalModel(WORDS, TRIGRAMS, AXES)
  })

  /** What the parts give one after the other: scans, the embedding from counts, dot products. */
  const expectParts = (text: Uint8Array, question: Uint8Array): void => {
    const { profile, tokens, similarities, slopeSums } = model.read(text, question)
    const counts = {
      words: new Float32Array(WEIGHT_SLOTS),
      trigrams: new Float32Array(WEIGHT_SLOTS),
    }
    expect(profile).toEqual(scanText(question, counts))
    expect(tokens).toBe(scanText(text).tokens)
    expectNear(slopeSums, lexicalSums(counts, SLOPES_OF))
    const wanted = embed(counts, { words: WORDS, trigrams: TRIGRAMS })
    expectNear(axes.read(text, question).similarities, wanted)
    expectNear(similarities, dots(wanted, CENTROIDS, EMBEDDING_DIMS))
  }

  describe('a text with its question', () => {
    it.each([
      ['nothing', '', ''],
      ['no question', 'Be kind.', ''],
      ['the question alone', 'What is 2 + 2?', 'What is 2 + 2?'],
      ['English', `${'You are a helpful assistant. '.repeat(9)}\nWhy?`, 'Why?'],
      ['Chinese', '系统提示。\n机器学习模型在边缘计算', '机器学习模型在边缘计算'],
      ['one letter behind ASCII', `${'many words '.repeat(50)}é`, 'words'],
      ['a word of hundreds', 'a'.repeat(700), 'ab'],
      ['numbers and rules', `${'='.repeat(130)}\n${'1234567890'.repeat(20)}`, '12'],
      ['no word', ' … !\n--', ' … !'],
    ])('reads as its parts do: %s', (_name, text, question) => {
      expectParts(encoder.encode(text), encoder.encode(question))
    })

    it('has the tokens of its runs wherever they fall in blocks of 64 bytes', () => {
      const run = fc
        .tuple(fc.constantFrom('a', 'Z', '7', '-', '_', '\n', ' ', '\u007f', '\0'), fc.nat(70))
        .map(([character, length]) => character.repeat(length))
      fc.assert(
        fc.property(fc.array(run, { maxLength: 12 }), (runs) => {
          const text = encoder.encode(runs.join(''))
          expect(model.read(text, new Uint8Array(0)).tokens).toBe(scanText(text).tokens)
        }),
        { seed: 42, numRuns: 2_000 },
      )
    })

    it('reads as its parts do for any bytes', () => {
      fc.assert(
        fc.property(
          fc.uint8Array({ maxLength: 300 }),
          fc.string({ unit: 'binary' }),
          (bytes, question) => {
            const asked = encoder.encode(question)
            // As long as the text is the text.
            expectParts(bytes, asked.length === bytes.length ? bytes : asked)
          },
        ),
        { seed: 42 },
      )
    })

    it('may be a part of the text’s own bytes or stand elsewhere', () => {
      const text = encoder.encode('You are kind.\nWhy is the sky blue?')
      const part = text.subarray(14)
      expect(model.read(text, part)).toEqual(model.read(text, part.slice()))
      // A view that begins in front of the text is none of its parts.
      const behind = text.subarray(14)
      expect(model.read(behind, text.subarray(0, 13))).toEqual(
        model.read(behind.slice(), encoder.encode('You are kind.')),
      )
    })

    it('is read at ten megabytes and leaves no memory behind', () => {
      const { arena } = getKernels()
      const live = arena.liveBlocks
      const text = encoder.encode('quick brown '.repeat(874_000))
      const { tokens } = model.read(text, text.subarray(0, 11))
      expect(tokens).toBe(scanText(text).tokens)
      expect(arena.liveBlocks).toBe(live)
    })
  })

  it('refuses weights and centroids of other lengths', () => {
    expect(() => new LexicalModel(WORDS.subarray(1), TRIGRAMS, CENTROIDS)).toThrow(RangeError)
    expect(() => new LexicalModel(WORDS, TRIGRAMS, CENTROIDS.subarray(1))).toThrow(RangeError)
    const short = { ...SLOPES_OF, trigrams: SLOPES_OF.trigrams.subarray(1) }
    expect(() => new LexicalModel(WORDS, TRIGRAMS, CENTROIDS, short)).toThrow(RangeError)
  })

  it('gives its memory back once and reads nothing then', () => {
    const { arena } = getKernels()
    const live = arena.liveBlocks
    const short = new LexicalModel(WORDS, TRIGRAMS, CENTROIDS)
    expect(arena.liveBlocks).toBe(live + 1)
    short.close()
    short.close()
    expect(arena.liveBlocks).toBe(live)
    expect(() => short.read(new Uint8Array(1), new Uint8Array(1))).toThrow(RangeError)
  })
})
