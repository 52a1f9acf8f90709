import { describe, expect, it } from 'vitest'
import '../kernels/load.ts'
import { failOver, REPETITIONS_MAX, type Server } from '../../src/gateway/failover.ts'
import type { UpstreamFault } from '../../src/gateway/faults.ts'
import { HedgePolicy, TIMES_MIN } from '../../src/resilience/hedge.ts'
import { err, ok } from '../../src/result.ts'
import { DEADLINES, engineWith, GPT, PARTS, refusal, sound, stream } from './engine-fixture.ts'
import { VirtualClock } from './virtual-clock.ts'

const serversOf = (...ids: string[]): Server[] =>
  ids.map((id) => ({ id, providerId: id.split('/')[0] ?? '' }))

/** Gives each candidate its faults in turn, then lets it serve. */
const failing = async (
  ids: string[],
  faults: Record<string, UpstreamFault[]>,
  { totalMs = 60_000, random = 1, signal = null as AbortSignal | null } = {},
) => {
  const clock = new VirtualClock()
  const startMs = clock.now()
  const asked: { id: string; atMs: number }[] = []
  const result = await clock.until(
    failOver(
      serversOf(...ids),
      async ({ id }) => {
        asked.push({ id, atMs: clock.now() - startMs })
        const fault = faults[id]?.shift()
        return fault === undefined ? ok(id) : err(fault)
      },
      { clock, random: () => random, totalDueMs: startMs + totalMs, signal },
    ),
  )
  return { result, asked }
}

const limited = (retryAfterMs: number | null): UpstreamFault => ({
  reason: 'rate-limited',
  status: 429,
  retryAfterMs,
})
const server = (status: number): UpstreamFault => ({
  reason: 'server',
  status,
  detail: '',
  retryAfterMs: null,
})
const CONNECTION: UpstreamFault = { reason: 'connection', detail: 'no answer' }
const REFUSED: UpstreamFault = { reason: 'connection', detail: 'refused' }

describe('candidates', () => {
  it('are asked in their order until one serves', async () => {
    const { result, asked } = await failing(['a/1', 'b/1', 'c/1'], {
      'a/1': [server(500)],
      'b/1': [{ reason: 'malformed', detail: '' }],
    })
    expect(result).toMatchObject({ ok: true, value: { value: 'c/1', failures: { length: 2 } } })
    expect(asked).toEqual([
      { id: 'a/1', atMs: 0 },
      { id: 'b/1', atMs: 0 },
      { id: 'c/1', atMs: 0 },
    ])
  })

  it('of a provider that cannot be reached come behind the others', async () => {
    const { asked } = await failing(['a/1', 'a/2', 'b/1'], { 'a/1': [CONNECTION] })
    expect(asked.map(({ id }) => id)).toEqual(['a/1', 'b/1'])
    const model = await failing(['a/1', 'a/2', 'b/1'], { 'a/1': [server(500)] })
    expect(model.asked.map(({ id }) => id)).toEqual(['a/1', 'a/2'])
  })

  it.each([
    ['500', server(500)],
    ['a connection that broke', CONNECTION],
    ['a time-out', { reason: 'timeout', stage: 'headers', afterMs: 1 }],
    ['a break', { reason: 'interrupted', detail: '' }],
    ['what is no answer', { reason: 'malformed', detail: '' }],
    ['a credential that is refused', { reason: 'credential', status: 401 }],
    ['an open breaker', { reason: 'unavailable', detail: '', retryAfterMs: 1 }],
  ] as [string, UpstreamFault][])(
    'are not asked twice after %s: the request may have been accepted, or waiting does not help',
    async (_, fault) => {
      const { result, asked } = await failing(['a/1'], { 'a/1': [fault] })
      expect(result).toMatchObject({ ok: false, error: [{ fault }] })
      expect(asked).toHaveLength(1)
    },
  )

  it.each([
    ['429', limited(null)],
    ['503', server(503)],
    ['529', server(529)],
    ['a connection that was refused', REFUSED],
    ['a full limit of ours', { reason: 'unavailable', detail: 'at-limit' }],
  ] as [string, UpstreamFault][])(
    'are asked again after %s when nobody else is left, with full jitter',
    async (_, fault) => {
      const { result, asked } = await failing(
        ['a/1', 'b/1'],
        { 'a/1': [fault], 'b/1': [server(500)] },
        { random: 0.5 },
      )
      expect(result.ok).toBe(true)
      expect(asked).toEqual([
        { id: 'a/1', atMs: 0 },
        { id: 'b/1', atMs: 0 },
        { id: 'a/1', atMs: 125 },
      ])
    },
  )

  it('are waited for as long as they ask, the shortest first', async () => {
    const { asked } = await failing(['a/1', 'b/1'], {
      'a/1': [limited(9_000)],
      'b/1': [limited(4_000)],
    })
    expect(asked.at(-1)).toEqual({ id: 'b/1', atMs: 4_000 })
  })

  it('are not waited for beyond the budget, and others are not waited for at all', async () => {
    const beyond = await failing(['a/1'], { 'a/1': [limited(60_000)] })
    expect(beyond.result.ok).toBe(false)
    expect(beyond.asked).toHaveLength(1)
    const other = await failing(['a/1', 'b/1'], { 'a/1': [limited(1_000)] })
    expect(other.asked.at(-1)).toEqual({ id: 'b/1', atMs: 0 })
  })

  it('are asked again a bounded number of times', async () => {
    const faults = Array.from({ length: 10 }, () => limited(10))
    const { result, asked } = await failing(['a/1'], { 'a/1': faults })
    expect(result.ok).toBe(false)
    expect(asked).toHaveLength(1 + REPETITIONS_MAX)
  })

  it('are left alone once the client has left', async () => {
    const client = new AbortController()
    client.abort()
    const { asked } = await failing(
      ['a/1', 'b/1'],
      { 'a/1': [server(500)] },
      { signal: client.signal },
    )
    expect(asked).toHaveLength(1)
  })
})

describe('deadlines', () => {
  const timed = async (isStream: boolean, acts: Parameters<typeof stream>, deadlines = {}) => {
    const engine = engineWith(
      (id, request) => (id === 'gpt' ? stream(...acts) : sound(id, request)),
      { deadlines: { ...DEADLINES, ...deadlines } },
    )
    const startMs = engine.clock.now()
    const told = await engine.ask({ isStream, targets: ['gpt/large', 'gptspare/large'] })
    return { ...told, tookMs: engine.clock.now() - startMs, faults: engine.faults }
  }

  it.each([
    { isStream: true, stage: 'first-token', tookMs: 10_000 },
    { isStream: false, stage: 'total', tookMs: 20_000 },
  ])('end an attempt at the $stage', async ({ isStream, stage, tookMs }) => {
    const told = await timed(isStream, ['HANG'])
    expect(told).toMatchObject({ status: 200, attempts: 2, tookMs })
    expect(told.faults[0]).toMatchObject({ reason: 'timeout', stage })
  })

  it('end an attempt without headers', async () => {
    const { ask, clock, faults } = engineWith((id, request) =>
      id === 'gpt' ? { kind: 'hang' } : sound(id, request),
    )
    const startMs = clock.now()
    await ask({ isStream: true, targets: ['gpt/large', 'gptspare/large'] })
    expect(clock.now() - startMs).toBe(DEADLINES.headersMs)
    expect(faults[0]).toEqual({ reason: 'timeout', stage: 'headers', afterMs: 5_000 })
  })

  it('commit a stream that has said anything when the time to peek is over', async () => {
    const slow = [GPT.role, { waitMs: 5_000 }, GPT.hello, GPT.finish, GPT.done] as const
    const told = await timed(true, [...slow], { peekMs: 3_000 })
    expect(told).toMatchObject({ status: 200, attempts: 1 })
    expect(told.text).toContain('Hello')
    const silent = await timed(true, [{ waitMs: 11_000 }, ...slow], { peekMs: 3_000 })
    expect(silent).toMatchObject({ status: 200, attempts: 2 })
  })

  it('bound all attempts together', async () => {
    const { ask, clock, records } = engineWith(() => ({ kind: 'hang' }), { totalMs: 7_000 })
    const startMs = clock.now()
    const told = await ask({ isStream: true, targets: ['gpt/large', 'gptspare/large'] })
    expect(told.status).toBe(504)
    expect(clock.now() - startMs).toBe(7_000)
    expect(records).toMatchObject([{ outcome: 'error', fault: 'timeout', attempts: 2 }])
  })

  it('count for each silence of a stream, not for the whole of it', async () => {
    const acts = Array.from({ length: 20 }, () => [GPT.hello, { waitMs: 7_000 }]).flat()
    const told = await timed(true, [...acts, GPT.finish, GPT.usage, GPT.done])
    expect(told.text.endsWith(GPT.done)).toBe(true)
    expect(told.tookMs).toBe(140_000)
  })
})

describe('retries of a whole request', () => {
  it('wait for Retry-After where no other candidate is left', async () => {
    let asked = 0
    const { ask, clock } = engineWith((id, request) =>
      asked++ === 0 ? refusal(id, 429, { 'retry-after': '3' }) : sound(id, request),
    )
    const startMs = clock.now()
    expect(await ask()).toMatchObject({ status: 200, attempts: 2 })
    expect(clock.now() - startMs).toBe(3_000)
  })

  it('tell the client how long to wait where that is too long', async () => {
    const { ask } = engineWith((id) => refusal(id, 429, { 'retry-after': '120' }))
    const told = await ask()
    expect(told.status).toBe(429)
    expect(JSON.parse(told.text).error.code).toBe('rate_limit_exceeded')
  })
})

describe('a second candidate beside a slow one', () => {
  const TARGETS = ['gpt/large', 'claude/large']
  const policies = (share: number) => {
    const made = new Map<string, HedgePolicy>()
    return ({ id }: { id: string }) => {
      const policy = made.get(id) ?? new HedgePolicy(share)
      if (!made.has(id)) for (let i = 0; i < TIMES_MIN; i++) policy.measured(100)
      made.set(id, policy)
      return policy
    }
  }
  const slow = stream(GPT.role, { waitMs: 5_000 }, GPT.hello, GPT.finish, GPT.usage, GPT.done)

  it('wins when it is first; the other call is ended and counted', async () => {
    const { ask, sent, records, clock } = engineWith(
      (id, request) => (id === 'gpt' ? slow : sound(id, request)),
      { hedgeOf: policies(0.1) },
    )
    const startMs = clock.now()
    const told = await ask({ isStream: true, targets: TARGETS })
    expect(told).toMatchObject({ status: 200, attempts: 2 })
    expect(clock.now() - startMs).toBe(100)
    expect(sent[0]?.signal.aborted).toBe(true)
    expect(records).toMatchObject([{ provider: 'claude', costNanoUsd: 17_000 + 10_000 }])
  })

  it('loses when the first one is faster after all', async () => {
    const soon = stream(GPT.role, { waitMs: 200 }, GPT.hello, GPT.finish, GPT.usage, GPT.done)
    const later = stream(PARTS.anthropic.role, { waitMs: 5_000 }, PARTS.anthropic.hello)
    const { ask, sent, records } = engineWith((id) => (id === 'gpt' ? soon : later), {
      hedgeOf: policies(0.1),
    })
    await ask({ isStream: true, targets: TARGETS })
    expect(sent[1]?.signal.aborted).toBe(true)
    expect(records).toMatchObject([{ provider: 'gpt', attempts: 2 }])
  })

  it('is not asked while the first is as fast as most, nor beyond its share', async () => {
    const { ask, sent } = engineWith((id) => (id === 'gpt' ? slow : sound(id, sent[0] as never)), {
      hedgeOf: policies(0),
    })
    await ask({ isStream: true, targets: TARGETS })
    expect(sent).toHaveLength(1)
  })

  it('serves where the first one fails meanwhile', async () => {
    const broken = stream(GPT.role, { waitMs: 200 }, 'BREAK')
    const { ask, records } = engineWith(
      (id, request) =>
        id === 'gpt'
          ? broken
          : { ...(sound(id, request) as { kind: 'answer'; acts: [] }), waitMs: 500 },
      { hedgeOf: policies(0.1) },
    )
    expect(await ask({ isStream: true, targets: TARGETS })).toMatchObject({ status: 200 })
    expect(records).toMatchObject([{ outcome: 'ok', provider: 'claude' }])
  })
})
