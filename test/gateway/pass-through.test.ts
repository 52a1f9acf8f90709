import { describe, expect, it } from 'vitest'
import {
  PASS_THROUGH_ADAPTERS,
  parsePassThrough,
  readCredentials,
} from '../../src/gateway/pass-through.ts'

const ALL = new Set(PASS_THROUGH_ADAPTERS)
const KEY = 'gjl_0123456789abcdef0123456789abcdef'

const read = (headers: Record<string, string>, enabled: typeof ALL = ALL) =>
  readCredentials(new Headers(headers), enabled)

describe('credentials of a request', () => {
  it.each([
    { authorization: `Bearer ${KEY}` },
    { authorization: `bearer  ${KEY} ` },
    { 'x-api-key': KEY },
    { 'x-gjallar-key': KEY },
    // The SDK of Anthropic may send both.
    { 'x-api-key': KEY, authorization: `Bearer ${KEY}` },
  ])('are a key of ours in %j', (headers) => {
    expect(read(headers as Record<string, string>)).toEqual({
      ok: true,
      value: { key: KEY, passThrough: null },
    })
  })

  it.each([
    ['openai-key', 'openai', 'bearer', { authorization: 'Bearer sk-proj-abc' }],
    ['anthropic-oauth', 'anthropic', 'bearer', { authorization: 'Bearer sk-ant-oat01-abc' }],
    ['anthropic-key', 'anthropic', 'x-api-key', { 'x-api-key': 'sk-ant-api03-abc' }],
    ['google-oauth', 'google', 'bearer', { authorization: 'Bearer ya29.abc' }],
    ['gemini-key', 'google', 'x-goog-api-key', { 'x-goog-api-key': 'AIzaabc' }],
  ] as const)('of %s go to %s as %s, and nowhere else', (adapter, id, scheme, headers) => {
    const found = read(headers)
    if (!found.ok || found.value.passThrough === null) throw new Error('no credential')
    const { passThrough, key } = found.value
    expect(key).toBeNull()
    expect(passThrough).toMatchObject({ adapter, providerId: id, credential: { scheme } })
    for (const other of ['openai', 'anthropic', 'google', 'groq', 'openrouter'])
      expect(passThrough.mayUse({ id: other })).toBe(other === id)
    const rest = new Set(PASS_THROUGH_ADAPTERS.filter((name) => name !== adapter))
    expect(read(headers, rest)).toEqual({ ok: false, error: { reason: 'disabled', adapter } })
  })

  it('may be of a provider beside a key of ours', () => {
    const found = read({ 'x-gjallar-key': KEY, authorization: 'Bearer sk-abc' })
    expect(found).toMatchObject({ value: { key: KEY, passThrough: { adapter: 'openai-key' } } })
    const two = read({ authorization: `Bearer ${KEY}`, 'x-api-key': 'sk-ant-abc' })
    expect(two).toMatchObject({ value: { key: KEY, passThrough: { adapter: 'anthropic-key' } } })
  })

  it.each([
    [{}, 'absent'],
    [{ authorization: 'Basic abc' }, 'malformed'],
    [{ authorization: 'Bearer ' }, 'malformed'],
    [{ authorization: 'Bearer a b' }, 'malformed'],
    [{ 'x-api-key': 'schl\u00fcssel' }, 'malformed'],
    [{ 'x-goog-api-key': 'x'.repeat(5_000) }, 'malformed'],
    [{ authorization: `Bearer ${KEY}`, 'x-gjallar-key': `${KEY}0` }, 'ambiguous'],
    [{ authorization: 'Bearer sk-abc', 'x-goog-api-key': 'AIza' }, 'ambiguous'],
    [{ authorization: 'Bearer sk-or-v1-abc' }, 'not-passed-on'],
    [{ 'x-api-key': 'sk-abc' }, 'not-passed-on'],
  ])('%j are refused as %s, without being repeated', (headers, reason) => {
    const found = read(headers as Record<string, string>)
    expect(found).toMatchObject({ ok: false, error: { reason } })
    expect(JSON.stringify(found)).not.toMatch(/abc|gjl_|AIza|schl/)
  })
})

describe('the setting PASS_THROUGH', () => {
  it('names adapters, none by default', () => {
    expect(parsePassThrough('')).toEqual(new Set())
    expect(parsePassThrough(' gemini-key, openai-key,')).toEqual(
      new Set(['openai-key', 'gemini-key']),
    )
    expect(() => parsePassThrough('openai')).toThrow(/PASS_THROUGH/)
  })
})
