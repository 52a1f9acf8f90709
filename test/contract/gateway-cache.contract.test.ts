import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { createApi } from '../support/api.ts'
import { createMockControl } from '../support/mock-llm.ts'

const api = createApi(inject('baseUrl'), inject('developmentKey'))
const mock = createMockControl(inject('mockUrl'))
const openai = new OpenAI({ baseURL: `${api.url}/v1`, apiKey: api.key, maxRetries: 0 })
const anthropic = new Anthropic({ baseURL: api.url, apiKey: api.key, maxRetries: 0 })

const MODEL = 'openai/gpt-4.1-mini'
/** Nobody else's question, so that another run of the same stack meets nothing of this one. */
const RUN = `run ${crypto.randomUUID()}`

const ask = (content: string, mode: string | null, more: Record<string, unknown> = {}) =>
  openai.chat.completions
    .create(
      { model: MODEL, temperature: 0, messages: [{ role: 'user', content }], ...more },
      { headers: mode === null ? {} : { 'x-gjallar-cache': mode } },
    )
    .withResponse()

const seenBy = async (work: () => Promise<unknown>): Promise<number> => {
  const before = (await mock.requests()).length
  await work()
  return (await mock.requests()).length - before
}

beforeAll(() => mock.reset())

describe('answers that are given again', () => {
  it('are those to the same request, where the client asked for it, and cost nothing', async () => {
    const question = `${RUN}: which bridge does the watchman guard?`
    const first = await ask(question, 'exact')
    expect(first.response.headers.get('x-gjallar-cache')).toBe('none')
    const asked = await seenBy(async () => {
      const again = await ask(question, 'exact')
      expect(again.response.headers.get('x-gjallar-cache')).toBe('exact')
      expect(again.response.headers.get('x-gjallar-cost-usd')).toBe('0.000000000')
      expect(again.response.headers.get('age')).toMatch(/^\d+$/)
      expect(again.data.choices[0]?.message.content).toBe(first.data.choices[0]?.message.content)
      expect(again.data.usage?.total_tokens).toBe(first.data.usage?.total_tokens)
    })
    expect(asked).toBe(0)
  })

  it('are given as a stream where one is asked for, and kept from one', async () => {
    const question = `${RUN}: how many worlds are there?`
    const stream = async () => {
      const opened = await openai.chat.completions
        .create(
          {
            model: MODEL,
            temperature: 0,
            messages: [{ role: 'user', content: question }],
            stream: true,
            stream_options: { include_usage: true },
          },
          { headers: { 'x-gjallar-cache': 'exact' } },
        )
        .withResponse()
      let text = ''
      let tokens = 0
      for await (const chunk of opened.data) {
        text += chunk.choices[0]?.delta.content ?? ''
        tokens = chunk.usage?.total_tokens ?? tokens
      }
      return { text, tokens, cache: opened.response.headers.get('x-gjallar-cache') }
    }
    const first = await stream()
    expect(first.cache).toBe('none')
    expect(await stream()).toEqual({ ...first, cache: 'exact' })
    const whole = await ask(question, 'exact')
    expect(whole.data.choices[0]?.message.content).toBe(first.text)
  })

  it('are given to Anthropic’s client in its own words', async () => {
    const create = () =>
      anthropic.messages
        .create(
          // The client's types have no temperature any more; the protocol does.
          Object.assign(
            {
              model: MODEL,
              max_tokens: 100,
              messages: [{ role: 'user' as const, content: `${RUN}: who blows the horn?` }],
            },
            { temperature: 0 },
          ),
          { headers: { 'x-gjallar-cache': 'exact' } },
        )
        .withResponse()
    const first = await create()
    const again = await create()
    expect(again.response.headers.get('x-gjallar-cache')).toBe('exact')
    expect(again.data.content).toEqual(first.data.content)
    expect(again.data.stop_reason).toBe(first.data.stop_reason)
    expect(again.data.usage.output_tokens).toBe(first.data.usage.output_tokens)
  })

  it('are those to nearly the same words where that was asked for, told with how near', async () => {
    const question = `${RUN}: How do I restart the proxy on the edge server without any downtime?`
    await ask(question, 'semantic')
    const near = await ask(question.toLowerCase().replace('?', ''), 'semantic')
    expect(near.response.headers.get('x-gjallar-cache')).toBe('semantic')
    expect(near.response.headers.get('x-gjallar-cache-similarity')).toMatch(
      /^(0\.9[789]\d\d|1\.0000) \(lexical-hash-v1\)$/,
    )
    for (const other of [
      question.replace('proxy', 'database'),
      `${question} I have 3 of them.`,
      `${question} And how do I stop it when it does not answer any more?`,
    ]) {
      const far = await ask(other, 'semantic')
      expect(far.response.headers.get('x-gjallar-cache')).toBe('none')
    }
    const elsewhere = await ask(question.toLowerCase(), 'semantic', { max_tokens: 7 })
    expect(elsewhere.response.headers.get('x-gjallar-cache')).toBe('none')
  })

  it.each([
    { what: 'nobody asked for it', mode: null, more: {} },
    { what: 'it is off', mode: 'off', more: {} },
    { what: 'chance is asked for', mode: 'exact', more: { temperature: 0.7 } },
    { what: 'several answers are asked for', mode: 'exact', more: { n: 2 } },
  ])('are none where $what', async ({ mode, more }) => {
    const question = `${RUN}: ${JSON.stringify({ mode, more })}`
    for (let i = 0; i < 2; i++) {
      const { response } = await ask(question, mode, more)
      expect(response.headers.get('x-gjallar-cache')).toBe('none')
    }
  })

  it('are never another organisation’s', async () => {
    const question = `${RUN}: what does only one tenant know?`
    await ask(question, 'semantic')
    const slug = `cache-${crypto.randomUUID().slice(0, 8)}`
    await api.post('/api/v1/organisations', { slug, name: slug })
    const grant = { name: 'theirs', scopes: ['write'], organisation: slug }
    const { key: apiKey } = await api.post<{ key: string }>('/api/v1/keys', grant)
    const other = new OpenAI({ baseURL: `${api.url}/v1`, apiKey, maxRetries: 0 })
    const { response } = await other.chat.completions
      .create(
        { model: MODEL, temperature: 0, messages: [{ role: 'user', content: question }] },
        { headers: { 'x-gjallar-cache': 'semantic' } },
      )
      .withResponse()
    expect(response.headers.get('x-gjallar-cache')).toBe('none')
  })

  it('are refused in a mode that does not exist', async () => {
    const error = await ask('hello', 'sometimes').catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(OpenAI.BadRequestError)
    expect(String(error)).toContain('off, exact, semantic')
  })
})
