import { describe, expect, it } from 'vitest'
import type { Fields } from '../../../src/gateway/chat.ts'
import { signedId } from '../../../src/gateway/providers/call-ids.ts'
import { generateContentOf } from '../../../src/gateway/providers/gemini-request.ts'
import { geminiSchemaOf } from '../../../src/gateway/providers/gemini-schema.ts'

const made = (body: Fields, model: string) =>
  generateContentOf(
    { messages: [{ role: 'user', content: 'Hi' }], ...body },
    {
      model,
      reasoningEffort: null,
    },
  )

const bodyOf = (body: Fields, model = 'gemini-2.5-flash'): Fields => {
  const content = made(body, model)
  if (!content.ok) throw new Error(content.error.reason)
  return content.value
}

const call = (id: string, name: string, json: string) => ({
  id,
  type: 'function',
  function: { name, arguments: json },
})

describe('a chat completion for Gemini', () => {
  it('has instructions beside the contents, and neighbours of one role as one', () => {
    expect(
      bodyOf({
        messages: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: 'One' },
          { role: 'user', content: [{ type: 'text', text: 'Two' }] },
          { role: 'assistant', content: 'Three' },
          { role: 'developer', content: 'In French.' },
        ],
      }),
    ).toEqual({
      systemInstruction: { parts: [{ text: 'Be brief.' }, { text: 'In French.' }] },
      contents: [
        { role: 'user', parts: [{ text: 'One' }, { text: 'Two' }] },
        { role: 'model', parts: [{ text: 'Three' }] },
      ],
    })
  })

  it('has a content where there are instructions alone', () => {
    expect(bodyOf({ messages: [{ role: 'system', content: 'Begin.' }] })).toEqual({
      contents: [{ role: 'user', parts: [{ text: 'Begin.' }] }],
    })
  })

  it('has images, sounds and documents as data or as addresses', () => {
    const { contents } = bodyOf({
      messages: [
        {
          role: 'user',
          content: [
            { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
            { type: 'image_url', image_url: { url: 'https://x.test/a.JPG?size=1' } },
            { type: 'input_audio', input_audio: { data: 'BBBB', format: 'wav' } },
            { type: 'file', file: { file_data: 'data:application/pdf;base64,CCCC' } },
          ],
        },
      ],
    })
    expect(contents).toEqual([
      {
        role: 'user',
        parts: [
          { inlineData: { mimeType: 'image/png', data: 'AAAA' } },
          { fileData: { fileUri: 'https://x.test/a.JPG?size=1', mimeType: 'image/jpeg' } },
          { inlineData: { mimeType: 'audio/wav', data: 'BBBB' } },
          { inlineData: { mimeType: 'application/pdf', data: 'CCCC' } },
        ],
      },
    ])
  })

  it('answers parallel calls in one content, by name and id, as objects', () => {
    const { contents } = bodyOf({
      messages: [
        { role: 'user', content: 'Weather?' },
        {
          role: 'assistant',
          content: null,
          tool_calls: [call('a', 'weather', '{"city":"Oslo"}'), call('b', 'time', 'not JSON')],
        },
        { role: 'tool', tool_call_id: 'a', content: '{"degrees":3}' },
        { role: 'tool', tool_call_id: 'b', content: 'noon' },
      ],
    })
    expect(contents).toEqual([
      { role: 'user', parts: [{ text: 'Weather?' }] },
      {
        role: 'model',
        parts: [
          { functionCall: { id: 'a', name: 'weather', args: { city: 'Oslo' } } },
          { functionCall: { id: 'b', name: 'time', args: {} } },
        ],
      },
      {
        role: 'user',
        parts: [
          { functionResponse: { id: 'a', name: 'weather', response: { degrees: 3 } } },
          { functionResponse: { id: 'b', name: 'time', response: { result: 'noon' } } },
        ],
      },
    ])
  })

  it('brings the proof of a thought back behind its call, and stands in for one that is missing', () => {
    const signature = 'a+b/cd=='
    const id = signedId('call.1', signature)
    expect(id).toMatch(/^[A-Za-z0-9_-]+$/)
    const history = (callId: string) => ({
      messages: [
        { role: 'user', content: 'Hi' },
        { role: 'assistant', tool_calls: [call(callId, 'f', '{}'), call('x', 'g', '{}')] },
        { role: 'tool', tool_call_id: callId, content: '1' },
      ],
    })
    const partsOf = (body: Fields) => (body.contents as { parts: Fields[] }[])[1]?.parts
    expect(partsOf(bodyOf(history(id), 'gemini-3-pro-preview'))).toEqual([
      { functionCall: { id: 'call_1', name: 'f', args: {} }, thoughtSignature: signature },
      { functionCall: { id: 'x', name: 'g', args: {} } },
    ])
    expect(partsOf(bodyOf(history('y'), 'gemini-3-flash-preview'))?.[0]?.thoughtSignature).toBe(
      'skip_thought_signature_validator',
    )
    expect(partsOf(bodyOf(history('y')))?.[0]).not.toHaveProperty('thoughtSignature')
  })

  it('has functions, and whether they must be called', () => {
    const parameters = { type: 'object', properties: { city: { type: 'string' } } }
    const tools = [
      { type: 'function', function: { name: 'f', description: 'F', parameters, strict: true } },
      { type: 'function', function: { name: 'g', parameters: { type: 'object', properties: {} } } },
    ]
    expect(
      bodyOf({ tools, tool_choice: { type: 'function', function: { name: 'f' } } }),
    ).toMatchObject({
      tools: [
        {
          functionDeclarations: [
            {
              name: 'f',
              description: 'F',
              parameters: { type: 'OBJECT', properties: { city: { type: 'STRING' } } },
            },
            { name: 'g' },
          ],
        },
      ],
      toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['f'] } },
    })
    const modeOf = (choice: string) =>
      (bodyOf({ tools, tool_choice: choice }).toolConfig as Fields).functionCallingConfig
    expect(modeOf('required')).toEqual({ mode: 'ANY' })
    expect(modeOf('none')).toEqual({ mode: 'NONE' })
    expect(modeOf('auto')).toEqual({ mode: 'AUTO' })
  })

  it('has the functions that are allowed alone, and those of the deprecated fields', () => {
    const f = { name: 'f' }
    const g = { name: 'g' }
    const tools = [f, g].map((called) => ({ type: 'function', function: called }))
    const allowed = { mode: 'required', tools: [{ type: 'function', function: g }] }
    expect(
      bodyOf({ tools, tool_choice: { type: 'allowed_tools', allowed_tools: allowed } }),
    ).toMatchObject({
      tools: [{ functionDeclarations: [g] }],
      toolConfig: { functionCallingConfig: { mode: 'ANY' } },
    })
    const messages = [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: null, function_call: { name: 'f', arguments: '{"a":1}' } },
      { role: 'function', name: 'f', content: '2' },
    ]
    expect(bodyOf({ messages, functions: [f, g], function_call: f })).toMatchObject({
      contents: [
        { role: 'user' },
        { role: 'model', parts: [{ functionCall: { name: 'f', args: { a: 1 } } }] },
        { role: 'user', parts: [{ functionResponse: { name: 'f', response: { result: 2 } } }] },
      ],
      tools: [{ functionDeclarations: [f, g] }],
      toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['f'] } },
    })
  })

  it.each([
    ['#/messages/0/content/1/file/file_data', { type: 'file', file: { file_id: 'file-1' } }],
    ['#/messages/0/content/1/type', { type: 'video_url', video_url: { url: 'https://x.test' } }],
  ])('is refused at %s, which would be lost', (pointer, part) => {
    const content = [{ type: 'text', text: 'Hi' }, part]
    expect(made({ messages: [{ role: 'user', content }] }, 'm')).toMatchObject({
      ok: false,
      error: { reason: 'invalid', pointer },
    })
  })

  it('is refused with a tool that is no function', () => {
    const tools = [{ type: 'custom', custom: { name: 'f' } }]
    expect(made({ tools }, 'm')).toMatchObject({ error: { pointer: '#/tools/0/type' } })
  })

  it('has a file that is megabytes of nothing', () => {
    const file = { file_data: `data:a${';'.repeat(20_000_000)}` }
    const messages = [{ role: 'user', content: [{ type: 'file', file }] }]
    expect(bodyOf({ messages })).toMatchObject({ contents: [{ parts: [{ fileData: {} }] }] })
  })

  it('has what bounds and steers the answer under other names', () => {
    const { generationConfig } = bodyOf({
      temperature: 0,
      top_p: 0.9,
      max_tokens: 10,
      n: 2,
      seed: 42,
      stop: 'END',
      logprobs: true,
      top_logprobs: 3,
      presence_penalty: null,
      response_format: { type: 'json_object' },
    })
    expect(generationConfig).toEqual({
      temperature: 0,
      topP: 0.9,
      maxOutputTokens: 10,
      candidateCount: 2,
      seed: 42,
      stopSequences: ['END'],
      responseLogprobs: true,
      logprobs: 3,
      responseMimeType: 'application/json',
    })
  })

  it.each([
    ['gemini-2.5-flash', { reasoning_effort: 'none' }, { thinkingBudget: 0 }],
    ['gemini-2.5-pro', { reasoning_effort: 'none' }, { thinkingBudget: 128 }],
    ['gemini-2.5-flash', { reasoning_effort: 'high' }, { thinkingBudget: 24_576 }],
    ['gemini-3-pro-preview', { reasoning_effort: 'minimal' }, { thinkingLevel: 'LOW' }],
    ['gemini-3-flash-preview', { reasoning_effort: 'minimal' }, { thinkingLevel: 'MINIMAL' }],
    ['gemini-3.1-pro-preview', { reasoning_effort: 'medium' }, { thinkingLevel: 'MEDIUM' }],
    [
      'gemini-2.5-flash',
      { thinking: { type: 'enabled', budget_tokens: 5_000 } },
      { thinkingBudget: 5_000, includeThoughts: true },
    ],
    ['gemini-2.0-flash', { reasoning_effort: 'high' }, undefined],
  ] as const)('%s thinks with %o as %o', (model, body, expected) => {
    const config = bodyOf(body, model).generationConfig as Fields | undefined
    if (expected === undefined) expect(config).toBeUndefined()
    else expect(config?.thinkingConfig).toMatchObject(expected)
  })
})

describe('a schema for Gemini', () => {
  it('has references put in, null as nullable, constants as enums', () => {
    expect(
      geminiSchemaOf({
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        type: 'object',
        additionalProperties: false,
        required: ['at'],
        properties: {
          at: { type: 'string', format: 'date-time' },
          mail: { type: ['string', 'null'], format: 'email' },
          kind: { const: 'cat' },
          pet: { $ref: '#/$defs/pet', description: 'Mine' },
          either: { anyOf: [{ type: 'integer' }, { type: 'null' }] },
        },
        $defs: { pet: { type: 'array', items: { enum: ['a', 'b'] }, maxItems: 2 } },
      }),
    ).toEqual({
      type: 'OBJECT',
      required: ['at'],
      properties: {
        at: { type: 'STRING', format: 'date-time' },
        mail: { type: 'STRING', nullable: true },
        kind: { type: 'STRING', enum: ['cat'] },
        pet: {
          type: 'ARRAY',
          description: 'Mine',
          maxItems: 2,
          items: { type: 'STRING', enum: ['a', 'b'] },
        },
        either: { anyOf: [{ type: 'INTEGER' }], nullable: true },
      },
    })
  })

  it('of references that multiply goes as JSON Schema', () => {
    const $defs: Record<string, Fields> = { d15: { type: 'string' } }
    for (let i = 0; i < 15; i++) {
      const next = { $ref: `#/$defs/d${i + 1}` }
      $defs[`d${i}`] = { type: 'object', properties: { a: next, b: next, c: next, d: next } }
    }
    expect(geminiSchemaOf({ $ref: '#/$defs/d0', $defs })).toBeNull()
  })

  it.each([
    ['recursion', { $ref: '#/$defs/a', $defs: { a: { items: { $ref: '#/$defs/a' } } } }],
    ['a reference to elsewhere', { $ref: 'https://x.test/schema' }],
    ['several types', { type: ['string', 'integer'] }],
    ['negation', { not: { type: 'string' } }],
    ['enums of numbers', { enum: [1, 2] }],
    ['a schema that is none', { properties: { a: true } }],
  ])('is not made of %s, which goes as JSON Schema', (_, schema) => {
    expect(geminiSchemaOf(schema)).toBeNull()
    const format = { type: 'json_schema', json_schema: { name: 'x', schema } }
    expect(bodyOf({ response_format: format }).generationConfig).toEqual({
      responseMimeType: 'application/json',
      responseJsonSchema: schema,
    })
  })
})
