/**
 * Features of a text from its UTF-8 bytes: time linear in the bytes, whatever they are. Three loops
 * with little to keep in mind each are faster than one whose state does not fit the registers.
 * src/kernels/text.ts defines every number in words.
 */
import {
  CJK, CYRILLIC, decode, DIGIT, isMathSymbol, kindOfAscii, kindOfPoint, LATIN, MARK, OTHER,
} from './code-points'

/** Buckets of byte trigrams: 16 KiB of counts stay in the first cache. */
const BUCKET_BITS: u32 = 12

/** Behind the buckets: how often each byte of ASCII comes, as a u32. */
const SINGLES: usize = 4 << BUCKET_BITS

/** Bytes of working space. */
export function text_work_bytes(): usize {
  return SINGLES + 128 * 4
}

/** Numbers that text_scan gives. */
const FIELDS = 23

/** Bytes of text_scan's output. */
export function text_result_bytes(): usize {
  return FIELDS * 8
}

/** Runs of characters, by the kind of code-points.ts in four bits each. */
export const NO_RUN: i32 = 0
const MARKS: i32 = 1
const DIGITS: i32 = 2
const LETTERS: i32 = 3
const IDEOGRAPHS: i32 = 4
export const RUN_OF_KIND: i32 = 0x4333201

/** Tokens of a run. */
// @ts-ignore: decorator
@inline
export function tokensOf(run: i32, length: i32): i32 {
  if (run == LETTERS) return (length + 6) / 7
  if (run == MARKS) return (length + 15) / 16
  return run == DIGITS ? (length + 2) / 3 : 0
}

const FNV_PRIME: u32 = 16777619
const WORD_BASIS: u32 = 2166136261
const TRIGRAM_BASIS: u32 = 0x9e3779b9

/** Slots that weights are for: the upper eleven bits of a hash. */
export const WEIGHT_SLOTS: i32 = 2048
const WEIGHT_SHIFT: u32 = 32 - 11

/**
 * Adds +1 or −1 to the place of a hash in f32[dims] or, where there are weights, ± the weight of its slot
 * in f64[dims] and ± its slopes in f64[4] behind. Finaliser: MurmurHash3's fmix32, in the public domain.
 */
// @ts-ignore: decorator
@inline
function addFeature(vector: usize, dims: u32, weights: usize, hash: u32): void {
  let h = hash
  h ^= h >>> 16
  h *= 0x85ebca6b
  h ^= h >>> 13
  h *= 0xc2b2ae35
  h ^= h >>> 16
  const place = <usize>((<u64>h * dims) >>> 32)
  // By arithmetic: no one could predict a branch on it.
  const sign = (<i32>(h & 1) << 1) - 1
  if (weights != 0) {
    const slot = <usize>(h >>> WEIGHT_SHIFT)
    const weight = <f64>load<f32>(weights + (slot << 2))
    const sum = vector + (place << 3)
    store<f64>(sum, load<f64>(sum) + <f64>sign * weight)
    const slopes_f32x4 = v128.load(weights + (<usize>WEIGHT_SLOTS << 2) + (slot << 4))
    const low = f64x2.promote_low_f32x4(slopes_f32x4)
    const high = f64x2.promote_low_f32x4(v128.shuffle<i64>(slopes_f32x4, slopes_f32x4, 1, 1))
    const signs = f64x2.splat(<f64>sign)
    const margins = vector + (<usize>dims << 3)
    v128.store(margins, f64x2.add(v128.load(margins), f64x2.mul(signs, low)))
    v128.store(margins, f64x2.add(v128.load(margins, 16), f64x2.mul(signs, high)), 16)
  } else {
    const count = vector + (place << 2)
    store<f32>(count, load<f32>(count) + <f32>sign)
  }
}

// @ts-ignore: decorator
@inline
function addTrigram(
  vector: usize, dims: u32, weights: usize, seed: u32, first: i32, second: i32, third: i32,
): void {
  let hash = ((TRIGRAM_BASIS ^ seed) ^ <u32>first) * FNV_PRIME
  hash = (hash ^ <u32>second) * FNV_PRIME
  addFeature(vector, dims, weights, (hash ^ <u32>third) * FNV_PRIME)
}

// @ts-ignore: decorator
@inline
function addToBucket(buckets: usize, bytes3: u32, change: i32): void {
  const bucket = buckets + (<usize>(((bytes3 & 0xffffff) * 0x9e3779b1) >>> (32 - BUCKET_BITS)) << 2)
  store<i32>(bucket, load<i32>(bucket) + change)
}

// @ts-ignore: decorator
@inline
function singlesOf(singles: usize, byte: i32): i32 {
  return load<i32>(singles + (<usize>byte << 2))
}

/** Buckets of byte trigrams, and how often each byte of ASCII comes. */
function countBytes(text: usize, count: i32, work: usize): void {
  const singles = work + SINGLES
  const end = text + <usize>count
  let last3: u32 = 0
  for (let at = text; at < end; at++) {
    const byte = <u32>load<u8>(at)
    last3 = (last3 << 8) | byte
    addToBucket(work, last3, 1)
    if (byte < 0x80) {
      const single = singles + (<usize>byte << 2)
      store<u32>(single, load<u32>(single) + 1)
    }
  }
  // The first two bytes were counted as if two zeros stood before them.
  if (count > 0) addToBucket(work, load<u8>(text), -1)
  if (count > 1) addToBucket(work, (<u32>load<u8>(text) << 8) | load<u8>(text, 1), -1)
}

/** Characters in threes, a space for whatever is between, before and behind words. */
function hashTrigrams(
  text: usize, end: usize, vector: usize, dims: u32, weights: usize, seed: u32,
): void {
  let first = -1
  let second: i32 = 0x20
  for (let at = text; at < end; ) {
    const byte = <i32>load<u8>(at)
    let character: i32
    if (byte < 0x80) {
      at++
      character = kindOfAscii(byte) >= DIGIT ? byte | 0x20 : 0x20
    } else {
      const decoded = decode(at, end)
      character = decoded & 0xffffff
      if (kindOfPoint(character) < DIGIT) character = 0x20
      at += (decoded >>> 24) & 7
    }
    if (character == 0x20 && second == 0x20) continue
    if (first >= 0) addTrigram(vector, dims, weights, seed, first, second, character)
    first = second
    second = character
  }
  if (first >= 0 && second != 0x20) addTrigram(vector, dims, weights, seed, first, second, 0x20)
}

/** Whether the bytes are a word of code. */
function isCodeWord(from: usize, to: usize): bool {
  if (to - from > 8) return false
  let word: u64 = 0
  for (let at = from; at < to; at++) word = (word << 8) | <u64>load<u8>(at)
  switch (word) {
    case 0x646566: // def
    case 0x666e: // fn
    case 0x66756e63: // func
    case 0x66756e6374696f6e: // function
    case 0x636c617373: // class
    case 0x737472756374: // struct
    case 0x636f6e7374: // const
    case 0x766172: // var
    case 0x737461746963: // static
    case 0x766f6964: // void
    case 0x696d706f7274: // import
    case 0x696e636c756465: // include
    case 0x72657475726e: // return
    case 0x656c6966: // elif
    case 0x6173796e63: // async
    case 0x6177616974: // await
    case 0x6c616d626461: // lambda
      return true
    default:
      return false
  }
}

/** Two bytes that are an operator of most languages. */
// @ts-ignore: decorator
@inline
function isOperator(first: i32, second: i32): bool {
  if (second == 0x3d) { // == != <= >= += -=
    return (
      first == 0x3d || first == 0x21 || first == 0x3c || first == 0x3e || first == 0x2b ||
      first == 0x2d
    )
  }
  return first == second && (second == 0x26 || second == 0x7c || second == 0x3a) // && || ::
}

/** Bits of entropy of `total` trigrams in their buckets: log2 N − Σ c·log2 c / N. */
function entropyOf(buckets: usize, total: f64): f64 {
  if (total <= 0) return 0
  let weighted = 0.0
  const end = buckets + SINGLES
  // Most buckets are 0 or 1, which add nothing: 32 of them are or-ed to see it.
  const single_i32x4 = i32x4.splat(1)
  for (let group = buckets; group < end; group += 128) {
    const low = v128.or(
      v128.or(v128.load(group), v128.load(group, 16)),
      v128.or(v128.load(group, 32), v128.load(group, 48)),
    )
    const high = v128.or(
      v128.or(v128.load(group, 64), v128.load(group, 80)),
      v128.or(v128.load(group, 96), v128.load(group, 112)),
    )
    if (!v128.any_true(v128.andnot(v128.or(low, high), single_i32x4))) continue
    for (let at = group; at < group + 128; at += 4) {
      const count = <f64>load<u32>(at)
      if (count > 1) weighted += count * Math.log2(count)
    }
  }
  const entropy = Math.log2(total) - weighted / total
  return entropy > 0 ? entropy : 0
}

/**
 * Counts and features of a text.
 *
 * @param text u8[n], UTF-8; each longest malformed start of a sequence reads as U+FFFD
 * @param words f32[wordDims], added to: ±1 in the slot of each word; not touched for wordDims = 0
 * @param trigrams f32[trigramDims], likewise for characters in threes; may be words
 * @param work text_work_bytes()
 * @param output f64[23] = entropy in bits, bytes, code points, malformed sequences, words, lines,
 *   tokens without CJK; letters: Latin, Cyrillic, other, CJK; digits; braces, semicolons, arrows,
 *   operators, code words, fences, indented lines; commands, symbols, equals and arithmetic signs
 * Accuracy: counts exact; entropy within ACCURACY.entropy.
 */
export function text_scan(
  text: usize, count: i32, words: usize, wordDims: u32, trigrams: usize, trigramDims: u32,
  seed: u32, work: usize, output: usize,
): void {
  scan(text, count, words, wordDims, 0, trigrams, trigramDims, 0, seed, work, output)
}

/**
 * As text_scan; where weights are given, words and trigrams are f64[dims] that their features' weights are
 * added to, and f64[4] behind that their slopes are.
 *
 * @param wordWeights f32[WEIGHT_SLOTS] and f32[WEIGHT_SLOTS][4] slopes, or 0
 * @param trigramWeights likewise
 */
export function scan(
  text: usize, count: i32, words: usize, wordDims: u32, wordWeights: usize, trigrams: usize,
  trigramDims: u32, trigramWeights: usize, seed: u32, work: usize, output: usize,
): void {
  memory.fill(work, 0, text_work_bytes())
  countBytes(text, count, work)
  if (trigramDims > 0) {
    hashTrigrams(text, text + <usize>count, trigrams, trigramDims, trigramWeights, seed)
  }
  const singles = work + SINGLES
  let points = 0
  let malformed = 0
  let wordCount = 0
  let tokens = 0
  let latin = 0
  let cyrillic = 0
  let other = 0
  let cjk = 0
  let arrows = 0
  let operators = 0
  let codeWords = 0
  let fences = 0
  let indented = 0
  let commands = 0
  let symbols = 0

  let lastByte = 0x0a // a text begins as if after a line's end
  let beforeLast = 0
  let ticks = 0 // backquotes in a row
  let run = NO_RUN
  let runStart = 0 // in code points
  let wordHash: u32 = 0
  let wordStart = text

  const end = text + <usize>count
  for (let at = text; at < end; ) {
    const byte = <i32>load<u8>(at)
    let point = byte
    let size: usize = 1
    let kind: i32
    if (byte < 0x80) {
      kind = kindOfAscii(byte)
    } else {
      const decoded = decode(at, end)
      point = decoded & 0xffffff
      size = (decoded >>> 24) & 7
      if (decoded < 0) malformed++
      kind = kindOfPoint(point)
      if (kind == CJK) cjk++
      else if (isMathSymbol(point)) symbols++
      if (kind == LATIN) latin++
      else if (kind == CYRILLIC) cyrillic++
      else if (kind == OTHER) other++
    }

    // What happens between runs stands here, so that within a run nothing has to be asked.
    const nextRun = (RUN_OF_KIND >>> (kind << 2)) & 15
    if (nextRun != run) {
      tokens += tokensOf(run, points - runStart)
      const wasInWord = run == DIGITS || run == LETTERS
      const isInWord = nextRun == DIGITS || nextRun == LETTERS
      if (wasInWord && !isInWord) {
        if (wordDims > 0) addFeature(words, wordDims, wordWeights, wordHash)
        if (byte == 0x20 && isCodeWord(wordStart, at)) codeWords++
      } else if (isInWord && !wasInWord) {
        wordCount++
        wordHash = WORD_BASIS ^ seed
        wordStart = at
        if (lastByte == 0x5c && kind == LATIN && byte < 0x80) commands++
      }
      run = nextRun
      runStart = points
    }
    points++

    if (nextRun >= DIGITS) {
      if (byte < 0x80) {
        // Upper case differs in one bit; digits have it set.
        wordHash = (wordHash ^ <u32>(byte | 0x20)) * FNV_PRIME
        // The rest of a run of a–z and A–Z, for which nothing else is to be asked.
        for (; nextRun == LETTERS && at + size < end; size++) {
          const letter = <u32>load<u8>(at + size) | 0x20
          if (letter - 0x61 > 25) break
          wordHash = (wordHash ^ letter) * FNV_PRIME
        }
        points += <i32>size - 1
      } else {
        if (nextRun == IDEOGRAPHS) wordHash = WORD_BASIS ^ seed
        for (let i: usize = 0; i < size; i++) {
          wordHash = (wordHash ^ <u32>load<u8>(at + i)) * FNV_PRIME
        }
        if (nextRun == IDEOGRAPHS) {
          wordCount++
          if (wordDims > 0) addFeature(words, wordDims, wordWeights, wordHash)
        }
      }
    } else if (kind == MARK) {
      if (byte == 0x60) {
        ticks = lastByte == 0x60 ? ticks + 1 : 1
        if (ticks == 3) fences++
      }
      if (byte == 0x3e && (lastByte == 0x3d || lastByte == 0x2d)) arrows++
      if (isOperator(lastByte, byte)) operators++
    } else if (
      (byte == 0x09 && lastByte == 0x0a) ||
      (byte == 0x20 && lastByte == 0x20 && beforeLast == 0x0a)
    ) {
      indented++
    }

    beforeLast = lastByte
    lastByte = size == 1 ? byte : 0x80 // what follows more than one byte follows no mark or space
    at += size
  }
  tokens += tokensOf(run, points - runStart)
  if (wordDims > 0 && (run == DIGITS || run == LETTERS)) addFeature(words, wordDims, wordWeights, wordHash)

  const lines = singlesOf(singles, 0x0a) + i32(count > 0 && lastByte != 0x0a)
  let digits = 0
  for (let byte = 0x30; byte <= 0x39; byte++) digits += singlesOf(singles, byte)
  for (let byte = 0x41; byte <= 0x5a; byte++) {
    latin += singlesOf(singles, byte) + singlesOf(singles, byte | 0x20)
  }
  const braces = singlesOf(singles, 0x7b) + singlesOf(singles, 0x7d)
  const semicolons = singlesOf(singles, 0x3b)
  const equals = singlesOf(singles, 0x3d)
  const arithmetic = // + - * / ^ < >
    singlesOf(singles, 0x2b) + singlesOf(singles, 0x2d) + singlesOf(singles, 0x2a) +
    singlesOf(singles, 0x2f) + singlesOf(singles, 0x5e) + singlesOf(singles, 0x3c) +
    singlesOf(singles, 0x3e)

  store<f64>(output, entropyOf(work, <f64>(count - 2)))
  store<f64>(output, <f64>count, 8)
  store<f64>(output, <f64>points, 16)
  store<f64>(output, <f64>malformed, 24)
  store<f64>(output, <f64>wordCount, 32)
  store<f64>(output, <f64>lines, 40)
  store<f64>(output, <f64>tokens, 48)
  store<f64>(output, <f64>latin, 56)
  store<f64>(output, <f64>cyrillic, 64)
  store<f64>(output, <f64>other, 72)
  store<f64>(output, <f64>cjk, 80)
  store<f64>(output, <f64>digits, 88)
  store<f64>(output, <f64>braces, 96)
  store<f64>(output, <f64>semicolons, 104)
  store<f64>(output, <f64>arrows, 112)
  store<f64>(output, <f64>operators, 120)
  store<f64>(output, <f64>codeWords, 128)
  store<f64>(output, <f64>fences, 136)
  store<f64>(output, <f64>indented, 144)
  store<f64>(output, <f64>commands, 152)
  store<f64>(output, <f64>symbols, 160)
  store<f64>(output, <f64>equals, 168)
  store<f64>(output, <f64>arithmetic, 176)
}
