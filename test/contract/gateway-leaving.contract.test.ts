import { connect } from 'node:net'
import { afterEach, expect, inject, it } from 'vitest'
import { createApi } from '../support/api.ts'
import { createMockControl } from '../support/mock-llm.ts'
import { until } from '../support/until.ts'

const api = createApi(inject('baseUrl'), inject('developmentKey'))
const mock = createMockControl(inject('mockUrl'))
afterEach(() => mock.reset())

/** Sends a request and resets its connection: an end in order would leave the answer wanted. */
const askAndReset = async (body: string): Promise<void> => {
  const { hostname, port } = new URL(api.url)
  const socket = connect(Number(port), hostname)
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: Bearer ${api.key}\r\n` +
      `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
  await until('the mock to be asked', async () => (await mock.counts()).active === 1)
  socket.resetAndDestroy()
}

it.each([true, false])(
  'a client that leaves before the answer ends the call to the provider (stream: %s)',
  async (stream) => {
    await mock.script({ always: { delayMs: 20_000 } })
    const messages = [{ role: 'user', content: 'Hello' }]
    await askAndReset(JSON.stringify({ model: 'openai/gpt-4.1-nano', stream, messages }))
    await until('the mock to be left', async () => (await mock.counts()).active === 0)
    expect(await mock.counts()).toMatchObject({ aborted: 1 })
    const response = await fetch(`${api.url}/api/v1/llm/providers`, {
      headers: { authorization: `Bearer ${api.key}` },
    })
    const body = (await response.json()) as { providers: { id: string; inFlight: number }[] }
    expect(body.providers.find(({ id }) => id === 'openai')?.inFlight).toBe(0)
  },
)
