/**
 * What routing reads of a request's text, in one call: the profile of its question, tokens of all of it,
 * the question's embedding lexical-hash-v1, how near that is to each cluster, and what its words and
 * trigrams say of four outcomes.
 *
 * Model, aligned to 16: f32[2048] weights of words' slots · f32[2048][4] their slopes · both of trigrams'
 * slots · f32[clusters][384] centroids.
 */
import { dots_f32 } from './similarity-rows'
import { scan, text_result_bytes, text_work_bytes, WEIGHT_SLOTS } from './text'
import { textTokens } from './text-tokens'

const WORD_DIMS: i32 = 256
const TRIGRAM_DIMS: i32 = 128
const DIMS: i32 = 384
/** Weights and slopes of all slots. */
const PART_BYTES: usize = (<usize>WEIGHT_SLOTS << 2) * 5
/** f64[4], behind the sums of words' weights and of trigrams'. */
const MARGIN_BYTES: usize = 32

/** Share of the squared length that words have. */
const WORD_SHARE: f64 = 0.7

/** Below this a part is zeros, and the other is brought to length 1 by itself. */
const WHOLE_MIN: f64 = 0.999

/** Working space: the text's, f64[256] and f64[128] sums of weights with f64[4] of slopes each, f32[384] embedding. */
export function routing_work_bytes(): usize {
  return text_work_bytes() + DIMS * 8 + 2 * MARGIN_BYTES + DIMS * 4
}

/** Bytes of routing_read's output. */
export function routing_result_bytes(clusters: i32): usize {
  return text_result_bytes() + 16 + (<usize>clusters << 3) + MARGIN_BYTES
}

/** Rounds the sums to f32 and brings them to the length √share; zeros stay zeros. */
function scaleSums(sums: usize, dims: usize, share: f64, into: usize): void {
  const end = sums + (dims << 3)
  let even = f64x2.splat(0)
  let odd = f64x2.splat(0)
  for (let at = sums; at < end; at += 32) {
    const first = v128.load(at)
    const second = v128.load(at, 16)
    even = f64x2.add(even, f64x2.mul(first, first))
    odd = f64x2.add(odd, f64x2.mul(second, second))
  }
  const both = f64x2.add(even, odd)
  const squares = f64x2.extract_lane(both, 0) + f64x2.extract_lane(both, 1)
  const scale = f64x2.splat(squares > 0 ? sqrt(share / squares) : 0)
  let to = into
  for (let at = sums; at < end; at += 16) {
    const rounded = f64x2.promote_low_f32x4(f32x4.demote_f64x2_zero(v128.load(at)))
    v128.store64_lane(to, f32x4.demote_f64x2_zero(f64x2.mul(rounded, scale)), 0)
    to += 8
  }
}

/** Brings f32[384] to length 1 where one of its parts is zeros. */
function settleLength(embedding: usize): void {
  const end = embedding + DIMS * 4
  let sums = f64x2.splat(0)
  for (let at = embedding; at < end; at += 8) {
    const pair = f64x2.promote_low_f32x4(v128.load64_zero(at))
    sums = f64x2.add(sums, f64x2.mul(pair, pair))
  }
  const squares = f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1)
  if (!(squares > 0 && squares < WHOLE_MIN)) return
  const scale = 1 / sqrt(squares)
  for (let at = embedding; at < end; at += 4) {
    store<f32>(at, <f32>(<f64>load<f32>(at) * scale))
  }
}

/**
 * Reads a request's text.
 *
 * @param text u8[count], UTF-8, readable to the next multiple of 64
 * @param question u8[questionCount], UTF-8; may be part of the text, and is all of it where as long
 * @param work routing_work_bytes(), aligned to 16; the embedding is its last f32[384]
 * @param output f64[23] as text_scan of the question, f64[2] tokens without CJK and CJK letters of the
 *   text, f64[clusters] cosines, f64[4] sums of slopes
 * Accuracy: counts exact; entropy within ACCURACY.entropy; embedding and cosines within 1e-6.
 */
export function routing_read(
  text: usize, count: i32, question: usize, questionCount: i32, model: usize, clusters: i32,
  work: usize, output: usize,
): void {
  const words = work + text_work_bytes()
  const trigrams = words + WORD_DIMS * 8 + MARGIN_BYTES
  const embedding = trigrams + TRIGRAM_DIMS * 8 + MARGIN_BYTES
  memory.fill(words, 0, DIMS * 8 + 2 * MARGIN_BYTES)
  scan(
    question, questionCount, words, WORD_DIMS, model, trigrams, TRIGRAM_DIMS,
    model + PART_BYTES, 0, work, output,
  )
  const tokens = output + text_result_bytes()
  if (questionCount == count) {
    store<f64>(tokens, load<f64>(output, 48))
    store<f64>(tokens, load<f64>(output, 80), 8)
  } else {
    textTokens(text, count, tokens)
  }
  scaleSums(words, WORD_DIMS, WORD_SHARE, embedding)
  scaleSums(trigrams, TRIGRAM_DIMS, 1 - WORD_SHARE, embedding + WORD_DIMS * 4)
  settleLength(embedding)
  dots_f32(embedding, 1, model + 2 * PART_BYTES, clusters, DIMS, tokens + 16)
  const margins = tokens + 16 + (<usize>clusters << 3)
  for (let at: usize = 0; at < MARGIN_BYTES; at += 8) {
    const ofWords = load<f64>(words + WORD_DIMS * 8 + at)
    store<f64>(margins + at, ofWords + load<f64>(trigrams + TRIGRAM_DIMS * 8 + at))
  }
}
