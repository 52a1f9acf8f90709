import { describe, expect, it } from 'vitest'
import { readBaseUrl } from '../../src/gateway/provider-address.ts'
import { readProviders } from '../../src/gateway/provider-settings.ts'

const read = (providers: unknown, bindings: Record<string, string> = {}) =>
  readProviders({ ...bindings, PROVIDERS: JSON.stringify(providers) })

const messageOf = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    expect(error).toBeInstanceOf(RangeError)
    return (error as Error).message
  }
  throw new Error('nothing was thrown')
}

describe('providers', () => {
  it('are those whose key is bound, where nothing else is set', () => {
    expect(readProviders({})).toEqual([])
    expect(readProviders({ OPENAI_API_KEY: '', GROQ_API_KEY: ' ' })).toEqual([])
    const bound = readProviders({
      OPENAI_API_KEY: 'sk-1\n',
      ANTHROPIC_API_KEY: 'sk-ant-1',
      GEMINI_API_KEY: 'AIza1',
    })
    expect(bound).toEqual([
      {
        id: 'openai',
        kind: 'openai',
        baseUrl: 'https://api.openai.com/v1',
        keys: [{ credential: { scheme: 'bearer', secret: 'sk-1' }, weight: 1 }],
        isMock: false,
      },
      {
        id: 'anthropic',
        kind: 'anthropic',
        baseUrl: 'https://api.anthropic.com/v1',
        keys: [{ credential: { scheme: 'x-api-key', secret: 'sk-ant-1' }, weight: 1 }],
        isMock: false,
      },
      {
        id: 'google',
        kind: 'gemini',
        baseUrl: 'https://generativelanguage.googleapis.com/v1beta',
        keys: [{ credential: { scheme: 'x-goog-api-key', secret: 'AIza1' }, weight: 1 }],
        isMock: false,
      },
    ])
  })

  it('have the account of Cloudflare in their address, and are absent without it', () => {
    expect(readProviders({ CLOUDFLARE_API_TOKEN: 't' })).toEqual([])
    const [workersAi] = readProviders({
      CLOUDFLARE_API_TOKEN: 't',
      CLOUDFLARE_ACCOUNT_ID: '../0123',
    })
    expect(workersAi?.baseUrl).toBe('https://api.cloudflare.com/client/v4/accounts/..%2F0123')
  })

  it('have pools of keys with weights, or none', () => {
    const [pool, local] = read(
      [
        {
          id: 'openai',
          keys: [{ binding: 'OPENAI_A_KEY', weight: 3 }, { binding: 'OPENAI_B_KEY' }],
        },
        { id: 'ollama', kind: 'openai', baseUrl: 'http://127.0.0.1:11434/v1/', keys: [] },
      ],
      { OPENAI_A_KEY: 'sk-a', OPENAI_B_KEY: 'sk-b' },
    )
    expect(pool?.keys.map(({ weight }) => weight)).toEqual([3, 1])
    expect(local?.baseUrl).toBe('http://127.0.0.1:11434/v1')
    expect(local?.keys).toEqual([{ credential: { scheme: 'none', secret: '' }, weight: 1 }])
  })

  it('replace and leave out the well-known ones, and say what is a mock', () => {
    const providers = read(
      [
        { id: 'openai', baseUrl: 'http://localhost:9/v1', keys: [], mock: true },
        { id: 'groq', enabled: false },
      ],
      { OPENAI_API_KEY: 'sk-real', GROQ_API_KEY: 'gsk', MISTRAL_API_KEY: 'm' },
    )
    expect(providers.map(({ id, isMock }) => [id, isMock])).toEqual([
      ['openai', true],
      ['mistral', false],
    ])
    expect(JSON.stringify(providers)).not.toContain('sk-real')
  })

  it.each([
    ['not JSON', '[{', /not JSON/],
    ['an object', { id: 'openai' }, /list/],
    ['a field that nobody knows', [{ id: 'openai', apiKey: 'sk-secret' }], /0/],
    ['an id with a slash', [{ id: 'a/b' }], /0\.id/],
    ['an id that has another meaning', [{ id: 'gjallar' }], /another meaning/],
    ['a kind that is missing', [{ id: 'x', baseUrl: 'https://x.test', keys: [] }], /x: kind/],
    ['keys for another address', [{ id: 'openai', baseUrl: 'https://x.test' }], /keys are missing/],
    ['a binding that is not set', [{ id: 'openai' }], /OPENAI_API_KEY is not set/],
    [
      'a binding of the worker itself',
      [{ id: 'openai', keys: [{ binding: 'DATABASE_URL' }] }],
      /binding/,
    ],
    ['a weight of 0', [{ id: 'openai', keys: [{ binding: 'A_KEY', weight: 0 }] }], /weight/],
    [
      'an id twice',
      [
        { id: 'openai', keys: [] },
        { id: 'openai', keys: [] },
      ],
      /twice/,
    ],
  ])('refuse %s, without repeating it', (_, providers, expected) => {
    const setting = typeof providers === 'string' ? providers : JSON.stringify(providers)
    const message = messageOf(() =>
      readProviders({ PROVIDERS: setting, DATABASE_URL: 'postgres://u:pw@h/d' }),
    )
    expect(message).toMatch(expected)
    expect(message).not.toMatch(/sk-secret|pw@/)
  })

  it('refuse keys that would end a header, without repeating them', () => {
    const message = messageOf(() => readProviders({ OPENAI_API_KEY: 'sk-1\r\nx-evil: 1' }))
    expect(message).toMatch(/OPENAI_API_KEY/)
    expect(message).not.toMatch(/sk-1|evil/)
  })
})

describe('base URLs', () => {
  it.each([
    ['https://api.openai.com/v1/', false, 'https://api.openai.com/v1'],
    ['http://localhost:8080', false, 'http://localhost:8080'],
    ['http://[::1]:1/v1', false, 'http://[::1]:1/v1'],
    ['http://10.0.0.7/v1', true, 'http://10.0.0.7/v1'],
    ['http://vllm:8000/v1', true, 'http://vllm:8000/v1'],
  ])('%s is taken', (text, mayBePrivate, url) => {
    expect(readBaseUrl(text, mayBePrivate)).toEqual({ url })
  })

  it.each([
    ['http://api.openai.com/v1', true],
    ['http://10.0.0.7/v1', false],
    ['http://172.32.0.1/', true],
    ['https://user:secret@x.test/', true],
    ['https://x.test/?key=secret', true],
    ['file:///etc/passwd', true],
    ['secret', true],
  ])('%s is refused without being repeated', (text, mayBePrivate) => {
    const read = readBaseUrl(text, mayBePrivate)
    expect(read).toHaveProperty('fault')
    expect(JSON.stringify(read)).not.toMatch(/secret|passwd|10\.0/)
  })
})
