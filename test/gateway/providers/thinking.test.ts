import { describe, expect, it } from 'vitest'
import type { Fields } from '../../../src/gateway/chat.ts'
import { anthropic } from '../../../src/gateway/providers/anthropic.ts'
import { gemini } from '../../../src/gateway/providers/gemini.ts'
import type { ProviderProtocol } from '../../../src/gateway/providers/types.ts'

const utf8 = new TextEncoder()

/** What a provider is sent for a client of Anthropic. */
const sent = (protocol: ProviderProtocol, model: string, more: Fields): Fields => {
  const body = { model, max_tokens: 9_000, messages: [{ role: 'user', content: 'Hi' }], ...more }
  const request = protocol.chatRequest(
    'https://x.test',
    {
      ...{ dialect: 'anthropic', bytes: utf8.encode(JSON.stringify(body)), body, model },
      ...{ isStream: false, reasoningEffort: 'high' },
    },
    { scheme: 'none', secret: '' },
  )
  if (!request.ok) throw new Error(request.error.reason)
  const { body: made } = request.value
  return JSON.parse(typeof made === 'string' ? made : new TextDecoder().decode(made))
}

describe('thinking of a client of Anthropic', () => {
  it.each([
    ['gemini-2.5-flash', { type: 'enabled', budget_tokens: 5_000 }, 5_000, true],
    ['gemini-2.5-flash', { type: 'enabled', budget_tokens: 60_000 }, 24_576, true],
    ['gemini-2.5-pro', { type: 'enabled', budget_tokens: 60_000 }, 32_768, true],
    ['gemini-2.5-flash', { type: 'disabled' }, 0, false],
  ])('is that of %s at %o', (model, thinking, thinkingBudget, includeThoughts) => {
    expect(sent(gemini, model, { thinking })).toMatchObject({
      generationConfig: { thinkingConfig: { thinkingBudget, includeThoughts } },
    })
  })

  it('is left behind where another provider did it, which Anthropic would refuse', () => {
    const text = { type: 'text', text: 'Hello' }
    const own = { type: 'thinking', thinking: 'a', signature: 'S' }
    const other = { type: 'thinking', thinking: 'b', signature: '' }
    const messages = [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: [own, text] },
      { role: 'user', content: [text] },
      { role: 'assistant', content: [other, text] },
      { role: 'assistant', content: [other] },
      { role: 'user', content: 'Bye' },
    ]
    const temperature = 0
    expect(sent(anthropic, 'claude-haiku-4-5', { messages, temperature })).toEqual({
      model: 'claude-haiku-4-5',
      max_tokens: 9_000,
      messages: [
        ...messages.slice(0, 3),
        { role: 'assistant', content: [text] },
        ...messages.slice(5),
      ],
      temperature,
    })
  })
})
