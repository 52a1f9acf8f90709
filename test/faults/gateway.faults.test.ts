import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Behaviour, Fault } from '../../local/mock-llm/behaviour.ts'
import { MOCK_LLM_KEY } from '../../local/mock-llm/providers.ts'
import {
  askAndReset,
  askChat,
  type ChatAsk,
  type ChatEnd,
  DIALECTS,
} from '../support/gateway-chat.ts'
import type { MockControl } from '../support/mock-llm.ts'
import { type Stack, startStack } from '../support/stack.ts'
import { until } from '../support/until.ts'

/** Shorter than a client waits, longer than a busy machine takes. */
const SILENCE_MS = 2_500

let stack: Stack
let mock: MockControl
beforeAll(async () => {
  stack = await startStack({
    env: {
      GJALLAR_SETTING_GATEWAY_HEADERS_MS: String(SILENCE_MS),
      GJALLAR_SETTING_GATEWAY_ANSWER_MS: String(SILENCE_MS),
      GJALLAR_SETTING_GATEWAY_FIRST_TOKEN_MS: String(SILENCE_MS),
      GJALLAR_SETTING_GATEWAY_IDLE_MS: String(SILENCE_MS),
      GJALLAR_SETTING_GATEWAY_TOTAL_MS: '20000',
    },
  })
  mock = stack.mock
})
afterEach(() => mock?.reset())
afterAll(() => stack?.stop())

const PROVIDERS = ['openai', 'anthropic', 'google', 'workers-ai'] as const
let models = 0
/** A model that was not asked before: what failed for another says nothing of it. */
const newModel = (provider: (typeof PROVIDERS)[number]): string => `${provider}/model-${++models}`
/** One of each provider. */
const newModels = (): string[] => PROVIDERS.map(newModel)

const ask = (of: ChatAsk): Promise<ChatEnd> => askChat(stack.api, of)

/** Nothing that a client is told names upstreams or their keys. */
const expectNoLeak = ({ raw }: ChatEnd): void => {
  expect(raw).not.toContain(MOCK_LLM_KEY)
  expect(raw).not.toContain('127.0.0.1')
  expect(raw).not.toContain('asked for')
}

/** Each way that a question can be asked. */
const ways = DIALECTS.flatMap((dialect) =>
  [false, true].map((isStream) => ({ dialect, isStream, way: isStream ? 'stream' : 'answer' })),
)

const BEFORE: readonly Fault[] = [
  'reset',
  'close',
  'reset-in-headers',
  'rate-limited',
  'server-error',
  'unavailable',
  'overloaded',
  'html-error',
  'wrong-type',
  'malformed',
  'error-first',
  'empty',
  'drop',
  'truncated',
  'stall',
  'stall-stream',
]

describe('a fault before the first content', () => {
  it.each(ways)('is made good by another candidate: $dialect, $way', async (way) => {
    for (const fault of BEFORE) {
      await mock.script({ queues: { '*': [{ fault, afterTokens: 0 }] } })
      const end = await ask({ ...way, model: 'auto' })
      expect({ fault, kind: end.kind, status: end.status }).toEqual({
        fault,
        kind: 'complete',
        status: 200,
      })
      expect(end.text).toContain('This is a mock')
      const { faults, queued } = await mock.counts()
      expect({ [fault]: faults[fault], queued }).toEqual({ [fault]: 1, queued: 0 })
      await mock.reset()
      // A provider that mostly fails would not be asked any more.
      for (let good = 0; good < 2; good++) await ask({ ...way, model: 'auto' })
      await mock.reset()
    }
  })

  it.each(ways)('is told where there is no other candidate: $dialect, $way', async (way) => {
    for (const provider of PROVIDERS) {
      for (const fault of ['reset', 'html-error', 'malformed', 'error-first'] as const) {
        const model = newModel(provider)
        await mock.script({ queues: { '*': Array.from({ length: 10 }, () => ({ fault })) } })
        const end = await ask({ ...way, model })
        expect({ model, fault, kind: end.kind, status: end.status }).toEqual({
          model,
          fault,
          kind: 'error',
          status: expect.toSatisfy((status: number) => status === 502 || status === 503),
        })
        expectNoLeak(end)
      }
      await mock.script({})
      await ask({ ...way, model: newModel(provider) })
    }
  })

  it.each(ways)('with Retry-After is told so: $dialect, $way', async (way) => {
    await mock.script({ always: { fault: 'rate-limited', retryAfter: '30' } })
    const end = await ask({ ...way, model: newModel('openai') })
    expect(end).toMatchObject({ status: 429, kind: 'error' })
    expect(Number(end.retryAfter)).toBeGreaterThanOrEqual(28)
    expect(Number(end.retryAfter)).toBeLessThanOrEqual(30)
  })

  it('waits as long as a provider says, where no other has the model', async () => {
    await mock.script({ queues: { '*': [{ fault: 'rate-limited', retryAfter: '1' }] } })
    const startedMs = performance.now()
    const end = await ask({ dialect: 'openai', model: newModel('openai'), isStream: false })
    expect(end.kind).toBe('complete')
    expect(performance.now() - startedMs).toBeGreaterThan(900)
  })
})

const AFTER: readonly Fault[] = [
  'error-event',
  'malformed-event',
  'drop',
  'truncated',
  'stall-mid-stream',
]

describe('a fault after the first content', () => {
  const cases = DIALECTS.flatMap((dialect) => AFTER.map((fault) => ({ dialect, fault })))
  it.each(cases)('is an event of an error: $dialect, $fault', async ({ dialect, fault }) => {
    // Slow enough that the stream is the client's before it breaks.
    const behaviour: Behaviour = { fault, afterTokens: 3, tokensPerSecond: 10 }
    await mock.script({ always: behaviour })
    const asked = newModels().map(async (model) => ({
      model,
      end: await ask({ dialect, model, isStream: true }),
    }))
    for (const { model, end } of await Promise.all(asked)) {
      expect({ model, status: end.status, kind: end.kind, text: end.text }).toEqual({
        model,
        status: 200,
        kind: 'error',
        text: 'This is a',
      })
      expect(end.raw).not.toContain('[DONE]')
      expect(end.costNanoUsd).toEqual(expect.any(BigInt))
      expectNoLeak(end)
    }
    expect((await mock.counts()).started).toBe(PROVIDERS.length)
  })
})

describe('a client that leaves', () => {
  it.each(ways)('ends the request upstream: $dialect, $way', async (way) => {
    await mock.script({ always: { tokensPerSecond: 4, outputTokens: 400 } })
    const isAsked = () =>
      until('the mock to be asked', async () => (await mock.counts()).active === 1)
    for (const model of newModels()) {
      if (way.isStream) {
        const leaving = new AbortController()
        const asked = ask({ ...way, model, signal: leaving.signal }).catch(() => 'left')
        await isAsked()
        leaving.abort()
        expect(await asked).toBe('left')
      } else {
        await askAndReset(stack.api, { ...way, model }, isAsked)
      }
      await until('the mock to be left', async () => (await mock.counts()).active === 0)
    }
    expect(await mock.counts()).toMatchObject({ aborted: PROVIDERS.length })
    // Because the client left, not because a deadline passed.
    await until('the ledger to tell it', async () => {
      const { requests } = await stack.api.json<{ requests: { outcome: string }[] }>(
        `/api/v1/llm/requests?limit=${PROVIDERS.length}`,
      )
      return (
        requests.length === PROVIDERS.length &&
        requests.every(({ outcome }) => outcome === 'cancelled')
      )
    })
  })
})

describe('an unusual stream', () => {
  const TEXT = 'naïve 日本 🙂 and the end'
  it.each([
    { what: 'CRLF', behaviour: { lineEnd: 'crlf' } },
    { what: 'CR', behaviour: { lineEnd: 'cr' } },
    { what: 'pieces of 3 bytes', behaviour: { chunkBytes: 3 } },
    { what: 'pieces of 1 byte and CRLF', behaviour: { chunkBytes: 1, lineEnd: 'crlf' } },
  ] as const)('of $what reaches the client whole', async ({ behaviour }) => {
    await mock.script({ always: { text: TEXT, ...behaviour } })
    for (const model of newModels()) {
      for (const dialect of DIALECTS) {
        const end = await ask({ dialect, model, isStream: true })
        expect({ model, dialect, text: end.text }).toEqual({ model, dialect, text: TEXT })
      }
    }
  })

  it('with a line of a megabyte reaches the client whole', async () => {
    await mock.script({ always: { paddingBytes: 1_048_576 } })
    for (const model of newModels()) {
      for (const dialect of DIALECTS) {
        const end = await ask({ dialect, model, isStream: true })
        expect(end.kind).toBe('complete')
        expect(end.text.length).toBeGreaterThan(1_048_576)
      }
    }
  })
})

describe('a mock that is gone', () => {
  it('is an error, and serves again when it is back', async () => {
    const killed = await stack.kill('mock-llm', 'SIGKILL')
    for (const way of ways) {
      const end = await ask({ ...way, model: newModel('anthropic') })
      if (end.kind === 'complete') break
      expect([502, 503]).toContain(end.status)
      expectNoLeak(end)
    }
    await stack.restarted('mock-llm', killed)
    await until(
      'an answer',
      async () => {
        const end = await ask({ dialect: 'openai', model: newModel('openai'), isStream: false })
        return end.kind === 'complete'
      },
      60_000,
    )
  })
})
