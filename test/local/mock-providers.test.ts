import { describe, expect, it } from 'vitest'
import {
  MOCK_LLM_KEY,
  mockedProviders,
  mockProviders,
  providerKeysOf,
} from '../../local/mock-llm/providers.ts'
import { readProviders } from '../../src/gateway/provider-settings.ts'

describe('the providers of a local stack', () => {
  it('are mocks that are called so, where no key is in the environment', () => {
    const mocked = mockedProviders({})
    const providers = readProviders({ PROVIDERS: mockProviders(mocked, 4_321), MOCK_LLM_KEY })
    expect(providers.map(({ id, kind, baseUrl, isMock }) => [id, kind, baseUrl, isMock])).toEqual([
      ['openai', 'openai', 'http://127.0.0.1:4321/openai/v1', true],
      ['anthropic', 'anthropic', 'http://127.0.0.1:4321/anthropic/v1', true],
      ['google', 'gemini', 'http://127.0.0.1:4321/google/v1beta', true],
      ['together', 'openai', 'http://127.0.0.1:4321/together/v1', true],
      ['workers-ai', 'workers-ai', 'http://127.0.0.1:4321/workers-ai', true],
    ])
  })

  it('are the real ones where their keys are there', () => {
    const keys = providerKeysOf({ OPENAI_API_KEY: 'sk-real', CLOUDFLARE_API_TOKEN: 'half', X: 'y' })
    expect(keys).toEqual({ OPENAI_API_KEY: 'sk-real', CLOUDFLARE_API_TOKEN: 'half' })
    const mocked = mockedProviders(keys)
    // Workers AI has an account beside its token.
    expect(mocked.map(({ id }) => id)).toEqual(['anthropic', 'google', 'together', 'workers-ai'])
    const bindings = { PROVIDERS: mockProviders(mocked, 1), MOCK_LLM_KEY, ...keys }
    const openai = readProviders(bindings).find(({ id }) => id === 'openai')
    expect(openai).toMatchObject({ baseUrl: 'https://api.openai.com/v1', isMock: false })
    expect(mockedProviders({ ...keys, CLOUDFLARE_ACCOUNT_ID: 'a' })).toHaveLength(3)
  })
})
