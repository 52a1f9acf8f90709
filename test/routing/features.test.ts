import { beforeAll, describe, expect, it } from 'vitest'
import { getKernels } from '../../src/kernels/module.ts'
import { scanText } from '../../src/kernels/text.ts'
import { EMBEDDING_DIMS, embed, sifWeights } from '../../src/routing/embedding.ts'
import {
  extractFeatures,
  FEATURE_NAMES,
  type FeatureName,
  HASH_SLOTS,
  TEXT_BYTES_MAX,
} from '../../src/routing/features.ts'
import { plainRequest } from '../../src/routing/plain-request.ts'
import type { RoutingRequest } from '../../src/routing/types.ts'
import { BUILDS, useBuild } from '../kernels/load.ts'

const featureOf = (request: RoutingRequest, name: FeatureName): number | undefined =>
  extractFeatures(request).values[FEATURE_NAMES.indexOf(name)]

const encoder = new TextEncoder()

describe.each(BUILDS)('features of a request, %s', (build) => {
  beforeAll(() => {
    useBuild(build)
  })

  it('stand in the order of their names, and only an unknown output length is NaN', () => {
    const { values } = extractFeatures(plainRequest('What is 2 + 2?'))
    expect(values.length).toBe(FEATURE_NAMES.length)
    expect(FEATURE_NAMES.filter((_, i) => !Number.isFinite(values[i]))).toEqual([
      'max_output_tokens_log',
    ])
  })

  it.each([
    ['nothing', ''],
    ['Han', '机器学习模型在边缘计算'],
    ['Arabic', 'ما هي عاصمة النرويج؟'],
    ['Devanagari', 'नॉर्वे की राजधानी क्या है?'],
    ['emoji', '🎉👩‍👩‍👧'],
    ['a lone surrogate', 'before \ud800 behind'],
    ['controls', '\u0000\u0001\u001f'],
  ])('are defined for %s', (_name, text) => {
    const { values } = extractFeatures(plainRequest(text, { maxOutputTokens: 1 }))
    expect([...values].every(Number.isFinite)).toBe(true)
  })

  it('are defined for bytes that are no UTF-8', () => {
    const { values } = extractFeatures(
      plainRequest(
        Uint8Array.from({ length: 1_000 }, (_, i) => (i * 37) % 256),
        {
          maxOutputTokens: 1,
        },
      ),
    )
    expect([...values].every(Number.isFinite)).toBe(true)
    expect(values[FEATURE_NAMES.indexOf('question_malformed_share')]).toBeGreaterThan(0)
  })

  it('are the counts of the kernel under their names', () => {
    const text = 'def f(x):\n  return x ** 2 == 4; # Was ist f(2)? {中 é д \\frac ∑ => ```\xff'
    const profile = scanText(text)
    const { letters, digits, words, tokens, scripts, code, math } = profile
    const log = (count: number) => Math.log2(1 + count)
    const want: Record<FeatureName, number> = {
      question_tokens_log: log(tokens),
      question_words_log: log(words),
      question_letters_per_word: letters / words,
      question_tokens_per_word: tokens / words,
      question_digits_log: log(digits),
      question_digit_share: digits / (letters + digits),
      question_latin_share: scripts.latin,
      question_cyrillic_share: scripts.cyrillic,
      question_cjk_share: scripts.cjk,
      question_other_script_share: scripts.other,
      question_entropy_bits: Math.round(profile.trigramEntropyBits * 4) / 4,
      question_malformed_share: profile.malformed / profile.codePoints,
      question_braces_log: log(code.braces),
      question_semicolons_log: log(code.semicolons),
      question_arrows_log: log(code.arrows),
      question_operators_log: log(code.operators),
      question_code_words_log: log(code.words),
      question_fences_log: log(code.fences),
      question_math_commands_log: log(math.commands),
      question_math_symbols_log: log(math.symbols),
      question_equals_log: log(math.equals),
      question_arithmetic_log: log(math.arithmetic),
      question_math_per_word:
        (math.commands + math.symbols + math.equals + math.arithmetic) / words,
      tokens_log: log(tokens),
      system_share: 0.5,
      turns_log: log(3),
      messages_log: log(5),
      tools_log: log(1_500),
      images_log: log(2),
      response_json: 1,
      response_schema: 0,
      max_output_tokens_log: log(4_096),
    }
    const bytes = encoder.encode(text)
    const { values } = extractFeatures(
      plainRequest(bytes, {
        systemBytes: bytes.length / 2,
        turns: 3,
        messages: 5,
        tools: 1_500,
        images: 2,
        responseFormat: 'json',
        maxOutputTokens: 4_096,
      }),
    )
    expect(Object.fromEntries(FEATURE_NAMES.map((name, i) => [name, values[i]]))).toEqual(want)
  })

  it('tell the question from the rest of the conversation', () => {
    const request = plainRequest('You are kind.\nA long answer about ships.\nWhy?', {
      lastUserText: encoder.encode('Why?'),
      systemBytes: 13,
      turns: 2,
      messages: 4,
      tools: 3,
      responseFormat: 'json-schema',
      maxOutputTokens: 255,
    })
    expect(featureOf(request, 'question_words_log')).toBe(1)
    expect(featureOf(request, 'system_share')).toBe(13 / request.text.length)
    expect(featureOf(request, 'tools_log')).toBe(2)
    expect(featureOf(request, 'response_json')).toBe(0)
    expect(featureOf(request, 'response_schema')).toBe(1)
    expect(featureOf(request, 'max_output_tokens_log')).toBe(8)
  })

  it('judge a request without a user message by its whole text', () => {
    const request = plainRequest('Only a system text', { lastUserText: new Uint8Array(0) })
    expect(extractFeatures(request)).toEqual(extractFeatures(plainRequest('Only a system text')))
  })

  it('do not change with white space between words, but for entropy', () => {
    const [plain, spaced] = ['Which  of these is true?', ' Which of\tthese\n\nis true? '].map(
      (text) => extractFeatures(plainRequest(text)),
    )
    const changed = FEATURE_NAMES.filter((_, i) => !Object.is(plain?.values[i], spaced?.values[i]))
    expect(changed.filter((name) => name !== 'question_entropy_bits')).toEqual([])
    expect(plain?.words).toEqual(spaced?.words)
    expect(plain?.trigrams).toEqual(spaced?.trigrams)
  })

  it.each([
    ['one letter a million times', () => new Uint8Array(1_000_000).fill(0x61)],
    ['ten megabytes of words', () => encoder.encode('quick brown '.repeat(874_000))],
  ])('take %s and leave no memory behind', (_name, make) => {
    const { arena } = getKernels()
    const live = arena.liveBlocks
    const bytes = make()
    const { tokens, words } = extractFeatures(plainRequest(bytes))
    expect(tokens).toBe(scanText(bytes).tokens)
    expect([...words].every(Number.isFinite)).toBe(true)
    expect(arena.liveBlocks).toBe(live)
  })

  it('read the beginning of a text beyond the bound and scale its tokens', () => {
    const bytes = new Uint8Array(TEXT_BYTES_MAX + TEXT_BYTES_MAX / 2).fill(0x61)
    const head = scanText(bytes.subarray(0, TEXT_BYTES_MAX)).tokens
    expect(extractFeatures(plainRequest(bytes)).tokens).toBe(Math.ceil(head * 1.5))
  })
})

describe('lexical-hash-v1', () => {
  const even = {
    words: new Float32Array(HASH_SLOTS).fill(1),
    trigrams: new Float32Array(HASH_SLOTS).fill(1),
  }
  const embeddingOf = (text: string) => embed(extractFeatures(plainRequest(text)), even)
  const cosine = (a: Float32Array, b: Float32Array): number =>
    a.reduce((sum, x, i) => sum + x * (b[i] ?? 0), 0)

  it('has length 1, and zeros for a text without a word', () => {
    const embedding = embeddingOf('The quick brown fox')
    expect(embedding.length).toBe(EMBEDDING_DIMS)
    expect(Math.abs(cosine(embedding, embedding) - 1)).toBeLessThan(1e-6)
    expect(embeddingOf(' … !').every((x) => x === 0)).toBe(true)
  })

  it('is as the kernel hashes to fewer places where all weigh alike', () => {
    const text = 'Twelve ships sailed from Bergen to Trondheim in the spring of 1260.'
    const words = new Float32Array(256)
    scanText(text, { words })
    const norm = Math.sqrt(words.reduce((sum, x) => sum + x * x, 0))
    embeddingOf(text)
      .slice(0, 256)
      .forEach((x, i) => {
        expect(x).toBeCloseTo(((words[i] ?? 0) / norm) * Math.sqrt(0.7), 6)
      })
  })

  it('puts texts that share words nearer than those that do not', () => {
    const question = embeddingOf('What is the boiling point of water at sea level?')
    const near = embeddingOf('At sea level, which boiling point has water?')
    const far = embeddingOf('Who painted the ceiling of that chapel in Rome?')
    expect(cosine(question, near)).toBeGreaterThan(cosine(question, far) + 0.3)
  })

  it('weighs frequent slots less', () => {
    expect([...sifWeights(Float64Array.of(0, 0.001, 0.099))]).toEqual(
      [1, 0.5, 0.01].map(Math.fround),
    )
  })
})
