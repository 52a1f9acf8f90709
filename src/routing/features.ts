import { scanText, type TextProfile } from '../kernels/text.ts'
import type { Features, RoutingRequest } from './types.ts'

/** Grows with any change to what FEATURE_NAMES mean; an artifact serves one version. */
export const FEATURES_VERSION = 1

/** Places that words and trigrams are hashed to: a power of two, so that they fold without remainder. */
export const HASH_SLOTS = 2048

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

const logOf = (count: number): number => Math.log2(1 + Math.max(0, count))
const ratioOf = (part: number, whole: number): number => (whole > 0 ? part / whole : 0)

/** Entropy steps of a quarter bit: doubled spaces seldom move it. */
const ENTROPY_STEPS_PER_BIT = 4

const questionFeatures = (profile: TextProfile): Partial<Record<FeatureName, number>> => {
  const { letters, digits, words, tokens, scripts, code, math } = profile
  const mathMarks = math.commands + math.symbols + math.equals + math.arithmetic
  return {
    question_tokens_log: logOf(tokens),
    question_words_log: logOf(words),
    question_letters_per_word: ratioOf(letters, words),
    question_tokens_per_word: ratioOf(tokens, words),
    question_digits_log: logOf(digits),
    question_digit_share: ratioOf(digits, letters + digits),
    question_latin_share: scripts.latin,
    question_cyrillic_share: scripts.cyrillic,
    question_cjk_share: scripts.cjk,
    question_other_script_share: scripts.other,
    question_entropy_bits:
      Math.round(profile.trigramEntropyBits * ENTROPY_STEPS_PER_BIT) / ENTROPY_STEPS_PER_BIT,
    question_malformed_share: ratioOf(profile.malformed, profile.codePoints),
    question_braces_log: logOf(code.braces),
    question_semicolons_log: logOf(code.semicolons),
    question_arrows_log: logOf(code.arrows),
    question_operators_log: logOf(code.operators),
    question_code_words_log: logOf(code.words),
    question_fences_log: logOf(code.fences),
    question_math_commands_log: logOf(math.commands),
    question_math_symbols_log: logOf(math.symbols),
    question_equals_log: logOf(math.equals),
    question_arithmetic_log: logOf(math.arithmetic),
    question_math_per_word: ratioOf(mathMarks, words),
  }
}

const headOf = (text: Uint8Array): Uint8Array =>
  text.length > TEXT_BYTES_MAX ? text.subarray(0, TEXT_BYTES_MAX) : text

/**
 * Features of a request: one pass over its last user message, and one over the whole text where that
 * has more than the message. Time is linear in the bytes, whatever they are; malformed UTF-8 and lone
 * surrogates read as U+FFFD. A request without a user message is judged by its whole text.
 *
 * @throws ArenaExhaustedError where the kernels' memory is taken
 */
export function extractFeatures(request: RoutingRequest): Features {
  const text = headOf(request.text)
  const question = request.lastUserText.length > 0 ? headOf(request.lastUserText) : text
  const words = new Float32Array(HASH_SLOTS)
  const trigrams = new Float32Array(HASH_SLOTS)
  const profile = scanText(question, { words, trigrams })
  // The message is part of the text: as long, it is all of it.
  const whole = question.length === text.length ? profile : scanText(text)
  const tokens = Math.ceil(whole.tokens * Math.max(1, ratioOf(request.text.length, text.length)))
  const named: Partial<Record<FeatureName, number>> = {
    ...questionFeatures(profile),
    tokens_log: logOf(tokens),
    system_share: Math.min(1, ratioOf(request.systemBytes, request.text.length)),
    turns_log: logOf(request.turns),
    messages_log: logOf(request.messages),
    tools_log: logOf(request.tools),
    images_log: logOf(request.images),
    response_json: request.responseFormat === 'json' ? 1 : 0,
    response_schema: request.responseFormat === 'json-schema' ? 1 : 0,
    max_output_tokens_log:
      request.maxOutputTokens === null ? Number.NaN : logOf(request.maxOutputTokens),
  }
  const values = new Float64Array(FEATURE_NAMES.length)
  for (let i = 0; i < values.length; i++)
    values[i] = named[FEATURE_NAMES[i] ?? 'tokens_log'] ?? Number.NaN
  return { values, words, trigrams, tokens }
}
