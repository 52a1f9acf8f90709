import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MOCK_LLM_KEY, mockedProviders, mockProviders } from '../../local/mock-llm/providers.ts'
import { type MockLlm, startMockLlm } from '../../local/mock-llm/server.ts'
import type { ChatEvent } from '../../src/gateway/chat.ts'
import { readProviders } from '../../src/gateway/provider-settings.ts'
import { PROTOCOLS } from '../../src/gateway/providers/index.ts'
import type { StreamDecoder } from '../../src/gateway/providers/types.ts'
import { SseSplitter } from '../../src/gateway/sse.ts'
import { createMockControl } from '../support/mock-llm.ts'

const TEXT = 'naïve 日本 🙂'

let mock: MockLlm
beforeAll(async () => {
  mock = await startMockLlm()
  await createMockControl(mock.url).script({
    always: { text: TEXT, chunkBytes: 5, lineEnd: 'crlf', outputTokens: 3 },
  })
})
afterAll(() => mock?.stop())

const eventsOf = async (response: Response, decoder: StreamDecoder): Promise<ChatEvent[]> => {
  const splitter = new SseSplitter()
  const events: ChatEvent[] = []
  for await (const bytes of response.body ?? []) {
    const split = splitter.push(bytes)
    if (!split.ok) throw new Error(JSON.stringify(split.error))
    for (const event of split.value) events.push(...decoder.decode(event))
  }
  for (const event of splitter.end()) events.push(...decoder.decode(event))
  return [...events, ...(decoder.end?.() ?? [])]
}

describe('the mock', () => {
  const ids = mockedProviders({}).map(({ id }) => id)
  it.each(ids)('speaks the protocol of %s', async (id) => {
    const settings = readProviders({
      PROVIDERS: mockProviders(mockedProviders({}), mock.port),
      MOCK_LLM_KEY,
    }).find((provider) => provider.id === id)
    const key = settings?.keys[0]
    if (settings === undefined || key === undefined) throw new Error(`no provider ${id}`)
    const protocol = PROTOCOLS[settings.kind]
    const ask = async (isStream: boolean): Promise<Response> => {
      const body = {
        model: 'any',
        stream: isStream,
        messages: [{ role: 'user', content: 'Hello, is anybody there?' }],
      }
      const bytes = new TextEncoder().encode(JSON.stringify(body))
      const request = protocol.chatRequest(
        settings.baseUrl,
        {
          dialect: 'openai',
          bytes,
          body,
          model: 'any',
          isStream,
          reasoningEffort: null,
        },
        key.credential,
      )
      if (!request.ok) throw new Error(JSON.stringify(request.error))
      const { url, headers, body: sent } = request.value
      return fetch(url, { method: 'POST', headers, body: sent as BodyInit })
    }
    const whole = await ask(false).then((response) => response.arrayBuffer())
    const completion = protocol.readCompletion(new Uint8Array(whole), 0)
    if (!completion.ok) throw new Error(JSON.stringify(completion.error))
    const { choices, usage } = completion.value
    expect(choices[0]).toMatchObject({ text: TEXT, finishReason: 'stop' })
    expect(usage).toMatchObject({ inputTokens: 6, outputTokens: 3 })

    const events = await eventsOf(await ask(true), protocol.openStream())
    const text = events.map((event) => (event.kind === 'text' ? event.text : '')).join('')
    const told = events.flatMap((event) => (event.kind === 'usage' ? [event.usage] : []))
    expect(text).toBe(TEXT)
    expect(told.at(-1)).toEqual(usage)
    expect(events.at(-1)).toEqual({ kind: 'done' })
  })
})
