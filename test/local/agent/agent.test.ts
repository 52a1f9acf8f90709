import { describe, expect, it } from 'vitest'
import { Agent, type AgentEnvironment, BATCH_SAMPLES_MAX } from '../../../local/agent/agent.ts'
import { createClient } from '../../../local/agent/client.ts'
import type { Reading } from '../../../local/agent/sample.ts'

const VM_ID = '00000000-0000-4000-8000-000000000001'
const IDENTITY = {
  name: 'web-1',
  cpu_cores: 2,
  memory_mb: 4_096,
  disk_gb: 40,
  region: 'local',
  instance_type: 'linux-x64',
}
const VM = { id: VM_ID, ...IDENTITY, status: 'running' }

interface Call {
  method: string
  path: string
  body: { samples: { timestamp: number; vm: string }[] } & Record<string, unknown>
  authorization: string | null
}
type Answer = (call: Call) => Response

/**
 * A service and a clock that stands still except in `sleep`: an agent whose sleeps are awaited one
 * after the other, for `untilMs` of simulated time.
 */
const simulate = async (
  answer: Answer,
  options: { untilMs: number; queuedSamplesMax?: number },
): Promise<{ agent: Agent; calls: Call[]; log: string[]; sleepsMs: number[] }> => {
  const calls: Call[] = []
  const log: string[] = []
  const sleepsMs: number[] = []
  let nowMs = 0
  const sleepers: { dueMs: number; wake: () => void }[] = []
  const read = async (): Promise<Reading> => ({
    timestampMs: nowMs,
    monotonicMs: nowMs,
    cpu: { busy: nowMs / 4, total: nowMs },
    memory: null,
    diskUsedPercent: null,
    network: null,
    disk: null,
  })
  const environment: AgentEnvironment = {
    read,
    nowMs: () => nowMs,
    random: () => 0.5,
    sleep: (ms) => {
      sleepsMs.push(ms)
      return new Promise((wake) => sleepers.push({ dueMs: nowMs + ms, wake: () => wake() }))
    },
    log: (line) => log.push(line),
  }
  const client = createClient({
    baseUrl: 'http://gjallar.test',
    key: 'gjl_test',
    nowMs: () => nowMs,
    fetch: async (input, init) => {
      const call: Call = {
        method: init?.method ?? 'GET',
        path: new URL(String(input)).pathname,
        body: typeof init?.body === 'string' ? JSON.parse(init.body) : {},
        authorization: new Headers(init?.headers).get('authorization'),
      }
      calls.push(call)
      return answer(call)
    },
  })
  const agent = new Agent(client, environment, {
    identity: IDENTITY,
    intervalMs: 1_000,
    ...(options.queuedSamplesMax === undefined
      ? {}
      : { queuedSamplesMax: options.queuedSamplesMax }),
  })
  const running = agent.run()
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  for (;;) {
    await settle()
    await settle()
    sleepers.sort((a, b) => a.dueMs - b.dueMs)
    const next = sleepers.shift()
    if (next === undefined) break
    nowMs = Math.max(nowMs, next.dueMs)
    if (nowMs >= options.untilMs) agent.end()
    next.wake()
  }
  await running
  return { agent, calls, log, sleepsMs }
}

const accepted = (call: Call): Response =>
  Response.json({
    accepted: call.body.samples.length,
    duplicates: 0,
    refused: [],
    refusedTotal: 0,
  })
const problem = (status: number, detail: string, headers: Record<string, string> = {}): Response =>
  Response.json({ title: 'Problem', detail }, { status, headers })

const timestampsOf = (calls: Call[]): number[] =>
  calls
    .filter((call) => call.path === '/api/v1/metrics')
    .flatMap((call) => call.body.samples.map((sample) => sample.timestamp))

describe('the agent against a healthy service', () => {
  it('finds its VM by name and sends every second, with the key', async () => {
    const { agent, calls, log } = await simulate(
      (call) => (call.method === 'GET' ? Response.json(VM) : accepted(call)),
      { untilMs: 5_500 },
    )
    expect(calls[0]).toMatchObject({ method: 'GET', path: '/api/v1/vms/web-1' })
    expect(calls.every((call) => call.authorization === 'Bearer gjl_test')).toBe(true)
    expect(timestampsOf(calls)).toEqual([1_000, 2_000, 3_000, 4_000, 5_000])
    expect(agent.delivered).toBe(5)
    expect(log).toEqual([`Found VM "web-1" (${VM_ID})`])
  })

  it('creates its VM when there is none', async () => {
    const { calls } = await simulate(
      (call) => {
        if (call.method === 'GET') return problem(404, 'no such VM')
        return call.path === '/api/v1/vms' ? Response.json(VM, { status: 201 }) : accepted(call)
      },
      { untilMs: 1_500 },
    )
    expect(calls[1]).toMatchObject({
      method: 'POST',
      path: '/api/v1/vms',
      body: { ...IDENTITY, status: 'running' },
    })
    expect(timestampsOf(calls)).toEqual([1_000])
  })

  it('starts a VM that was stopped, and tells its new size', async () => {
    const { calls } = await simulate(
      (call) => {
        if (call.method === 'GET') return Response.json({ ...VM, status: 'stopped', cpu_cores: 1 })
        return call.path === '/api/v1/metrics' ? accepted(call) : Response.json(VM)
      },
      { untilMs: 1_500 },
    )
    expect(calls.map((call) => `${call.method} ${call.path}`)).toEqual([
      'GET /api/v1/vms/web-1',
      `PUT /api/v1/vms/${VM_ID}`,
      `POST /api/v1/vms/${VM_ID}/start`,
      'POST /api/v1/metrics',
    ])
  })
})

describe('the agent against a service in trouble', () => {
  it('drops nothing below its bound and sends all in order once the service is back', async () => {
    let answering = true
    let attempt = 0
    const { agent, calls, log } = await simulate(
      (call) => {
        if (call.method === 'GET') return Response.json(VM)
        answering = ++attempt > 6
        return answering ? accepted(call) : problem(503, 'the journal is full')
      },
      { untilMs: 60_000 },
    )
    const delivered = calls.slice(1 + 6)
    const expected = Array.from({ length: 59 }, (_, index) => (index + 1) * 1_000)
    expect(timestampsOf(delivered)).toEqual(expected)
    expect(agent.queue.dropped).toBe(0)
    expect(log.join('\n')).toContain('503: the journal is full')
    expect(log.join('\n')).toContain('answers again')
  })

  it('drops the oldest beyond its bound and says so once', async () => {
    const { agent, log } = await simulate(
      (call) => (call.method === 'GET' ? Response.json(VM) : problem(500, 'broken')),
      { untilMs: 30_000, queuedSamplesMax: 5 },
    )
    expect(agent.queue.length).toBe(5)
    expect(agent.queue.dropped).toBe(29 - 5)
    expect(log.filter((line) => line.includes('bound of 5 samples'))).toHaveLength(1)
  })

  it('waits as long as Retry-After asks', async () => {
    const { sleepsMs } = await simulate(
      (call) =>
        call.method === 'GET' ? Response.json(VM) : problem(429, 'slow', { 'retry-after': '20' }),
      { untilMs: 15_000 },
    )
    expect(sleepsMs.some((ms) => ms >= 20_000 && ms < 21_000)).toBe(true)
  })

  it('survives a service that cannot be reached', async () => {
    const { calls, log } = await simulate(
      () => {
        throw new TypeError('fetch failed', {
          cause: Object.assign(new Error('no'), { code: 'ECONNREFUSED' }),
        })
      },
      { untilMs: 5_000 },
    )
    expect(calls.length).toBeGreaterThan(2)
    expect(log[0]).toContain('ECONNREFUSED')
  })

  it('says what to do when the key is refused', async () => {
    const { log } = await simulate(() => problem(401, 'unknown key'), { untilMs: 3_000 })
    expect(log[0]).toContain('GJALLAR_KEY')
    expect(log).toHaveLength(1)
  })

  it('gives a batch up that is refused as a whole, and goes on', async () => {
    const { calls, log } = await simulate(
      (call) => {
        if (call.method === 'GET') return Response.json(VM)
        return call.body.samples[0]?.timestamp === 1_000 ? problem(400, 'bad') : accepted(call)
      },
      { untilMs: 3_500 },
    )
    expect(timestampsOf(calls)).toEqual([1_000, 2_000, 3_000])
    expect(log.join('\n')).toContain('400: bad')
  })

  it('halves a batch that is too large', async () => {
    const { calls } = await simulate(
      (call) => {
        if (call.method === 'GET') return Response.json(VM)
        if (calls.length < 8) return problem(503, 'away', { 'retry-after': '100' })
        return call.body.samples.length > 200 ? problem(413, 'too large') : accepted(call)
      },
      { untilMs: 900_000 },
    )
    const sizes = calls.slice(8).map((call) => call.body.samples.length)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(BATCH_SAMPLES_MAX)
    expect(sizes.filter((size) => size <= 200).length).toBeGreaterThan(3)
  })

  it('registers anew when its VM was deleted, and loses no sample by it', async () => {
    let deleted = true
    const { calls, agent } = await simulate(
      (call) => {
        if (call.method === 'GET') return Response.json(VM)
        if (!deleted) return accepted(call)
        deleted = false
        const refused = [{ index: 0, reason: 'unknown-vm', detail: 'no such VM' }]
        return Response.json(
          { accepted: 0, duplicates: 0, refused, refusedTotal: 1 },
          { status: 422 },
        )
      },
      { untilMs: 2_500 },
    )
    expect(calls.map((call) => call.method)).toEqual(['GET', 'POST', 'GET', 'POST', 'POST'])
    expect(timestampsOf(calls)).toEqual([1_000, 1_000, 2_000])
    expect(agent.delivered).toBe(2)
  })
})
