import { WEIGHT_SLOTS } from '../kernels/routing.ts'
import { scanText, type TextProfile } from '../kernels/text.ts'
import type { Features, RoutingRequest } from './types.ts'

/** Grows with any change to what FEATURE_NAMES mean; an artifact serves one version. */
export const FEATURES_VERSION = 1

/** Places that words and trigrams are hashed to: a power of two, so that they fold without remainder. */
export const HASH_SLOTS = WEIGHT_SLOTS

/** Of a longer text the first bytes are read, and tokens are scaled up: a bound for time and memory. */
export const TEXT_BYTES_MAX = 16 * 1024 * 1024

/**
 * Features in their order. `question_` ones are of the last user message, the others of the whole
 * request. `_log` is log2(1 + count). Only entropy changes with white space between words.
 */
export const FEATURE_NAMES = [
  'question_tokens_log',
  'question_words_log',
  'question_letters_per_word',
  'question_tokens_per_word',
  'question_digits_log',
  'question_digit_share',
  'question_latin_share',
  'question_cyrillic_share',
  'question_cjk_share',
  'question_other_script_share',
  'question_entropy_bits',
  'question_malformed_share',
  'question_braces_log',
  'question_semicolons_log',
  'question_arrows_log',
  'question_operators_log',
  'question_code_words_log',
  'question_fences_log',
  'question_math_commands_log',
  'question_math_symbols_log',
  'question_equals_log',
  'question_arithmetic_log',
  'question_math_per_word',
  'tokens_log',
  'system_share',
  'turns_log',
  'messages_log',
  'tools_log',
  'images_log',
  'response_json',
  'response_schema',
  'max_output_tokens_log',
] as const

export type FeatureName = (typeof FEATURE_NAMES)[number]

/** log2(1 + n) of small n, which most counts are. */
const LOGS = Float64Array.from({ length: 1_024 }, (_, n) => Math.log2(1 + n))

const logOf = (count: number): number => LOGS[count] ?? Math.log2(1 + Math.max(0, count))
const ratioOf = (part: number, whole: number): number => (whole > 0 ? part / whole : 0)

/** Entropy steps of a quarter bit: doubled spaces seldom move it. */
const ENTROPY_STEPS_PER_BIT = 4

/** The places of FEATURE_NAMES are written out: looked up by name they take as long as all trees. */
const writeQuestion = (values: Float64Array, profile: TextProfile): void => {
  const { letters, digits, words, tokens, scripts, code, math, trigramEntropyBits } = profile
  values[0] = logOf(tokens)
  values[1] = logOf(words)
  values[2] = ratioOf(letters, words)
  values[3] = ratioOf(tokens, words)
  values[4] = logOf(digits)
  values[5] = ratioOf(digits, letters + digits)
  values[6] = scripts.latin
  values[7] = scripts.cyrillic
  values[8] = scripts.cjk
  values[9] = scripts.other
  values[10] = Math.round(trigramEntropyBits * ENTROPY_STEPS_PER_BIT) / ENTROPY_STEPS_PER_BIT
  values[11] = ratioOf(profile.malformed, profile.codePoints)
  values[12] = logOf(code.braces)
  values[13] = logOf(code.semicolons)
  values[14] = logOf(code.arrows)
  values[15] = logOf(code.operators)
  values[16] = logOf(code.words)
  values[17] = logOf(code.fences)
  values[18] = logOf(math.commands)
  values[19] = logOf(math.symbols)
  values[20] = logOf(math.equals)
  values[21] = logOf(math.arithmetic)
  values[22] = ratioOf(math.commands + math.symbols + math.equals + math.arithmetic, words)
}

const writeRequest = (values: Float64Array, request: RoutingRequest, tokens: number): void => {
  const { responseFormat, maxOutputTokens } = request
  values[23] = logOf(tokens)
  values[24] = Math.min(1, ratioOf(request.systemBytes, request.text.length))
  values[25] = logOf(request.turns)
  values[26] = logOf(request.messages)
  values[27] = logOf(request.tools)
  values[28] = logOf(request.images)
  values[29] = responseFormat === 'json' ? 1 : 0
  values[30] = responseFormat === 'json-schema' ? 1 : 0
  values[31] = maxOutputTokens === null ? Number.NaN : logOf(maxOutputTokens)
}

const headOf = (text: Uint8Array): Uint8Array =>
  text.length > TEXT_BYTES_MAX ? text.subarray(0, TEXT_BYTES_MAX) : text

/** What is read of a request: the beginning of its text, and its last user message or else that. */
export const readableOf = (
  request: RoutingRequest,
): { readonly text: Uint8Array; readonly question: Uint8Array } => {
  const text = headOf(request.text)
  return { text, question: request.lastUserText.length > 0 ? headOf(request.lastUserText) : text }
}

/**
 * Features of a request whose text was read.
 *
 * @param profile of its question        @param tokensRead of the text that was read
 * @param values written, f64[FEATURE_NAMES.length]
 * @returns tokens of the whole text
 */
export const writeFeatures = (
  request: RoutingRequest,
  profile: TextProfile,
  tokensRead: number,
  values: Float64Array,
): number => {
  const { length } = request.text
  const tokens = Math.ceil(tokensRead * Math.max(1, ratioOf(length, TEXT_BYTES_MAX)))
  writeQuestion(values, profile)
  writeRequest(values, request, tokens)
  return tokens
}

/**
 * Features of a request with the counts that training takes: one pass over its last user message, and
 * one over the whole text where that has more than the message. Time is linear in the bytes, whatever
 * they are; malformed UTF-8 and lone surrogates read as U+FFFD. A request without a user message is
 * judged by its whole text.
 *
 * @throws ArenaExhaustedError where the kernels' memory is taken
 */
export function extractFeatures(request: RoutingRequest): Features {
  const { text, question } = readableOf(request)
  const words = new Float32Array(HASH_SLOTS)
  const trigrams = new Float32Array(HASH_SLOTS)
  const profile = scanText(question, { words, trigrams })
  // The message is part of the text: as long, it is all of it.
  const whole = question.length === text.length ? profile : scanText(text)
  const values = new Float64Array(FEATURE_NAMES.length)
  const tokens = writeFeatures(request, profile, whole.tokens, values)
  return { values, words, trigrams, tokens }
}
