import { describe, expect, it } from 'vitest'
import { gemini } from '../../../src/gateway/providers/gemini.ts'
import { workersAi } from '../../../src/gateway/providers/workers-ai.ts'

const utf8 = new TextEncoder()
const DEEP = `${'['.repeat(20_000)}${']'.repeat(20_000)}`

describe.each([gemini, workersAi])('$kind', (protocol) => {
  it('refuses a request that can be read and not be written', () => {
    const parameters = { type: 'object', properties: { a: { enum: JSON.parse(DEEP) } } }
    const body = {
      messages: [{ role: 'user', content: 'Hi' }],
      tools: [{ type: 'function', function: { name: 'f', parameters } }],
    }
    const request = protocol.chatRequest(
      'https://x.test',
      {
        dialect: 'openai',
        bytes: new Uint8Array(),
        body,
        model: 'm',
        isStream: false,
        reasoningEffort: null,
      },
      { scheme: 'none', secret: '' },
    )
    expect(request).toMatchObject({ ok: false, error: { reason: 'request', status: 400 } })
  })

  it('reads such an answer without a throw', () => {
    const answers = [
      `{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":${DEEP}}}]}}]}`,
      `{"result":{"response":${DEEP},"tool_calls":[{"name":"f","arguments":${DEEP}}]}}`,
      `{"result":{"choices":[{"message":{"content":${DEEP}}}]}}`,
    ]
    for (const answer of answers) {
      protocol.readCompletion(utf8.encode(answer), 0)
      protocol.openStream().decode({ event: null, data: answer })
    }
  })
})
