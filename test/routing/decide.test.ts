import { describe, expect, it } from 'vitest'
import { FEATURE_NAMES } from '../../src/routing/features.ts'
import '../kernels/load.ts'
import { DECISION_TTL_MS } from '../../src/routing/decision-cache.ts'
import { PROMPT_CACHE_MS } from '../../src/routing/session-affinity.ts'
import {
  artifactWith,
  bodyOf,
  candidateWith,
  configWith,
  decided,
  EASY,
  HARD,
  LARGE,
  MID,
  refused,
  SMALL,
  stateWith,
} from './routers.ts'

describe('a decision', () => {
  it.each([
    { text: EASY, bucket: 'cheap', model: 'small' },
    { text: HARD, bucket: 'hard', model: 'large' },
  ])('sends what is $bucket to the $model model', ({ text, bucket, model }) => {
    expect(decided(bodyOf(text))).toMatchObject({ bucket, bucketServed: bucket, model })
  })

  it('weighs quality against cost in between, by α of request, organisation and artifact', () => {
    const config = configWith({ alpha: 0 })
    const dear = artifactWith({ alpha: 1 })
    expect(decided(bodyOf(MID), { artifact: dear })).toMatchObject({ alpha: 1, model: 'large' })
    expect(decided(bodyOf(MID), { artifact: dear, config })).toMatchObject({
      alpha: 0,
      model: 'small',
    })
    expect(decided(bodyOf(MID, { alpha: 1 }), { config })).toMatchObject({ model: 'large' })
  })

  it('explains each candidate by terms that add up to its score', () => {
    const { candidates, analysis } = decided(bodyOf(MID))
    expect(analysis.quality[0]).toBeCloseTo(0.7, 6)
    expect(candidates).toHaveLength(2)
    for (const one of candidates) {
      const { qualityTerm, costTerm, latencyPenalty, contextPenalty, healthPenalty, score } = one
      expect(qualityTerm - costTerm - latencyPenalty - contextPenalty - healthPenalty).toBe(score)
    }
    const large = candidates.find(({ id }) => id === 'p/large')
    expect(large).toMatchObject({ quality: expect.closeTo(0.9, 6), cost: 1, costTerm: 0.25 })
  })

  it('lists the others as fallbacks, those of the bucket first', () => {
    const other = candidateWith({ model: 'other', buckets: ['cheap'] })
    const config = configWith({ candidates: [LARGE, other, SMALL] })
    expect(decided(bodyOf(EASY), { config }).fallbacks).toEqual(['p/small', 'p/large'])
  })

  it('takes the cheaper of two that score the same', () => {
    const free = { input: 0, output: 0, cachedInput: 0 }
    const config = configWith({
      alpha: 1,
      candidates: [SMALL, candidateWith({ model: 'free', usdPerMillionTokens: free })],
    })
    expect(decided(bodyOf(EASY), { config }).model).toBe('free')
  })

  it('routes over models that all cost nothing', () => {
    const free = { input: 0, output: 0, cachedInput: 0 }
    const candidates = [SMALL, LARGE].map((one) => ({ ...one, usdPerMillionTokens: free }))
    const decision = decided(bodyOf(MID), { config: configWith({ candidates }) })
    expect(decision.model).toBe('large')
    for (const { cost, score } of decision.candidates) {
      expect(cost).toBe(0)
      expect(Number.isFinite(score)).toBe(true)
    }
  })

  it('serves another bucket where its own has nobody, a harder one first', () => {
    const config = configWith({ candidates: [LARGE] })
    expect(decided(bodyOf(EASY), { config })).toMatchObject({
      bucket: 'cheap',
      bucketServed: 'mid',
      model: 'large',
    })
    const small = configWith({ candidates: [candidateWith({ buckets: ['cheap'] })] })
    expect(decided(bodyOf(HARD), { config: small })).toMatchObject({ bucketServed: 'cheap' })
  })

  it('comes out for a text without words, and for one word of a million letters', () => {
    expect(decided(bodyOf('')).model).toBe('small')
    const config = configWith({ candidates: [candidateWith({ contextTokens: 1_000_000 })] })
    const { inputTokens } = decided(bodyOf('a'.repeat(1_000_000)), { config })
    expect(inputTokens).toBeGreaterThan(100_000)
    expect(refused(bodyOf('a'.repeat(1_000_000)))).toMatchObject({ reason: 'no-candidate' })
  })
})

describe('guardrails', () => {
  const small = { contextTokens: 1_000 }
  it.each([
    ['images', { capabilities: { ...SMALL.capabilities, vision: false } }, [{ type: 'image_url', image_url: 'x' }], {}, 'lacks-vision'],
    ['tools', { capabilities: { ...SMALL.capabilities, tools: false } }, EASY, { tools: [{}] }, 'lacks-tools'],
    ['JSON', { capabilities: { ...SMALL.capabilities, json: false } }, EASY, { response_format: { type: 'json_object' } }, 'lacks-json'],
    ['a schema', { capabilities: { ...SMALL.capabilities, jsonSchema: false } }, EASY, { response_format: { type: 'json_schema', json_schema: {} } }, 'lacks-json-schema'],
    ['a long text', small, 'word '.repeat(2_000), {}, 'context-too-small'],
    ['many tools', small, EASY, { tools: [{ description: 'x'.repeat(4_000) }] }, 'context-too-small'],
    ['a long answer', small, EASY, { max_tokens: 1_000 }, 'context-too-small'],
    ['a longer answer than it gives', {}, EASY, { max_tokens: 5_000 }, 'output-too-small'],
  ] as const)('keep %s from a model that cannot take it', (_, fields, content, more, reason) => {
    const able = candidateWith({ model: 'able', outputTokensMax: 50_000 })
    const config = configWith({ candidates: [candidateWith(fields), able] })
    const decision = decided(bodyOf(content, more), { config })
    expect(decision.model).toBe('able')
    expect(decision.excluded).toEqual([{ id: 'p/small', reason }])
  }) // biome-ignore format: one row a case

  it('keep to the organisation’s allow-list, of models and of providers', () => {
    const config = configWith({ allowedModels: ['q/*', 'p/large'] })
    const decision = decided(bodyOf(EASY), { config })
    expect(decision.model).toBe('large')
    expect(decision.excluded).toEqual([{ id: 'p/small', reason: 'not-allowed' }])
    expect(decided(bodyOf(EASY), { config: configWith({ allowedModels: ['p/*'] }) }).model).toBe(
      'small',
    )
  })

  it('leave out a candidate that the artifact has no quality of', () => {
    const config = configWith({ candidates: [candidateWith({ measuredAs: 'nobody' }), LARGE] })
    const decision = decided(bodyOf(EASY), { config })
    expect([decision.model, decision.excluded[0]?.reason]).toEqual(['large', 'quality-unknown'])
  })

  it('leave out an open breaker and burden a half-open one', () => {
    const state = stateWith(new Map([['p/small', 'open'], ['p/large', 'half-open']])) // biome-ignore format: one line
    const decision = decided(bodyOf(EASY), { state })
    expect(decision.excluded).toEqual([{ id: 'p/small', reason: 'breaker-open' }])
    expect(decision.candidates[0]).toMatchObject({ id: 'p/large', healthPenalty: 0.3 })
  })

  it('say why each was ruled out where none is left', () => {
    const config = configWith({ allowedModels: ['p/large'] })
    expect(refused(bodyOf(EASY, { max_tokens: 5_000 }), { config })).toEqual({
      reason: 'no-candidate',
      excluded: [
        { id: 'p/small', reason: 'not-allowed' },
        { id: 'p/large', reason: 'output-too-small' },
      ],
    })
  })
})

describe('a request for a bucket by name', () => {
  it('is served by it, however easy or hard it is', () => {
    expect(decided(bodyOf(EASY, { model: 'gjallar/hard' }))).toMatchObject({
      bucket: 'hard',
      model: 'large',
    })
    expect(decided(bodyOf(HARD, { model: 'gjallar/cheap' }))).toMatchObject({
      bucket: 'cheap',
      model: 'small',
    })
  })

  it('leaves the analysis in the cache for those that name none', () => {
    const state = stateWith()
    decided(bodyOf(EASY, { model: 'gjallar/hard' }), { state })
    expect(decided(bodyOf(EASY), { state })).toMatchObject({ bucket: 'cheap', cache: 'hit' })
  })
})

describe('a request for a model by name', () => {
  it.each(['p/large', 'large'])('gets %s whatever its bucket', (model) => {
    expect(decided(bodyOf(EASY, { model }))).toMatchObject({ model: 'large', fallbacks: [] })
  })

  it('gets the better of two providers that have it', () => {
    const dear = { ...SMALL, provider: 'dear', usdPerMillionTokens: LARGE.usdPerMillionTokens }
    const config = configWith({ candidates: [dear, SMALL, LARGE] })
    const decision = decided(bodyOf(HARD, { model: 'small' }), { config })
    expect([decision.provider, decision.fallbacks]).toEqual(['p', ['dear/small']])
  })

  it('is refused where there is no such model, and where it may not be used', () => {
    expect(refused(bodyOf(EASY, { model: 'gpt-9' }))).toEqual({
      reason: 'model-unknown',
      model: 'gpt-9',
    })
    const config = configWith({ allowedModels: ['p/large'] })
    expect(refused(bodyOf(EASY, { model: 'small' }), { config })).toMatchObject({
      reason: 'no-candidate',
    })
  })
})

describe('providers that are not there', () => {
  const config = configWith({ candidates: [candidateWith({ provider: 'absent' }), SMALL, LARGE] })
  const options = { hasProvider: (id: string) => id !== 'absent' }

  it('have no candidate chosen, nor held by a conversation', () => {
    const state = stateWith()
    const { provider, candidates, excluded } = decided(bodyOf(EASY), { config, options, state })
    expect(provider).toBe('p')
    expect(candidates.every(({ id }) => id.startsWith('p/'))).toBe(true)
    expect(excluded).toEqual([{ id: 'absent/small', reason: 'no-provider' }])
    const again = decided(bodyOf(EASY), { config, options, state })
    expect(again.affinity?.held).toBe('p/small')
  })

  it('leave nobody where there is no other', () => {
    const none = { hasProvider: () => false }
    expect(refused(bodyOf(EASY), { config, options: none })).toMatchObject({
      reason: 'no-candidate',
    })
  })
})

describe('features', () => {
  it('are part of a decision only where the organisation keeps them', () => {
    const config = configWith({ keepFeatures: true })
    const { features } = decided(bodyOf(MID), { config }).analysis
    expect(features).toHaveLength(FEATURE_NAMES.length)
    expect(features?.[FEATURE_NAMES.indexOf('question_words_log')]).toBeCloseTo(Math.log2(7), 5)
    // The request says nothing of its longest answer.
    expect(features?.at(-1)).toBeNull()
    expect(decided(bodyOf(MID)).analysis.features).toBeNull()
  })
})

describe('penalties', () => {
  it('count measured latency, its mean and deviation, against the fastest', () => {
    const state = stateWith()
    for (let i = 0; i < 50; i++) {
      state.latencies.measured('p/small', 2_000, 1_000)
      state.latencies.measured('p/large', 500, 1_000)
    }
    const { candidates } = decided(bodyOf(MID), { state })
    const penaltyOf = (id: string) => candidates.find((one) => one.id === id)?.latencyPenalty
    expect(penaltyOf('p/large')).toBe(0)
    expect(penaltyOf('p/small')).toBeCloseTo(0.1 * 0.75, 3)
    // Of streams nothing was measured.
    const streamed = decided(bodyOf(MID, { stream: true }), { state }).candidates
    expect(streamed.every(({ latencyPenalty }) => latencyPenalty === 0)).toBe(true)
  })

  it('count what a request takes of a window beyond four fifths', () => {
    const config = configWith({ candidates: [candidateWith({ contextTokens: 2_000 }), LARGE] })
    const at = (max_tokens: number) =>
      decided(bodyOf(EASY, { max_tokens }), { config }).candidates.find(
        ({ id }) => id === 'p/small',
      )
    expect(at(1_500)?.contextPenalty).toBe(0)
    expect(at(1_798)?.contextPenalty).toBeCloseTo(0.1, 6)
  })
})

describe('the cache of decisions', () => {
  const once = { options: { nowMs: 0 } }

  it('has what was asked before until its time is over', () => {
    const state = stateWith()
    const at = (nowMs: number) => decided(bodyOf(MID), { state, options: { nowMs } }).cache
    expect([
      at(0),
      at(1),
      at(DECISION_TTL_MS - 1),
      at(DECISION_TTL_MS),
      at(DECISION_TTL_MS),
    ]).toEqual(['miss', 'hit', 'hit', 'miss', 'hit'])
  })

  it.each([
    ['another text', bodyOf(`${MID}.`)],
    ['a tool', bodyOf(MID, { tools: [{}] })],
    ['a format', bodyOf(MID, { response_format: { type: 'json_object' } })],
    ['a longer answer', bodyOf(MID, { max_tokens: 100 })],
    ['another role', { messages: [{ role: 'assistant', content: MID }] }],
    ['the same text in two messages', { messages: [{ role: 'user', content: 'one two' }, { role: 'user', content: 'three four five six' }] }],
  ])('does not take %s for the same', (_, body) => {
    const state = stateWith()
    decided(bodyOf(MID), { state, ...once })
    expect(decided(body, { state, ...once }).cache).toBe('miss')
  }) // biome-ignore format: one row a case

  it('tells which of two messages is the user’s', () => {
    const state = stateWith()
    const of = (...roles: string[]) => ({
      messages: roles.map((role) => ({ role, content: 'same' })),
    })
    decided(of('user', 'assistant'), { state })
    expect(decided(of('assistant', 'user'), { state }).cache).toBe('miss')
  })

  it('knows what does not change the analysis: α, the model, and what is not read', () => {
    const state = stateWith()
    decided(bodyOf(MID), { state })
    const again = bodyOf(MID, { alpha: 0, model: 'large', temperature: 1, stream: true })
    expect(decided(again, { state }).cache).toBe('hit')
  })

  it('is another for each organisation and each artifact', () => {
    const state = stateWith()
    decided(bodyOf(MID), { state })
    expect(decided(bodyOf(MID), { state, options: { organisation: 2 } }).cache).toBe('miss')
    expect(decided(bodyOf(MID), { state, options: { artifact: 2 } }).cache).toBe('miss')
  })

  it('follows a breaker that opens at once', () => {
    const breakers = new Map<string, 'open'>()
    const state = stateWith(breakers)
    expect(decided(bodyOf(EASY), { state }).model).toBe('small')
    breakers.set('p/small', 'open')
    expect(decided(bodyOf(EASY), { state })).toMatchObject({ cache: 'hit', model: 'large' })
  })
})

describe('a conversation', () => {
  const turn = (text: string, more = {}) => ({
    messages: [
      { role: 'system', content: 'word '.repeat(5_000) },
      { role: 'user', content: 'start' },
      { role: 'assistant', content: 'yes' },
      { role: 'user', content: text },
    ],
    ...more,
  })
  const held = (alpha: number) => {
    const state = stateWith()
    decided(turn(HARD), { state })
    return decided(turn(MID, { alpha }), { state })
  }

  it('keeps its model while leaving it brings less than the prompt cache saves', () => {
    const { affinity, model } = held(0.7)
    expect(model).toBe('large')
    expect(affinity).toMatchObject({ held: 'p/large', isKept: true, overruledBy: null })
    expect(affinity?.gain).toBeGreaterThan(0)
    expect(affinity?.loss).toBeGreaterThan(affinity?.gain ?? 0)
  })

  it('leaves it where that brings more', () => {
    const state = stateWith()
    const dear = configWith({ alpha: 0.1 })
    decided(turn(HARD), { state })
    const { affinity, model } = decided(turn(MID), { state, config: dear })
    expect(model).toBe('small')
    expect(affinity).toMatchObject({ isKept: false, overruledBy: null })
    expect(affinity?.gain).toBeGreaterThan(affinity?.loss ?? 0)
  })

  it('leaves it for a request that is too hard for it, and where it is ruled out', () => {
    const state = stateWith()
    decided(turn(EASY), { state, config: configWith({ candidates: [candidateWith({ buckets: ['cheap'] }), LARGE] }) }) // biome-ignore format: one line
    expect(decided(turn(HARD), { state })).toMatchObject({
      model: 'large',
      affinity: { held: 'p/small', isKept: false, overruledBy: 'bucket' },
    })
    const config = configWith({ allowedModels: ['p/small'] })
    expect(decided(turn(EASY), { state, config }).affinity).toMatchObject({
      held: 'p/large',
      overruledBy: 'ruled-out',
    })
  })

  it('is forgotten with the provider’s prompt cache', () => {
    const state = stateWith()
    decided(turn(HARD), { state, options: { nowMs: 0 } })
    const options = { nowMs: PROMPT_CACHE_MS }
    expect(decided(turn(MID), { state, options }).affinity).toBeNull()
  })

  it('is known by its name, or by its beginning, within an organisation', () => {
    const state = stateWith()
    decided(bodyOf('first', { conversation: 'c' }), { state })
    expect(decided(bodyOf('second', { conversation: 'c' }), { state }).affinity).not.toBeNull()
    expect(decided(bodyOf('third', { conversation: 'd' }), { state }).affinity).toBeNull()
    const other = { state, options: { organisation: 2 } }
    expect(decided(bodyOf('second', { conversation: 'c' }), other).affinity).toBeNull()
    expect(decided(bodyOf('first'), { state }).affinity).toBeNull()
    expect(decided(bodyOf('first'), { state }).affinity).not.toBeNull()
  })
})
