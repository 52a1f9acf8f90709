import { readFileSync } from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { type Api, createApi } from '../support/api.ts'
import { until } from '../support/until.ts'

const PATH = '/api/v1/router/artifact'
const platform = createApi(inject('baseUrl'), inject('developmentKey'))
const SHIPPED = readFileSync(path.join(import.meta.dirname, '../../models/router.gjr'))

interface Told {
  readonly version: string
  readonly source: string
  readonly counts: { readonly trials: number }
  readonly canary: { readonly version: string; readonly share: number } | null
}
interface Routed {
  readonly artifactVersion: string
  readonly isCanary: boolean
  readonly inputTokens: number
  readonly tokensSource: string
}

/** An organisation of its own: what it changes is nobody else's. */
let api: Api
beforeAll(async () => {
  const slug = `routing-${crypto.randomUUID().slice(0, 8)}`
  await platform.post('/api/v1/organisations', { slug, name: 'A tenant' })
  const { key } = await platform.post<{ key: string }>('/api/v1/keys', {
    name: 'a key',
    scopes: ['admin'],
    organisation: slug,
  })
  api = createApi(platform.url, key)
})

const route = (content: string): Promise<Routed> =>
  api.post('/v1/route', { messages: [{ role: 'user', content }] })
const put = (query = '') =>
  api.json<Told>(`${PATH}${query}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream' },
    body: SHIPPED,
  })

describe('the artifact, over HTTP', () => {
  it('is tried on all conversations, promoted and given back', async () => {
    const before = await api.json<Told>(PATH)
    expect(before).toMatchObject({ source: 'shipped', canary: null, counts: { trials: 0 } })
    expect(await put('?canary=1')).toMatchObject({
      source: 'shipped',
      canary: { version: before.version, share: 1, isUsed: true },
    })
    expect(await route('Say hello')).toMatchObject({
      isCanary: true,
      artifactVersion: before.version,
    })
    expect(await api.json<Told>(`${PATH}/promote`, { method: 'POST' })).toMatchObject({
      source: 'organisation',
      canary: null,
    })
    expect(await route('Say hello')).toMatchObject({ isCanary: false })
    expect(await api.json<Told>(PATH, { method: 'DELETE' })).toMatchObject({ source: 'shipped' })
  })

  it('is refused where a byte is another', async () => {
    const body = Buffer.from(SHIPPED)
    body[5_000] = (body[5_000] ?? 0) ^ 1
    const response = await api.request(PATH, {
      method: 'PUT',
      headers: { 'content-type': 'application/octet-stream' },
      body,
    })
    expect(response.status).toBe(422)
    expect(await response.json()).toMatchObject({ detail: expect.stringContaining('SHA-256') })
  })
})

describe('tokens, over HTTP', () => {
  it('are counted by the vocabulary once it is loaded, and estimated until then', async () => {
    const { config } = await api.json<{ config: object }>('/api/v1/router/config')
    await api.json('/api/v1/router/config', {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...config, tokens: 'exact' }),
    })
    let asked = 0
    // Each asks something else: what is known keeps the count that it has.
    await until('the vocabulary', async () => {
      const { tokensSource } = await route(`Question ${++asked}`)
      return tokensSource === 'o200k_base'
    })
    const text = 'The quick brown fox jumps over the lazy dog.'
    expect(await route(text)).toMatchObject({ inputTokens: 10, tokensSource: 'o200k_base' })
  })
})
