import { scanText } from '../../src/kernels/text.ts'
import type { BenchCase, CaseSize } from '../types.ts'
import { sizesOf } from './inputs.ts'

const DIMS = 384

const ENGLISH =
  'The fleet reported 1,204 samples a second; latency stayed below 12 ms, and no machine was lost. '
const CODE =
  'const mean = (values) => {\n  return values.reduce((a, b) => a + b, 0) / values.length;\n}\n'
const CHINESE = '机器学习模型在边缘节点上运行，延迟低于十毫秒。'

const finish = (hash: number): number => {
  let h = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

const add = (vector: Float32Array, hash: number): void => {
  const h = finish(hash)
  const slot = Math.floor((h * DIMS) / 2 ** 32)
  vector[slot] = (vector[slot] as number) + (h & 1 ? 1 : -1)
}

/** Entropy, hashed words and trigrams, and tokens in one plain loop over the encoded text. */
const plain = (text: string): number => {
  const bytes = new TextEncoder().encode(text)
  const buckets = new Uint32Array(4096)
  for (let i = 2; i < bytes.length; i++) {
    const trigram =
      ((bytes[i - 2] as number) << 16) | ((bytes[i - 1] as number) << 8) | (bytes[i] as number)
    const bucket = Math.imul(trigram, 0x9e3779b1) >>> 20
    buckets[bucket] = (buckets[bucket] as number) + 1
  }
  let weighted = 0
  for (const count of buckets) if (count > 1) weighted += count * Math.log2(count)
  const total = bytes.length - 2

  const vector = new Float32Array(DIMS)
  let tokens = 0
  let ideographs = 0
  let lastRun = -1
  let left = 0
  let inWord = false
  let wordHash = 0
  let first = -1
  let second = 0x20
  const trigram = (point: number): void => {
    if (point === 0x20 && second === 0x20) return
    if (first >= 0) {
      let hash = Math.imul(0x9e3779b9 ^ first, 16_777_619)
      hash = Math.imul(hash ^ second, 16_777_619)
      add(vector, Math.imul(hash ^ point, 16_777_619))
    }
    first = second
    second = point
  }
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    const isDigit = unit >= 0x30 && unit <= 0x39
    const isLetter = (unit | 0x20) >= 0x61 && (unit | 0x20) <= 0x7a
    const isIdeograph = unit >= 0x4e00 && unit <= 0x9fff
    const isSpace = unit === 0x20 || unit === 0x0a
    if (inWord && !isDigit && !isLetter) {
      inWord = false
      add(vector, wordHash)
    }
    const run = isLetter ? 2 : isDigit ? 1 : isSpace || isIdeograph ? -1 : 0
    if (run !== lastRun) left = 0
    lastRun = run
    if (run >= 0) {
      if (left === 0) {
        tokens++
        left = run === 2 ? 7 : run === 1 ? 3 : 16
      }
      left--
    }
    if (isDigit || isLetter) {
      if (!inWord) wordHash = 2_166_136_261
      inWord = true
      wordHash = Math.imul(wordHash ^ (unit | 0x20), 16_777_619)
      trigram(unit | 0x20)
    } else if (isIdeograph) {
      ideographs++
      let hash = Math.imul(2_166_136_261 ^ (0xe0 | (unit >> 12)), 16_777_619)
      hash = Math.imul(hash ^ (0x80 | ((unit >> 6) & 0x3f)), 16_777_619)
      add(vector, Math.imul(hash ^ (0x80 | (unit & 0x3f)), 16_777_619))
      trigram(unit)
    } else {
      trigram(0x20)
    }
  }
  if (inWord) add(vector, wordHash)
  trigram(0x20)
  return check(
    Math.log2(total) - weighted / total,
    Math.ceil((tokens * 10 + ideographs * 7) / 10),
    vector,
  )
}

/** One number of all that both compute. */
const check = (entropy: number, tokens: number, vector: Float32Array): number =>
  vector.reduce((sum, x, i) => sum + x * (i % 17), entropy * 1000 + tokens * 10_000)

/** The whole profile, of which the loop has a part: also scripts, code and mathematics. */
const ours = (text: string): number => {
  const vector = new Float32Array(DIMS)
  const { trigramEntropyBits, tokens } = scanText(text, { words: vector, trigrams: vector })
  return check(trigramEntropyBits, tokens, vector)
}

let sink = 0

/** Texts beyond a million bytes are no prompts. */
const BYTES_MAX = 1e6

export const cases = async (size: CaseSize): Promise<BenchCase[]> =>
  sizesOf(size)
    .filter((n) => n <= BYTES_MAX)
    .flatMap((n) =>
      Object.entries({ English: ENGLISH, code: CODE, Chinese: CHINESE }).map(([name, unit]) => {
        const unitBytes = new TextEncoder().encode(unit).length
        const repeats = Math.max(1, Math.round(n / unitBytes))
        const text = Array.from({ length: repeats }, (_, i) => `${unit}${i % 97}`).join(' ')
        const bytes = new TextEncoder().encode(text).length
        return {
          case: `text profile, ${name}, a byte`,
          n,
          unit: 'ns/element',
          elements: bytes,
          inputBytes: bytes,
          tolerance: 1e-9,
          checksum: () => ours(text),
          rivalChecksums: { loop: () => plain(text) },
          ours: () => {
            sink += ours(text)
          },
          rivals: {
            loop: () => {
              sink += plain(text)
            },
          },
        } satisfies BenchCase
      }),
    )

/** Read by nobody; it keeps results from being optimised away. */
export const checksumOfAll = (): number => sink
