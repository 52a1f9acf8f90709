import { readFileSync } from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { ChatEvent, Completion } from '../../src/gateway/chat.ts'
import { CompletionCollector, eventsOf } from '../../src/gateway/completion-events.ts'
import {
  ANSWER_CHARACTERS_MAX,
  ANSWERS_MAX,
  CHARACTERS_MAX,
  isRepeatable,
  numbersOf,
  ResponseCache,
  relevantText,
} from '../../src/gateway/response-cache.ts'
import { loadKernels } from '../../src/kernels/module.ts'
import { EMBEDDING_DIMS } from '../../src/routing/embedding.ts'

beforeAll(() => {
  const file = path.join(import.meta.dirname, '..', '..', 'build', 'kernels.wasm')
  loadKernels(new Uint8Array(readFileSync(file)))
})

const completion = (text: string): Completion => ({
  id: 'chatcmpl-1',
  model: 'm',
  createdAtMs: 0,
  choices: [
    {
      index: 0,
      text,
      reasoning: 'because',
      reasoningSignature: 'sig',
      refusal: null,
      toolCalls: [{ id: 'c1', name: 'look', arguments: '{"a":1}' }],
      finishReason: 'tool_calls',
      stopSequence: null,
      logprobs: null,
    },
  ],
  usage: {
    inputTokens: 3,
    cachedInputTokens: 1,
    cacheWriteTokens: 0,
    outputTokens: 2,
    reasoningTokens: 1,
  },
})
const answer = (text: string) => ({ completion: completion(text), provider: 'p', model: 'm' })

/** A vector of length 1 with a cosine of `similarity` to the first axis. */
const embedding = (similarity: number): Float32Array => {
  const vector = new Float32Array(EMBEDDING_DIMS)
  vector[0] = similarity
  vector[1] = Math.sqrt(1 - similarity ** 2)
  return vector
}
const TTL = { ttlMs: 1_000, threshold: 0.95 }

describe('the response cache', () => {
  it('gives the answer to the same request, until it is too old', () => {
    const cache = new ResponseCache()
    cache.keep('org 1', answer('a'), 0, null)
    expect(cache.findExact('org 1', 1_000, 999)).toMatchObject({ kind: 'exact', ageMs: 999 })
    expect(cache.findExact('org 1', 1_000, 1_000)).toBeNull()
    expect(cache.findExact('org 1', 1_000, -1_000)).toBeNull()
    expect(cache.findExact('org 2', 1_000, 0)).toBeNull()
  })

  it('gives the answer to a near question of the same scope and organisation alone', () => {
    const cache = new ResponseCache()
    const question = { scope: 's', embedding: embedding(1) }
    cache.keep('k', answer('a'), 0, { organisationId: 'org', question })
    const near = { scope: 's', embedding: embedding(0.97) }
    const found = cache.findSimilar('org', near, { ...TTL, nowMs: 10 })
    expect(found).toMatchObject({ kind: 'semantic', ageMs: 10, provider: 'p' })
    expect(found?.similarity).toBeCloseTo(0.97, 5)
    expect(cache.findSimilar('other', near, { ...TTL, nowMs: 10 })).toBeNull()
    expect(cache.findSimilar('org', { ...near, scope: 't' }, { ...TTL, nowMs: 10 })).toBeNull()
    const far = { scope: 's', embedding: embedding(0.9) }
    expect(cache.findSimilar('org', far, { ...TTL, nowMs: 10 })).toBeNull()
    expect(cache.findSimilar('org', near, { ...TTL, nowMs: 2_000 })).toBeNull()
  })

  it('gives the nearest of several', () => {
    const cache = new ResponseCache()
    for (const similarity of [0.96, 0.99, 0.97]) {
      const question = { scope: 's', embedding: embedding(similarity) }
      cache.keep(`k${similarity}`, answer(`${similarity}`), 0, { organisationId: 'org', question })
    }
    const asked = { scope: 's', embedding: embedding(1) }
    const found = cache.findSimilar('org', asked, { ...TTL, nowMs: 0 })
    expect(found?.completion.choices[0]?.text).toBe('0.99')
  })

  it('is bounded in answers and in characters, and forgets what was used longest ago', () => {
    const cache = new ResponseCache()
    cache.keep('first', answer('a'), 0, null)
    for (let i = 0; i < ANSWERS_MAX - 1; i++) cache.keep(`k${i}`, answer('a'), 0, null)
    expect(cache.findExact('first', 1, 0)).not.toBeNull()
    cache.keep('one more', answer('a'), 0, null)
    expect(cache.size).toBe(ANSWERS_MAX)
    expect(cache.findExact('first', 1, 0)).not.toBeNull()
    expect(cache.findExact('k0', 1, 0)).toBeNull()
    const long = 'x'.repeat(ANSWER_CHARACTERS_MAX - 100)
    for (let i = 0; i < 500; i++) cache.keep(`long ${i}`, answer(long), 0, null)
    expect(cache.size).toBe(Math.floor(CHARACTERS_MAX / (long.length + 21)))
  })

  it('does not keep what is too long', () => {
    const cache = new ResponseCache()
    cache.keep('k', answer('x'.repeat(ANSWER_CHARACTERS_MAX)), 0, null)
    expect(cache.size).toBe(0)
    const { completion: whole, ...by } = answer('short')
    const token = { token: 'x', logprob: -1, bytes: [120], top_logprobs: [] }
    const logprobs = { content: Array(ANSWER_CHARACTERS_MAX / 32).fill(token), refusal: null }
    const choices = whole.choices.map((choice) => ({ ...choice, logprobs }))
    cache.keep('k', { completion: { ...whole, choices }, ...by }, 0, null)
    expect(cache.size).toBe(0)
  })

  it('knows a request by all that its answer depends on, unknown fields too', () => {
    const body = { model: 'm', messages: [{ role: 'user', content: 'a' }], temperature: 0 }
    expect(relevantText({ ...body, stream: true, user: 'u' })).toBe(relevantText(body))
    expect(relevantText({ temperature: 0, messages: body.messages, model: 'm' })).toBe(
      relevantText(body),
    )
    expect(relevantText({ ...body, seed: 1 })).not.toBe(relevantText(body))
    expect(relevantText({ ...body, unheard_of: 1 })).not.toBe(relevantText(body))
  })

  it('repeats only what has one likeliest answer', () => {
    expect(isRepeatable({ temperature: 0 })).toBe(true)
    expect(isRepeatable({ temperature: 0, n: 2 })).toBe(false)
    expect(isRepeatable({ temperature: 0.1 })).toBe(false)
    expect(isRepeatable({})).toBe(false)
  })

  it('repeats no answer that has more in it than is kept', () => {
    const f = { type: 'function', function: { name: 'f' } }
    expect(isRepeatable({ temperature: 0, tools: [f] })).toBe(true)
    expect(isRepeatable({ temperature: 0, tools: [{ name: 'f', input_schema: {} }] })).toBe(true)
    const search = { type: 'web_search_20250305', name: 'web_search' }
    const cited = [{ type: 'document', citations: { enabled: true } }]
    for (const body of [
      { tools: [f, search] },
      { tools: [{ type: 'custom', custom: { name: 'f' } }] },
      { functions: [{ name: 'f' }] },
      { web_search_options: {} },
      { messages: [{ role: 'user', content: cited }] },
    ])
      expect(isRepeatable({ temperature: 0, ...body })).toBe(false)
  })

  it('tells questions apart by their numbers', () => {
    expect(numbersOf('page 4 of 1,000.5 (2024)')).toBe('4 1,000.5 2024')
    expect(numbersOf('none')).toBe('')
  })
})

describe('steps of an answer', () => {
  it('put together again give the answer', () => {
    const collector = new CompletionCollector(1_000)
    for (const event of eventsOf(completion('text'))) collector.add(event)
    expect(collector.completion(0)).toEqual(completion('text'))
  })

  it.each<[string, ChatEvent[]]>([
    ['without an end', [{ kind: 'text', index: 0, text: 'a' }]],
    ['with a fault', [{ kind: 'fault', fault: { reason: 'interrupted', detail: '' } }]],
    ['with nothing', [{ kind: 'done' }]],
    ['without a reason', [{ kind: 'text', index: 0, text: 'a' }, { kind: 'done' }]],
    ['with arguments of no call', [{ kind: 'tool-arguments', index: 0, call: 3, json: '' }]],
    ['that is too long', [{ kind: 'text', index: 0, text: 'x'.repeat(1_001) }]],
  ])('%s are no answer', (_, events) => {
    const collector = new CompletionCollector(1_000)
    for (const event of events) collector.add(event)
    collector.add({ kind: 'done' })
    expect(collector.completion(0)).toBeNull()
  })
})
