import type { Arena, Lease } from './memory.ts'
import { getKernels } from './module.ts'

/**
 * Counts of one text. Characters are code points; malformed UTF-8 reads as U+FFFD (WHATWG), as does
 * a lone surrogate of a string.
 *
 * Kinds of characters: digits 0–9; letters: Latin (A–Z, a–z, ª º, U+00C0–024F, 1E00–1EFF, full-width
 * forms), Cyrillic (U+0400–052F, 1C80–1C8F, 2DE0–2DFF, A640–A69F), CJK (Han, kana, bopomofo, Hangul),
 * and those of every other script; white space (U+0009–000D, 0085, and what Unicode calls space);
 * marks, which are all else: punctuation, `_`, symbols, emoji, controls, private use, U+FFFD.
 */
export interface TextProfile {
  readonly bytes: number
  readonly codePoints: number
  /** Malformed sequences, each read as one U+FFFD. */
  readonly malformed: number
  /** Runs of letters and digits; each CJK character is a word of its own. */
  readonly words: number
  /** Line feeds, and one more where the text does not end in one. */
  readonly lines: number
  /**
   * Estimate of a language model's tokens: ⌈length / 7⌉ for each run of letters, ⌈length / 3⌉ of
   * digits, ⌈length / 16⌉ of marks, and 0.7 for each CJK character; rounded up.
   */
  readonly tokens: number
  /**
   * Shannon entropy of byte trigrams in bits, 0…12: plug-in estimate over 4 096 buckets, a trigram
   * b0 b1 b2 being in the upper 12 bits of (b0·2^16 + b1·2^8 + b2) · 0x9e3779b1 mod 2^32.
   * log2(n − 2) at most, so short texts are low. Accuracy: |error| ≤ ACCURACY.entropy.
   */
  readonly trigramEntropyBits: number
  readonly letters: number
  /** Shares of the letters; all 0 without letters. */
  readonly scripts: { latin: number; cyrillic: number; cjk: number; other: number }
  readonly digits: number
  readonly code: {
    /** { and }. */
    readonly braces: number
    readonly semicolons: number
    /** => and ->. */
    readonly arrows: number
    /** == != <= >= += -= && || ::, also where they overlap. */
    readonly operators: number
    /** Words in front of a space that are CODE_WORDS, in lower case. */
    readonly words: number
    /** Three or more ` in a row. */
    readonly fences: number
    /** Lines that begin with a tab or two spaces. */
    readonly indentedLines: number
  }
  readonly math: {
    /** \ in front of a letter: \frac. */
    readonly commands: number
    /** ± × ÷, super- and subscripts, letter-like and mathematical symbols: ∑ ∫ ≤ ℝ 𝑥. */
    readonly symbols: number
    readonly equals: number
    /** + - * / ^ < >. */
    readonly arithmetic: number
  }
}

export const CODE_WORDS = [
  'def',
  'fn',
  'func',
  'function',
  'class',
  'struct',
  'const',
  'var',
  'static',
  'void',
  'import',
  'include',
  'return',
  'elif',
  'async',
  'await',
  'lambda',
] as const

/**
 * Vectors that features are added to: each feature adds +1 or −1 in one place. Both may be the same.
 *
 * h = FNV-1a (prime 16777619) from 2166136261 ^ seed over a word's bytes, or from 0x9e3779b9 ^ seed
 * over three characters' code points, A–Z in lower case; then MurmurHash3's fmix32. The place is
 * ⌊h · dims / 2^32⌋, the sign + where h is odd. Trigrams run over the letters and digits with one
 * space for whatever stands between, before and behind them.
 * Source: Weinberger et al. 2009, arXiv:0902.2206.
 */
export interface FeatureVectors {
  readonly words?: Float32Array
  readonly trigrams?: Float32Array
  /** u32; 0 where absent. */
  readonly seed?: number
}

const encoder = new TextEncoder()
/** Most bytes of UTF-8 for one UTF-16 unit. */
const BYTES_PER_UNIT_MAX = 3

/** Copies a text in as UTF-8; a lone surrogate becomes U+FFFD. */
function copyText(lease: Lease, text: string | Uint8Array): { pointer: number; bytes: number } {
  const { arena } = getKernels()
  if (typeof text !== 'string') {
    const pointer = lease.allocate(text.length)
    arena.u8(pointer, text.length).set(text)
    return { pointer, bytes: text.length }
  }
  const most = text.length * BYTES_PER_UNIT_MAX
  const pointer = lease.allocate(most)
  const { written } = encoder.encodeInto(text, arena.u8(pointer, most))
  return { pointer, bytes: written }
}

/** Tokens of runs and of CJK letters, as `TextProfile.tokens` has them. */
export const tokensFrom = (ofRuns: number, cjk: number): number =>
  Math.ceil((ofRuns * 10 + cjk * 7) / 10)

/** The profile at the address of text_scan's output. */
export function profileAt(arena: Arena, output: number): TextProfile {
  const at = (field: number): number => arena.readF64(output, field)
  const [latin, cyrillic, other, cjk] = [at(7), at(8), at(9), at(10)]
  const letters = latin + cyrillic + other + cjk
  const share = (count: number): number => (letters === 0 ? 0 : count / letters)
  return {
    bytes: at(1),
    codePoints: at(2),
    malformed: at(3),
    words: at(4),
    lines: at(5),
    tokens: tokensFrom(at(6), cjk),
    trigramEntropyBits: at(0),
    letters,
    scripts: {
      latin: share(latin),
      cyrillic: share(cyrillic),
      cjk: share(cjk),
      other: share(other),
    },
    digits: at(11),
    code: {
      braces: at(12),
      semicolons: at(13),
      arrows: at(14),
      operators: at(15),
      words: at(16),
      fences: at(17),
      indentedLines: at(18),
    },
    math: { commands: at(19), symbols: at(20), equals: at(21), arithmetic: at(22) },
  }
}

/**
 * Counts and, where vectors are given, hashed features of a text: time linear in its bytes, whatever
 * they are.
 *
 * @param text a string, or UTF-8
 * @param vectors added to; of at least one place
 * @throws RangeError when the seed is not a u32; ArenaExhaustedError
 */
export function scanText(text: string | Uint8Array, vectors: FeatureVectors = {}): TextProfile {
  const { seed = 0, words = new Float32Array(0), trigrams = new Float32Array(0) } = vectors
  if (seed >>> 0 !== seed) throw new RangeError('seed must be a whole number in [0, 2^32)')
  const { arena, exports } = getKernels()
  return arena.lease((lease) => {
    const { pointer, bytes } = copyText(lease, text)
    const wordsAt = lease.copyIn(words)
    const trigramsAt = trigrams === words ? wordsAt : lease.copyIn(trigrams)
    const work = lease.allocate(exports.text_work_bytes())
    const result = lease.allocate(exports.text_result_bytes())
    exports.text_scan(
      pointer,
      bytes,
      wordsAt,
      words.length,
      trigramsAt,
      trigrams.length,
      seed,
      work,
      result,
    )
    words.set(arena.f32(wordsAt, words.length))
    if (trigrams !== words) trigrams.set(arena.f32(trigramsAt, trigrams.length))
    return profileAt(arena, result)
  })
}
