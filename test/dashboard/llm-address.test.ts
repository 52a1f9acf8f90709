import { describe, expect, it } from 'vitest'
import {
  formatGateway,
  formatRouting,
  parseGateway,
  parseRouting,
} from '../../dashboard/src/llm/address.ts'
import { CLIENTS, clientSnippet } from '../../dashboard/src/llm/client-snippets.ts'
import { LlmApi } from '../../dashboard/src/llm/llm-api.ts'
import { bodyOfJson, bodyOfPrompt } from '../../dashboard/src/llm/route-body.ts'
import { parseRoute, routeTo, titleOf } from '../../dashboard/src/route.ts'

describe('addresses of the gateway and the router', () => {
  it.each(['', 'view=spend&range=7d&by=key', 'model=openai%2Fgpt-4.1&key=k1&outcome=error'])(
    '"%s" says again what it said',
    (search) => {
      expect(formatGateway(parseGateway(search))).toBe(search)
    },
  )

  it('take defaults for what they do not know', () => {
    expect(parseGateway('view=toString&range=9y&by=&outcome=fine&model=')).toEqual(parseGateway(''))
    expect(parseRouting('view=none&range=24')).toEqual({ view: 'decisions', hours: 24 })
    expect(formatRouting(parseRouting('view=try&range=1h'))).toBe('view=try&range=1h')
    expect(formatRouting(parseRouting('range=24h'))).toBe('')
  })

  it('name pages, and pages have titles', () => {
    expect(parseRoute('#/routing?view=try')).toEqual({ page: 'routing', search: 'view=try' })
    expect(parseRoute('#/gateway')).toEqual({ page: 'gateway', search: '' })
    expect(routeTo({ page: 'gateway', search: 'by=key' })).toBe('#/gateway?by=key')
    expect(parseRoute('#/constructor')).toEqual({ page: 'fleet' })
    expect(titleOf({ page: 'routing', search: '' })).toBe('Routing · Gjallar')
    expect(titleOf({ page: 'fleet' })).toBe('Gjallar')
  })
})

describe('a request by hand', () => {
  it('is a chat of one message, with α only where it was chosen', () => {
    const messages = [{ role: 'user', content: 'Hello' }]
    expect(bodyOfPrompt('Hello', null)).toEqual({ ok: true, body: { model: 'auto', messages } })
    expect(bodyOfPrompt('Hello', 0)).toMatchObject({ body: { alpha: 0 } })
    expect(bodyOfPrompt(' \n', null).ok).toBe(false)
  })

  it('is sent as JSON as it was written', () => {
    expect(bodyOfJson('{"messages":[],"x":1,"alpha":0.1}', 0.5)).toEqual({
      ok: true,
      body: { messages: [], x: 1, alpha: 0.5 },
    })
    for (const text of ['', '{', '[]', 'null', '7']) expect(bodyOfJson(text, null).ok).toBe(false)
  })
})

describe('code of clients', () => {
  it.each(CLIENTS)('$label asks the service with the key', ({ id }) => {
    const code = clientSnippet(id, 'https://gjallar.example', 'gjl_key')
    expect(code).toContain('gjl_key')
    expect(code).toMatch(/https:\/\/gjallar\.example(\/v1|")/)
  })
})

describe('the API of the pages', () => {
  it('says what a route in the dialect of OpenAI says', async () => {
    const { fetch } = globalThis
    const body = { error: { message: 'no candidate is called x', type: 'invalid_request_error' } }
    globalThis.fetch = async () => Response.json(body, { status: 404 })
    try {
      await expect(new LlmApi('gjl_key').route({ model: 'x' })).rejects.toMatchObject({
        message: 'no candidate is called x',
        problem: { status: 404 },
      })
    } finally {
      globalThis.fetch = fetch
    }
  })
})
