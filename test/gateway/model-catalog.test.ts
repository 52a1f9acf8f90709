import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  type CatalogModel,
  readCatalog,
  readCatalogEntry,
} from '../../src/gateway/catalog-entry.ts'
import { MemberReader } from '../../src/gateway/catalog-reader.ts'
import { refreshCatalog } from '../../src/gateway/catalog-refresh.ts'
import { SHIPPED_MODELS } from '../../src/gateway/catalog-shipped.ts'
import { costNanoUsdOf } from '../../src/gateway/cost.ts'
import { ModelCatalog, modelCatalog } from '../../src/gateway/model-catalog.ts'
import { DEFAULT_CONFIG } from '../../src/routing/default-config.ts'

/** As LiteLLM has it, with members that bear on nothing here. */
const LITELLM = {
  sample_spec: { litellm_provider: 'one of https://docs.litellm.ai/docs/providers', mode: 'chat' },
  'gemini/gemini-2.5-pro': {
    cache_read_input_token_cost: 1.25e-7,
    cache_read_input_token_cost_above_200k_tokens: 2.5e-7,
    input_cost_per_token: 1.25e-6,
    input_cost_per_token_above_200k_tokens: 2.5e-6,
    litellm_provider: 'gemini',
    max_input_tokens: 1_048_576,
    max_output_tokens: 65_535,
    mode: 'chat',
    output_cost_per_token: 1e-5,
    output_cost_per_token_above_200k_tokens: 1.5e-5,
    supports_function_calling: true,
    supports_reasoning: true,
    supports_response_schema: true,
    supports_vision: true,
  },
  'cloudflare/@cf/zai-org/glm-4.7-flash': {
    input_cost_per_token: 6.05e-8,
    litellm_provider: 'cloudflare',
    max_input_tokens: 131_072,
    max_output_tokens: 131_072,
    mode: 'chat',
    output_cost_per_token: 4e-7,
  },
  'text-embedding-3-small': {
    input_cost_per_token: 2e-8,
    litellm_provider: 'openai',
    max_input_tokens: 8_191,
    mode: 'embedding',
  },
  'amazon.nova-lite-v1:0': { litellm_provider: 'bedrock_converse', mode: 'chat' },
  'dall-e-2': { litellm_provider: 'openai', mode: 'image_generation' },
  'gpt-broken': { litellm_provider: 'openai', mode: 'chat', input_cost_per_token: -1 },
}

const bytes = (text: string) => new TextEncoder().encode(text)

const entryOf = (key: string, value: unknown): CatalogModel => {
  const read = readCatalogEntry(key, value)
  if (!read.ok || read.value === null) throw new Error(JSON.stringify(read))
  return read.value
}

describe('entries of a catalogue', () => {
  it('are taken from LiteLLM with exact prices, also of long requests', () => {
    expect(entryOf('gemini/gemini-2.5-pro', LITELLM['gemini/gemini-2.5-pro'])).toMatchObject({
      provider: 'google',
      model: 'gemini-2.5-pro',
      contextTokens: 1_048_576,
      usdPerMillionTokens: {
        input: 1.25,
        cachedInput: 0.125,
        output: 10,
        longContext: { aboveInputTokens: 200_000, input: 2.5, cachedInput: 0.25, output: 15 },
      },
      capabilities: { vision: true, tools: true, jsonSchema: true, reasoning: true },
    })
    const glm = entryOf(
      'cloudflare/@cf/zai-org/glm-4.7-flash',
      LITELLM['cloudflare/@cf/zai-org/glm-4.7-flash'],
    )
    expect(glm).toMatchObject({
      provider: 'workers-ai',
      model: '@cf/zai-org/glm-4.7-flash',
      usdPerMillionTokens: { input: 0.0605, output: 0.4 },
    })
    expect(entryOf('text-embedding-3-small', LITELLM['text-embedding-3-small'])).toMatchObject({
      provider: 'openai',
      kind: 'embeddings',
      outputTokensMax: 0,
    })
  })

  it('are those of models and providers that are known', () => {
    for (const key of ['sample_spec', 'amazon.nova-lite-v1:0', 'dall-e-2'] as const)
      expect(readCatalogEntry(key, LITELLM[key])).toEqual({ ok: true, value: null })
    expect(readCatalogEntry('$about', 'text')).toEqual({ ok: true, value: null })
  })

  const sound = {
    contextTokens: 1,
    outputTokensMax: 1,
    usdPerMillionTokens: { input: 1, output: 1 },
    capabilities: {},
  }

  it.each([
    ['a/b', null],
    ['a/b', { ...sound, contextTokens: 0 }],
    ['a/b', { ...sound, usdPerMillionTokens: { input: Number.NaN, output: 1 } }],
    ['a/b', { ...sound, usdPerMillionTokens: { input: 1e-12, output: 1 } }],
    ['a/b', { ...sound, apiKey: 'x' }],
    ['no-provider', sound],
    ['a/b c', sound],
    ['a/', sound],
    ['gpt-broken', LITELLM['gpt-broken']],
  ])('are refused one by one: %s %j', (key, value) => {
    expect(readCatalogEntry(key, value)).toMatchObject({ ok: false })
  })
})

describe('the shipped catalogue', () => {
  it('is sound, and has every model that is routed over by default', () => {
    const catalog = new ModelCatalog(SHIPPED_MODELS)
    expect(catalog.all().length).toBe(SHIPPED_MODELS.length)
    for (const { provider, model, usdPerMillionTokens } of DEFAULT_CONFIG.candidates) {
      const found = catalog.find(provider, model)
      expect(found?.usdPerMillionTokens).toMatchObject({
        input: usdPerMillionTokens.input,
        output: usdPerMillionTokens.output,
      })
    }
  })

  it('has prices that costs are made of', () => {
    const usage = {
      inputTokens: 1_000_000,
      cachedInputTokens: 0,
      cacheWriteTokens: 0,
      outputTokens: 0,
      reasoningTokens: 0,
    }
    for (const { usdPerMillionTokens: prices } of SHIPPED_MODELS)
      expect(costNanoUsdOf(prices, usage)).toBe(
        Math.round((prices.longContext?.input ?? prices.input) * 1e9),
      )
  })

  it('is found by aliases and over providers', () => {
    const catalog = new ModelCatalog(SHIPPED_MODELS)
    expect(catalog.find('anthropic', 'claude-sonnet-4-5-20250929')?.model).toBe('claude-sonnet-4-5')
    expect(catalog.find('openai', 'claude-sonnet-4-5')).toBeNull()
    expect(catalog.named('openai/gpt-oss-120b').map(({ provider }) => provider)).toEqual(['groq'])
    expect(catalog.named('gpt-4.1-2025-04-14')[0]?.model).toBe('gpt-4.1')
  })

  it('gives way to newer entries, and has a name once', () => {
    const [first] = SHIPPED_MODELS
    if (first === undefined) throw new Error('empty')
    const dearer = { ...first, usdPerMillionTokens: { input: 99, output: 99 } }
    const catalog = new ModelCatalog([...SHIPPED_MODELS, dearer])
    expect(catalog.find(first.provider, first.model)?.usdPerMillionTokens.input).toBe(99)
    expect(catalog.named(first.model)).toEqual([dearer])
  })
})

describe('members of a JSON object', () => {
  const read = (text: string, chunkBytes: number) => {
    const reader = new MemberReader()
    const whole = bytes(text)
    const members: (readonly [string, unknown])[] = []
    for (let at = 0; at < whole.length; at += chunkBytes) {
      const found = reader.push(whole.subarray(at, at + chunkBytes))
      if (!found.ok) return found.error
      members.push(...found.value)
    }
    return reader.isWhole ? Object.fromEntries(members) : 'open'
  }

  const text =
    ' {"a" : {"b":[1,{"c":"}]\\",{"}]} ,\n"é\\"": "ü, 🎈" , "n": -1.5e3,"t":true, "e":{} } \n'

  it.each([1, 2, 3, 7, 1_000])('are those of JSON.parse in pieces of %i bytes', (chunkBytes) => {
    expect(read(text, chunkBytes)).toEqual(JSON.parse(text))
    expect(read('{}', chunkBytes)).toEqual({})
  })

  it.each([
    '[]',
    '"a"',
    '{"a":1,}',
    '{,}',
    '{"a"}',
    '{"a":1}}',
    '{"a":1]',
    '{"a":01}',
    '{a:1}',
    '{"a":1}x',
  ])('are none of %s', (wrong) => {
    expect(typeof read(wrong, 2)).toBe('string')
  })

  it('are open where the text is cut, and bounded where it is long', () => {
    for (let end = 1; end < text.trim().length; end++)
      expect(read(text.trim().slice(0, end), 5)).toBe('open')
    expect(read(`{"a":"${'x'.repeat(70_000)}"}`, 1_000)).toMatch(/longer/)
  })
})

describe('a refresh of the catalogue', () => {
  const answer = (body: string | null, init: ResponseInit = {}) =>
    (async () => new Response(body, init)) as unknown as typeof fetch

  it('reads what is sound and counts what is not', async () => {
    const outcome = await refreshCatalog(
      'https://x.test/prices.json',
      null,
      answer(JSON.stringify(LITELLM, null, 4), { headers: { etag: '"1"' } }),
    )
    expect(outcome).toMatchObject({ kind: 'read', etag: '"1"', skipped: 1 })
    if (outcome.kind !== 'read') throw new Error(outcome.kind)
    expect(outcome.models.length).toBe(3)
    expect(outcome.firstFault).toMatch(/^gpt-broken/)
  })

  it('leaves all as it is where nothing changed, or nothing whole came', async () => {
    const url = 'https://x.test/prices.json'
    let sent: unknown
    const unchanged = (async (_: string, init: RequestInit) => {
      sent = init.headers
      return new Response(null, { status: 304 })
    }) as unknown as typeof fetch
    expect(await refreshCatalog(url, '"1"', unchanged)).toEqual({ kind: 'unchanged' })
    expect(sent).toMatchObject({ 'if-none-match': '"1"' })
    const cut = JSON.stringify(LITELLM).slice(0, 900)
    for (const fetcher of [
      answer(cut),
      answer('<html>'),
      answer('{}'),
      answer('no', { status: 500 }),
      (() => Promise.reject(new TypeError('https://user:pw@x.test'))) as typeof fetch,
    ]) {
      const outcome = await refreshCatalog(url, null, fetcher)
      expect(outcome).toMatchObject({ kind: 'failed' })
      expect(JSON.stringify(outcome)).not.toMatch(/pw|x\.test/)
    }
  })
})

describe('readCatalog', () => {
  it('names the entry at fault', () => {
    expect(() => readCatalog({ 'a/b': {} })).toThrow(/a\/b/)
  })
})

describe('the catalogue of an isolate', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
    vi.restoreAllMocks()
  })

  const settings = { catalogUrl: 'https://x.test/prices.json', catalogReloadMs: 3_600_000 }
  const catalogOf = (input: number) =>
    JSON.stringify({
      'openai/gpt-4.1': {
        contextTokens: 1,
        outputTokensMax: 1,
        usdPerMillionTokens: { input, output: 1 },
        capabilities: {},
      },
    })

  it('is swapped beside requests, keeps what it had where nothing came, and is asked rarely', async () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue()
    const work: Promise<void>[] = []
    const inputAt = (nowMs: number): number | undefined =>
      modelCatalog(settings, nowMs, (one) => work.push(one)).find('openai', 'gpt-4.1')
        ?.usdPerMillionTokens.input
    vi.stubGlobal('fetch', async () => new Response(catalogOf(7)))
    expect(inputAt(1_000)).toBe(2)
    expect(inputAt(1_001)).toBe(2)
    expect(work.length).toBe(1)
    await Promise.all(work)
    expect(inputAt(1_002)).toBe(7)
    const held = modelCatalog(settings, 1_003, (one) => work.push(one))
    expect(held.find('anthropic', 'claude-haiku-4-5')).not.toBeNull()

    vi.stubGlobal('fetch', async () => new Response('', { status: 503 }))
    expect(inputAt(3_601_000)).toBe(7)
    await Promise.all(work)
    expect(work.length).toBe(2)
    expect(warn.mock.calls.join()).toMatch(/status 503/)
    expect(inputAt(3_601_001)).toBe(7)
    expect(work.length).toBe(2)

    vi.stubGlobal('fetch', async () => new Response(catalogOf(8)))
    expect(inputAt(3_601_000 + 360_000)).toBe(7)
    await Promise.all(work)
    expect(inputAt(3_961_001)).toBe(8)
    expect(work.length).toBe(3)
  })

  it('is the shipped one without an address', () => {
    const work: Promise<void>[] = []
    modelCatalog({ ...settings, catalogUrl: null }, 1e12, (one) => work.push(one))
    expect(work).toEqual([])
  })
})
