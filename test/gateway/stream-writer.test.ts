import { describe, expect, it } from 'vitest'
import { openai } from '../../src/gateway/providers/openai.ts'
import { passingWriter } from '../../src/gateway/stream-writer.ts'

const USAGE = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 }

/** What a client is told of one chunk. */
const told = (chunk: unknown, includeUsage: boolean): string => {
  const event = { event: null, data: JSON.stringify(chunk) }
  const decoder = openai.openStream()
  decoder.decode({ event: null, data: '{"id":"c","model":"m","choices":[]}' })
  const chat = decoder.decode(event)
  return passingWriter('openai', includeUsage, () => '').write({ event, chat })
}

describe('a stream that is passed on', () => {
  it('has the chunk of tokens alone only for who asked for it', () => {
    const chunk = { choices: [], usage: USAGE }
    expect(told(chunk, true)).toContain('"usage"')
    expect(told(chunk, false)).toBe('')
  })

  it.each([
    ['annotations', { index: 0, delta: { annotations: [{ type: 'url_citation' }] } }],
    ['a role', { index: 1, delta: { role: 'assistant' } }],
    ['text', { index: 0, delta: { content: 'a' } }],
  ])('has %s beside the tokens that a provider tells in every chunk', (_, choice) => {
    expect(told({ choices: [choice], usage: USAGE }, false)).toContain('"delta"')
  })
})
