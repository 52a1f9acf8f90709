import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Fields } from '../../src/gateway/chat.ts'
import { anthropicDialect } from '../../src/gateway/dialects/anthropic.ts'
import { openAiDialect } from '../../src/gateway/dialects/openai.ts'
import { toMessages } from '../../src/gateway/providers/anthropic-request.ts'

const text = fc.string({ minLength: 1, maxLength: 30, unit: 'binary' }).map((said) => `x${said}`)
const input = fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer(), fc.boolean()))

/** A question, perhaps calls and their results, and what was answered. */
const exchange = fc
  .record({ ask: text, calls: fc.array(input, { maxLength: 3 }), say: text, result: text })
  .map(({ ask, calls, say, result }): readonly Fields[] => [
    { role: 'user', content: ask },
    ...(calls.length === 0
      ? []
      : [
          {
            role: 'assistant',
            content: null,
            tool_calls: calls.map((given, i) => ({
              id: `call_${i}`,
              type: 'function',
              function: { name: 'f', arguments: JSON.stringify(given) },
            })),
          },
          ...calls.map((_, i) => ({ role: 'tool', tool_call_id: `call_${i}`, content: result })),
        ]),
    { role: 'assistant', content: say },
  ])

const chat = fc.record({
  system: fc.option(text),
  exchanges: fc.array(exchange, { minLength: 1, maxLength: 4 }),
  last: text,
  format: fc.boolean(),
  choice: fc.constantFrom('auto', 'required', 'none'),
})

describe('a chat', () => {
  it('that goes to Anthropic and comes back says the same', () => {
    fc.assert(
      fc.property(chat, ({ system, exchanges, last, format, choice }) => {
        const schema = { type: 'object', properties: {} }
        const body = {
          model: 'm',
          messages: [
            ...(system === null ? [] : [{ role: 'system', content: system }]),
            ...exchanges.flat(),
            { role: 'user', content: last },
          ],
          max_completion_tokens: 50,
          stop: ['END'],
          temperature: 0.5,
          user: 'u',
          tools: [{ type: 'function', function: { name: 'f', parameters: schema } }],
          tool_choice: choice,
          ...(format
            ? {
                response_format: {
                  type: 'json_schema',
                  json_schema: { name: 'answer', schema, strict: true },
                },
              }
            : {}),
        }
        expect(openAiDialect.check(body)).toBeNull()
        const there = toMessages(body, 'm', null)
        if (!there.ok) throw new Error(JSON.stringify(there.error))
        expect(anthropicDialect.check(there.value)).toBeNull()
        const back = anthropicDialect.toChat(there.value)
        expect(back).toEqual({ ok: true, value: body })
      }),
      { seed: 42, numRuns: 300 },
    )
  })
})
