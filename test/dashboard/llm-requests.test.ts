import { describe, expect, it } from 'vitest'
import { REQUESTS_HELD_MAX, withNewest, withOlder } from '../../dashboard/src/llm/request-list.ts'
import type { LlmRequest } from '../../dashboard/src/llm/types.ts'

const requestAt = (atMs: number, changes: Partial<LlmRequest> = {}): LlmRequest => ({
  id: `r${String(atMs).padStart(6, '0')}`,
  atMs,
  keyId: null,
  kind: 'chat',
  outcome: 'ok',
  fault: null,
  requestedModel: 'auto',
  provider: 'openai',
  model: 'gpt-4.1',
  bucket: 'hard',
  isCanary: false,
  attempts: 1,
  isStream: false,
  cache: 'none',
  inputTokens: 1,
  cachedInputTokens: 0,
  outputTokens: 1,
  reasoningTokens: 0,
  usageSource: 'provider',
  costUsd: 0,
  latencyMs: 1,
  timeToFirstTokenMs: null,
  ...changes,
})

const pageOf = (times: readonly number[], nextCursor: string | null = 'next') => ({
  requests: times.map((atMs) => requestAt(atMs)),
  nextCursor,
})
const timesOf = (list: { readonly requests: readonly LlmRequest[] }): number[] =>
  list.requests.map(({ atMs }) => atMs)

describe('the list of requests', () => {
  it('puts what is new before what was read further back', () => {
    const held = withOlder(withNewest(null, pageOf([5, 4], 'a')), pageOf([3, 2], 'b'))
    const next = withNewest(held, pageOf([6, 5], 'c'))
    expect(timesOf(next)).toEqual([6, 5, 4, 3, 2])
    // It goes on where the oldest page ended, not where the newest did.
    expect(next.nextCursor).toBe('b')
  })

  it('takes in what arrives late, and the newer word on a request', () => {
    const held = withNewest(null, pageOf([5, 3]))
    const late = { requests: [requestAt(5, { costUsd: 2 }), requestAt(4)], nextCursor: 'x' }
    const next = withNewest(held, late)
    expect(timesOf(next)).toEqual([5, 4, 3])
    expect(next.requests[0]?.costUsd).toBe(2)
  })

  it('lets go what no longer joins, rather than have a hole', () => {
    const held = withOlder(withNewest(null, pageOf([5, 4], 'a')), pageOf([3, 2], 'b'))
    const next = withNewest(held, pageOf([99, 98], 'c'))
    expect(timesOf(next)).toEqual([99, 98])
    expect(next.nextCursor).toBe('c')
  })

  it('has no more to read where a page is the whole', () => {
    expect(withNewest(withNewest(null, pageOf([2], 'a')), pageOf([3, 2], null)).nextCursor).toBe(
      null,
    )
  })

  it('orders requests of one millisecond as the service does', () => {
    const [low, high] = [requestAt(7, { id: 'a' }), requestAt(7, { id: 'b' })]
    const held = withNewest(null, { requests: [low], nextCursor: 'a' })
    const next = withNewest(held, { requests: [high, low], nextCursor: 'b' })
    expect(next.requests.map(({ id }) => id)).toEqual(['b', 'a'])
  })

  it('ends at a bound', () => {
    const times = Array.from({ length: REQUESTS_HELD_MAX - 1 }, (_, i) => REQUESTS_HELD_MAX + 9 - i)
    const held = withNewest(null, pageOf(times, 'a'))
    expect(withOlder(held, pageOf([2], 'b')).nextCursor).toBe(null)
  })
})
