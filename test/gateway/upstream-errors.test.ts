import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  DETAIL_LENGTH_MAX,
  retryAfterMsOf,
  safeDetail,
  statusFault,
  streamFault,
} from '../../src/gateway/upstream-errors.ts'

describe('words of a provider', () => {
  it('hold no keys and no addresses', () => {
    for (const [told, safe] of [
      ['Incorrect API key provided: sk-proj-Ab12*****.', 'Incorrect API key provided: [key]'],
      ['Bearer eyJhbGciOiJIUzI1NiJ9.e30.abc refused', '[key] refused'],
      ['key AIzaSyA1234567890abcdef is blocked', 'key [key] is blocked'],
      ['no key 0123456789abcdef0123456789abcdef here', 'no key [key] here'],
      ['see https://platform.openai.com/account/api-keys.', 'see [address]'],
      ['connect to 10.0.0.7:8000 failed', 'connect to [address] failed'],
      ['vllm-0.models.svc.cluster.local:8000 is down', '[address] is down'],
      ['host gpu-3.rack:8443 is down', 'host [address] is down'],
      ['dial tcp ollama:11434: refused', 'dial tcp [address]: refused'],
      ['at [fd00::1]:8080, or fe80::1:2:3:4', 'at [address], or [address]'],
      ['limits of org-AbCdEf1234567890AbCdEf12', 'limits of [key]'],
      ['a\r\nx-injected:\u0000 1', 'a x-injected: 1'],
    ] as const)
      expect(safeDetail(told)).toBe(safe)
  })

  it('stay as they are where they hold none', () => {
    for (const told of [
      "Invalid value: 'x'. Supported values are: 'a', and 'b'.",
      'The model `gpt-4.1-mini-2025-04-14` does not exist.',
      'messages.0.content: must be a list',
      'max_tokens: 4096 is above the org-level limit of llama3:70b at 12:30:00',
    ])
      expect(safeDetail(told)).toBe(told)
  })

  it('are bounded, and read in time linear in them', () => {
    expect(safeDetail('x '.repeat(10_000)).length).toBeLessThanOrEqual(DETAIL_LENGTH_MAX)
    const hostile = fc.stringMatching(/^[a-z.\-:/@0-9 ]*$/)
    fc.assert(
      fc.property(hostile, (text) => {
        expect(safeDetail(text.repeat(200)).length).toBeLessThanOrEqual(DETAIL_LENGTH_MAX)
      }),
      { seed: 42 },
    )
  })
})

describe('waiting', () => {
  it('is told in milliseconds, seconds or by a date', () => {
    const date = { date: 'Sun, 22 Nov 2026 01:00:00 GMT' }
    for (const [headers, ms] of [
      [{}, null],
      [{ 'retry-after': '2' }, 2000],
      [{ 'retry-after': '0.5' }, 500],
      [{ 'retry-after-ms': '250', 'retry-after': '2' }, 250],
      [{ ...date, 'retry-after': 'Sun, 22 Nov 2026 01:01:00 GMT' }, 60_000],
      [{ ...date, 'retry-after': 'Sun, 22 Nov 2026 00:59:00 GMT' }, 0],
      [{ 'retry-after': 'Sun, 22 Nov 2026 01:01:00 GMT' }, null],
      [{ 'retry-after': '-5' }, null],
      [{ 'retry-after': 'soon' }, null],
      [{ 'retry-after': '99999999999' }, 86_400_000],
    ] as const)
      expect(retryAfterMsOf(new Headers(headers as Record<string, string>))).toBe(ms)
  })
})

describe('errors', () => {
  const error = (message: string, code: string | null = null, type: string | null = null) => ({
    message,
    type,
    code,
    param: null,
  })

  it('at a limit are of the limit, whatever they say of tokens', () => {
    const told = error('Too many tokens, please wait', 'rate_limit_exceeded', 'tokens')
    expect(statusFault(429, new Headers(), told)).toMatchObject({ reason: 'rate-limited' })
    expect(streamFault(told)).toMatchObject({ reason: 'rate-limited', status: 429 })
  })

  it('in a stream have the status of their kind, else that of a broken server', () => {
    expect(streamFault(error('x', null, 'overloaded_error'))).toMatchObject({ status: 529 })
    expect(streamFault(error('x', '503'))).toMatchObject({ reason: 'server', status: 503 })
    expect(streamFault(error('x', 'odd'))).toMatchObject({ reason: 'server', status: 500 })
    expect(streamFault(error('x', 'context_length_exceeded'))).toMatchObject({
      reason: 'context-exceeded',
    })
  })

  it('of a kind that every object has a word for are those of a broken server', () => {
    const error = { message: 'x', type: 'constructor', code: 'toString', param: null }
    expect(streamFault(error)).toMatchObject({ reason: 'server', status: 500 })
  })

  it('that redirect are no answers', () => {
    expect(statusFault(302, new Headers(), null)).toMatchObject({ reason: 'malformed' })
  })

  it('without a cause of the protocol are the server’s, but for a refused key', () => {
    expect(statusFault(401, new Headers(), null)).toMatchObject({ reason: 'credential' })
    expect(statusFault(403, new Headers(), null)).toMatchObject({ reason: 'server' })
    expect(statusFault(408, new Headers(), error('late'))).toMatchObject({ reason: 'server' })
  })
})
