import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { getKernels } from '../../src/kernels/module.ts'
import { scanText, type TextProfile } from '../../src/kernels/text.ts'
import { ACCURACY } from './accuracy.ts'
import { BUILDS, useBuild } from './load.ts'
import { referenceProfile } from './text-reference.ts'

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Equal in every count; the entropy within the stated error. */
function expectSame(got: TextProfile, want: TextProfile): void {
  expect(Math.abs(got.trigramEntropyBits - want.trigramEntropyBits)).toBeLessThanOrEqual(
    ACCURACY.entropy,
  )
  expect({ ...got, trigramEntropyBits: 0 }).toEqual({ ...want, trigramEntropyBits: 0 })
}

function expectReference(bytes: Uint8Array): void {
  const ours = { words: new Float32Array(61), trigrams: new Float32Array(128), seed: 7 }
  const theirs = { words: new Float32Array(61), trigrams: new Float32Array(128), seed: 7 }
  expectSame(scanText(bytes, ours), referenceProfile(bytes, theirs))
  expect(ours).toEqual(theirs)
}

const TEXTS: Record<string, string> = {
  nothing: '',
  'one character': 'x',
  'two characters': 'ab',
  prose: 'The quick brown fox jumps over the lazy dog. It returned 12,345 times — naïvely!\n',
  code: 'export const f = (x) => {\n  if (x != 1 && x <= 2) return x;\n\treturn { a: x++ };\n}\n\n```js\nasync def foo():\n    import os\n```',
  mathematics: String.raw`Let $\frac{a}{b} = \sum_{i=0}^n x_i^2$, so ∑ x ≤ ∫ f × 2 ± ½; ℝ ⊂ ℂ, 𝑥² < 3^4`,
  Chinese: '机器学习模型在边缘计算。第二句话！',
  Japanese: 'カタカナとひらがな、漢字。ﾊﾝｶｸ ｔｅｓｔ',
  Korean: '한국어 텍스트 예제입니다.',
  Russian: 'Съешь же ещё этих мягких французских булок, да выпей чаю.',
  'other scripts': 'Ελληνικά العربية עברית हिन्दी ไทย',
  emoji: 'a👩‍👩‍👧b 🎉🎉 ©',
  'white space': ' \t\r\n\u00a0\u2003\u3000x\u2028',
  'only line feeds': '\n\n\n',
  'a byte order mark': '\ufeffabc',
  'U+FFFD itself': 'a\ufffdb',
  'words that hold code words': 'undef definition def_ def\tx def  x éclass x class x 中class y',
}

describe.each(BUILDS)('%s', (build) => {
  beforeAll(() => {
    useBuild(build)
  })

  describe('a text', () => {
    it.each(Object.entries(TEXTS))('gives what the definitions say: %s', (_name, text) => {
      expectReference(bytesOf(text))
      expectSame(scanText(text), referenceProfile(bytesOf(text)))
    })

    it('has the numbers that one can count by hand', () => {
      const got = scanText('def f(x) -> int:\n  return x == 1;  # 2024 中文\n')
      expect(got).toMatchObject({ bytes: 49, codePoints: 45, malformed: 0, words: 10, lines: 2 })
      expect(got.code).toEqual({
        braces: 0,
        semicolons: 1,
        arrows: 1,
        operators: 1,
        words: 2,
        fences: 0,
        indentedLines: 1,
      })
      expect(got.math).toEqual({ commands: 0, symbols: 0, equals: 2, arithmetic: 2 })
      expect([got.digits, got.letters, got.scripts.cjk]).toEqual([5, 17, 2 / 17])
    })

    it.each([
      ['internationalization', 3],
      ['1234567', 3],
      ['!!!', 1],
      ['a b', 2],
      ['中文字', 3],
      ['', 0],
      ['a1', 2],
    ])('counts the tokens of %j as %d', (text, tokens) => {
      expect(scanText(text).tokens).toBe(tokens)
    })

    it('has no entropy where one trigram repeats, and all of it where none does', () => {
      expect(scanText('a'.repeat(1000)).trigramEntropyBits).toBe(0)
      expect(scanText('ab').trigramEntropyBits).toBe(0)
      expect(scanText('abcdefghij').trigramEntropyBits).toBe(3)
      expect(scanText('я'.repeat(1000)).trigramEntropyBits).toBeCloseTo(1, 5)
    })

    it('reads malformed bytes as the platform does', () => {
      const malformed: number[][] = [
        [0x80],
        [0xc0, 0xaf],
        [0xe0, 0x80, 0x80],
        [0xed, 0xa0, 0x80],
        [0xf0, 0x9f, 0x98],
        [0xf0, 0x9f, 0x61],
        [0xf4, 0x90, 0x80, 0x80],
        [0xf8, 0x88, 0x80, 0x80, 0x80],
        [0xe2, 0x82, 0xe2, 0x82, 0xac],
        [0xff, 0xfe, 0x61],
        [0x61, 0xc3],
        [0xe2, 0x82],
      ]
      for (const bytes of malformed) {
        expectReference(Uint8Array.from(bytes))
        expectReference(Uint8Array.from([0x61, 0x20, ...bytes, 0x62]))
      }
    })

    it('reads a lone surrogate of a string as U+FFFD', () => {
      expect(scanText('a\ud800b')).toEqual(scanText('a\ufffdb'))
      expect(scanText('\udc00\ud800')).toEqual(scanText('\ufffd\ufffd'))
    })

    it('gives what the definitions say for any bytes', () => {
      const piece = fc.oneof(
        fc.string({ unit: 'binary', maxLength: 8 }),
        fc.constantFrom(
          ' ',
          '\n',
          '  ',
          '\t',
          '\\',
          '=>',
          '==',
          '```',
          '::',
          'def ',
          'é',
          '中',
          '∑',
        ),
        fc.constantFrom('_', 'ABC', '12', 'д', '😀', '\u3000'),
      )
      fc.assert(
        fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
          expectReference(bytesOf(pieces.join('')))
        }),
        { seed: 42, numRuns: 400 },
      )
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
          expectReference(bytes)
        }),
        { seed: 42, numRuns: 400 },
      )
    })

    it('gives what the definitions say for every code point', () => {
      for (let first = 0; first < 0x110000; first += 0x1000) {
        const points = Array.from({ length: 0x1000 }, (_, i) => first + i)
        const text = points
          .filter((point) => point < 0xd800 || point > 0xdfff)
          .map((point) => String.fromCodePoint(point))
          .join(' ')
        expectSame(scanText(text), referenceProfile(bytesOf(text)))
      }
    }, 60_000)

    it('is read in bounded memory whatever it repeats', () => {
      for (const unit of ['a', ' ', '=', '`', '\\a', '中', '\ud800']) {
        const text = unit.repeat(1_000_000 / unit.length)
        expect(scanText(text, { words: new Float32Array(8) }).codePoints).toBe(1_000_000)
      }
      expect(getKernels().arena.liveBlocks).toBe(0)
    })
  })

  describe('hashed features', () => {
    it('are the same whatever the case of A to Z and the punctuation between words', () => {
      const of = (text: string) => {
        const vector = new Float32Array(64)
        scanText(text, { words: vector, trigrams: vector })
        return vector
      }
      expect(of('Hello, World')).toEqual(of('hello   world!'))
      expect(of('hello world')).not.toEqual(of('hello word'))
    })

    it('add to what is there, and into one vector for both', () => {
      const words = new Float32Array(32)
      const trigrams = new Float32Array(32)
      const both = new Float32Array(32).fill(1)
      scanText('one two three', { words, trigrams, seed: 5 })
      scanText('one two three', { words: both, trigrams: both, seed: 5 })
      expect(both).toEqual(words.map((x, i) => 1 + x + (trigrams[i] ?? 0)))
      const wide = new Float32Array(1 << 16)
      scanText('one two two', { words: wide })
      expect(
        Array.from(
          wide.filter((x) => x !== 0),
          Math.abs,
        ).sort(),
      ).toEqual([1, 2])
    })

    it('change with the seed and stay in one dimension', () => {
      const of = (seed: number, dims: number) => {
        const words = new Float32Array(dims)
        scanText('a b c d e f g h', { words, seed })
        return words
      }
      expect(of(1, 64)).not.toEqual(of(2, 64))
      expect(of(4_294_967_295, 64)).not.toEqual(of(0, 64))
      expect(Math.abs(of(3, 1)[0] ?? 9)).toBeLessThanOrEqual(8)
    })

    it.each([-1, 0.5, 2 ** 32, Number.NaN])('refuse a seed of %d', (seed) => {
      expect(() => scanText('a', { seed })).toThrow(RangeError)
    })
  })
})
