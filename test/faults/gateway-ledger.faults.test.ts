import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Behaviour, Fault } from '../../local/mock-llm/behaviour.ts'
import type { ModelCounts } from '../../local/mock-llm/counts.ts'
import { type Api, createApi } from '../support/api.ts'
import { askChat, type ChatAsk, type ChatEnd } from '../support/gateway-chat.ts'
import type { MockControl } from '../support/mock-llm.ts'
import { type Stack, startStack } from '../support/stack.ts'
import { until } from '../support/until.ts'

/** The full size is 10,000. */
const REQUESTS = Number(process.env.GJALLAR_FAULT_REQUESTS ?? 1_000)
const IN_FLIGHT = 32
const SEED = 42

/** Whole nano-dollars for a token, so that nothing is rounded: input, cached input, output. */
const PRICES: Readonly<Record<string, readonly [bigint, bigint, bigint]>> = {
  'openai/gpt-4.1-nano': [100n, 25n, 400n],
  'openai/gpt-4.1-mini': [400n, 100n, 1_600n],
  'anthropic/claude-haiku-4-5': [1_000n, 100n, 5_000n],
  'together/mistralai/Mixtral-8x7B-Instruct-v0.1': [600n, 600n, 600n],
}

const candidateOf = (id: string) => {
  const [input = 0n, cached = 0n, output = 0n] = PRICES[id] ?? []
  const usd = (nanoUsd: bigint): number => Number(nanoUsd) / 1_000
  return {
    provider: id.slice(0, id.indexOf('/')),
    model: id.slice(id.indexOf('/') + 1),
    measuredAs: 'mistralai/Mixtral-8x7B-Instruct-v0.1',
    contextTokens: 100_000,
    outputTokensMax: 32_000,
    usdPerMillionTokens: { input: usd(input), output: usd(output), cachedInput: usd(cached) },
    capabilities: { vision: false, tools: true, json: true, jsonSchema: false },
    buckets: ['cheap', 'mid', 'hard'],
  }
}

const KINDS: readonly (Fault | Behaviour)[] = [
  'reset',
  'close',
  'server-error',
  'unavailable',
  { fault: 'rate-limited', retryAfter: '0' },
  'html-error',
  'malformed',
  'error-first',
  'empty',
  // The stream is the client's before it breaks.
  { fault: 'error-event', afterTokens: 4, writes: 'each' },
  { fault: 'drop', afterTokens: 4, tokensPerSecond: 200 },
  { fault: 'truncated', afterTokens: 4, tokensPerSecond: 200 },
  { fault: 'malformed-event', afterTokens: 4, tokensPerSecond: 200 },
]

let stack: Stack
let mock: MockControl
beforeAll(async () => {
  stack = await startStack()
  mock = stack.mock
})
afterEach(() => mock?.reset())
afterAll(() => stack?.stop())

/** An organisation of its own, whose spend is that of one test. */
const newTenant = async (): Promise<Api> => {
  const slug = `faults-${crypto.randomUUID().slice(0, 8)}`
  await stack.api.post('/api/v1/organisations', { slug, name: 'Faults' })
  const { key } = await stack.api.post<{ key: string }>('/api/v1/keys', {
    name: 'faults',
    organisation: slug,
    scopes: ['admin'],
  })
  const api = createApi(stack.url, key)
  await api.json('/api/v1/router/config', {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ candidates: Object.keys(PRICES).map(candidateOf) }),
  })
  // The first request wakes the router; what it costs is counted, too.
  return api
}

const costOf = (name: string, counts: ModelCounts): bigint => {
  const [input, cached, output] = PRICES[name] ?? []
  if (input === undefined || cached === undefined || output === undefined)
    throw new Error(`${name} was asked, which nobody offers`)
  const cachedTokens = BigInt(counts.cachedInputTokens)
  return (
    (BigInt(counts.inputTokens) - cachedTokens) * input +
    cachedTokens * cached +
    BigInt(counts.outputTokens) * output
  )
}

interface Tally {
  readonly complete: number
  readonly interrupted: number
  readonly refused: number
  /** Of answers that were complete, and of streams that broke, as the clients were told. */
  readonly completeNanoUsd: bigint
  readonly interruptedNanoUsd: bigint
}

const tallyOf = (ends: readonly ChatEnd[]): Tally => {
  const sum = (some: readonly ChatEnd[]): bigint =>
    some.reduce((total, { costNanoUsd }) => total + (costNanoUsd ?? 0n), 0n)
  const complete = ends.filter(({ kind }) => kind === 'complete')
  const interrupted = ends.filter(({ kind, status }) => kind === 'error' && status === 200)
  return {
    complete: complete.length,
    interrupted: interrupted.length,
    refused: ends.length - complete.length - interrupted.length,
    completeNanoUsd: sum(complete),
    interruptedNanoUsd: sum(interrupted),
  }
}

/** What the mock itself would bill for answers whose tokens it told. */
const billedNanoUsd = async (): Promise<bigint> => {
  const { models } = await mock.counts()
  return Object.entries(models).reduce((sum, [name, counts]) => sum + costOf(name, counts), 0n)
}

const NANO_PER_USD = 1e9

/** Dollars of a row are whole nano-dollars divided once: they are found again exactly. */
const spentNanoUsd = async (api: Api): Promise<bigint> => {
  const { rows } = await api.json<{ rows: { costUsd: number }[] }>('/api/v1/llm/spend')
  return rows.reduce((sum, { costUsd }) => sum + BigInt(Math.round(costUsd * NANO_PER_USD)), 0n)
}

const expectExact = async (api: Api, ends: readonly ChatEnd[]): Promise<Tally> => {
  const tally = tallyOf(ends)
  expect(tally.completeNanoUsd).toBe(await billedNanoUsd())
  const all = tally.completeNanoUsd + tally.interruptedNanoUsd
  await until(
    `the ledger to have ${all} nano-dollars`,
    async () => (await spentNanoUsd(api)) === all,
    60_000,
  ).catch(async (error) => {
    expect(await spentNanoUsd(api)).toBe(all)
    throw error
  })
  return tally
}

const waysOf = (index: number): Omit<ChatAsk, 'more'> => {
  const names = ['auto', ...Object.keys(PRICES)]
  return {
    dialect: index % 2 === 0 ? 'openai' : 'anthropic',
    isStream: index % 4 < 2,
    model: names[index % names.length] ?? 'auto',
  }
}

describe('random faults', () => {
  it(`in a fifth of ${REQUESTS} requests leave every client a whole answer or an error, and the ledger exact`, {
    timeout: 900_000,
  }, async () => {
    const api = await newTenant()
    await mock.script({ always: { outputTokens: 12, cachedInputTokens: 2 } })
    await mock.faults({ rate: 0.2, seed: SEED, kinds: [...KINDS] })
    const ends: ChatEnd[] = []
    let next = 0
    const loop = async (): Promise<void> => {
      while (next < REQUESTS) ends.push(await askChat(api, waysOf(next++)))
    }
    await Promise.all(Array.from({ length: IN_FLIGHT }, loop))
    const tally = await expectExact(api, ends)
    expect(ends).toHaveLength(REQUESTS)
    expect(tally.complete).toBeGreaterThan(REQUESTS / 2)
    expect(tally.interrupted).toBeGreaterThan(0)
    const { faults, active, aborted } = await mock.counts()
    expect(Object.keys(faults).length).toBeGreaterThan(10)
    expect({ active, aborted }).toEqual({ active: 0, aborted: 0 })
  })

  it('in 200 streams at once leave the ledger exact', { timeout: 180_000 }, async () => {
    const api = await newTenant()
    await mock.script({ always: { outputTokens: 30, tokensPerSecond: 20 } })
    const kinds = ['error-event', 'drop', 'truncated', 'malformed-event', 'server-error'] as const
    await mock.faults({ rate: 0.3, seed: SEED, kinds: [...kinds] })
    const ends = await Promise.all(
      Array.from({ length: 200 }, (_, index) => askChat(api, { ...waysOf(index), isStream: true })),
    )
    const tally = await expectExact(api, ends)
    expect(tally.interrupted).toBeGreaterThan(10)
    expect(tally.complete).toBeGreaterThan(100)
  })
})
