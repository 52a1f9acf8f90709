import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import WebSocket from 'ws'
import { type Api, createApi, createVm, samplesOf, type Vm } from '../support/api.ts'

interface Key {
  id: string
  key: string
  name: string
  prefix: string
  organisation: string
  scopes: string[]
  expires_at: string | null
}

const NOBODYS_ID = '0190a000-0000-7000-8000-00000000dead'
const run = crypto.randomUUID().slice(0, 8)
const platform = createApi(inject('baseUrl'), inject('developmentKey'))
const apiOf = ({ key }: { key: string }): Api => createApi(platform.url, key)

let names = 0
const newSlug = () => `tenant-${run}-${++names}`
const newKey = (by: Api, more: Record<string, unknown> = {}): Promise<Key> =>
  by.post('/api/v1/keys', { name: 'a key', scopes: ['admin'], ...more })

/** A new organisation's slug and an API with an admin key of it that is no platform admin. */
const createTenant = async (): Promise<{ slug: string; admin: Api; key: Key }> => {
  const slug = newSlug()
  await platform.post('/api/v1/organisations', { slug, name: 'A tenant' })
  const key = await newKey(platform, { organisation: slug })
  return { slug, admin: apiOf(key), key }
}

const send = (api: Api, method: string, path: string, body?: unknown): Promise<Response> =>
  api.request(path, {
    method,
    ...(body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })

/** Asserts what must hold soon; generous, since the machine may be busy. */
const eventually = <T>(ask: () => T) => expect.poll(ask, { timeout: 10_000 })

/** Status and problem without the one member that differs from request to request. */
const answerOf = async (response: Response): Promise<{ status: number; body: unknown }> => {
  const text = await response.text()
  const body = text === '' ? null : { ...JSON.parse(text), instance: null }
  return { status: response.status, body }
}

describe('organisations', () => {
  it('are made and listed by a platform admin', async () => {
    const slug = newSlug()
    const response = await send(platform, 'POST', '/api/v1/organisations', { slug, name: ' Acme ' })
    expect(response.status).toBe(201)
    expect(await response.json()).toEqual({
      slug,
      name: 'Acme',
      created_at: expect.stringMatching(/^\d{4}-.*Z$/),
    })
    const { organisations } = await platform.json<{ organisations: { slug: string }[] }>(
      '/api/v1/organisations',
    )
    expect(organisations.map((organisation) => organisation.slug)).toContain(slug)
  })

  it('are refused a slug that is taken', async () => {
    const { slug } = await createTenant()
    const response = await send(platform, 'POST', '/api/v1/organisations', { slug, name: 'Again' })
    expect(response.status).toBe(409)
    expect(await response.json()).toMatchObject({
      type: '/problems/name-taken',
      errors: [{ pointer: '#/slug' }],
    })
  })

  it('are not shown to, nor made by, an organisation’s admin', async () => {
    const { admin } = await createTenant()
    expect((await admin.request('/api/v1/organisations')).status).toBe(403)
    const body = { slug: newSlug(), name: 'Mine' }
    expect((await send(admin, 'POST', '/api/v1/organisations', body)).status).toBe(403)
  })

  it.each([
    { name: 'a faulty slug', body: { slug: 'Not A Slug', name: 'x' }, pointer: '#/slug' },
    { name: 'no name', body: { slug: 'fine' }, pointer: '#/name' },
  ])('are refused with $name', async ({ body, pointer }) => {
    const response = await send(platform, 'POST', '/api/v1/organisations', body)
    expect(response.status).toBe(422)
    expect(await response.json()).toMatchObject({ errors: [{ pointer }] })
  })
})

describe('keys', () => {
  it('show their secret once, and work at once', async () => {
    const { slug, admin } = await createTenant()
    const response = await send(admin, 'POST', '/api/v1/keys', {
      name: 'reader',
      scopes: ['read'],
      expires_at: '2099-01-01T00:00:00Z',
    })
    expect(response.status).toBe(201)
    expect(response.headers.get('cache-control')).toBe('no-store')
    const key = (await response.json()) as Key
    expect(key).toMatchObject({
      name: 'reader',
      organisation: slug,
      scopes: ['read'],
      platform_admin: false,
      expires_at: '2099-01-01T00:00:00.000Z',
      key: expect.stringMatching(/^gjl_[A-Za-z0-9_-]{43}$/),
      prefix: key.key.slice(0, 12),
    })
    const list = await (await admin.request('/api/v1/keys')).text()
    expect(list).toContain(key.id)
    expect(list).not.toContain(key.key)
    expect(await apiOf(key).json('/api/v1/session')).toEqual({
      organisation: slug,
      scopes: ['read'],
      platform_admin: false,
      expires_at: '2099-01-01T00:00:00.000Z',
    })
  })

  it('open only what their scopes name', async () => {
    const { admin } = await createTenant()
    const reader = apiOf(await newKey(admin, { scopes: ['read'] }))
    const writer = apiOf(await newKey(admin, { scopes: ['write'] }))
    expect((await reader.request('/api/v1/vms')).status).toBe(200)
    expect((await reader.request('/api/v1/keys')).status).toBe(403)
    expect((await send(reader, 'POST', '/api/v1/metrics', { samples: [] })).status).toBe(403)
    const refused = await writer.request('/api/v1/vms')
    expect(refused.status).toBe(403)
    expect(refused.headers.get('content-type')).toBe('application/problem+json')
  })

  it('end with their expiry', async () => {
    const { admin } = await createTenant()
    const expires_at = new Date(Date.now() + 1_000).toISOString()
    const short = apiOf(await newKey(admin, { expires_at }))
    expect((await short.request('/api/v1/session')).status).toBe(200)
    await sleep(1_200)
    expect((await short.request('/api/v1/session')).status).toBe(401)
  })

  it('grant no life beyond their own', async () => {
    const { admin } = await createTenant()
    const expires_at = new Date(Date.now() + 60_000).toISOString()
    const short = apiOf(await newKey(admin, { expires_at }))
    const eternal = await newKey(admin)
    const body = { name: 'x', scopes: ['read'] }
    expect((await send(short, 'POST', '/api/v1/keys', body)).status).toBe(403)
    expect((await send(short, 'POST', '/api/v1/keys', { ...body, expires_at })).status).toBe(201)
    expect((await send(short, 'POST', `/api/v1/keys/${eternal.id}/rotate`)).status).toBe(403)
  })

  it('are rotated: the new secret works, the old one does not', async () => {
    const { admin } = await createTenant()
    const old = await newKey(admin)
    expect((await apiOf(old).request('/api/v1/session')).status).toBe(200)
    const rotated = await admin.post<Key>(`/api/v1/keys/${old.id}/rotate`, undefined)
    expect(rotated).toMatchObject({ id: old.id, name: old.name, scopes: old.scopes })
    expect((await apiOf(rotated).request('/api/v1/session')).status).toBe(200)
    expect((await apiOf(old).request('/api/v1/session')).status).toBe(401)
  })

  it('are revoked once, and are gone then', async () => {
    const { admin } = await createTenant()
    const key = await newKey(admin)
    expect((await send(admin, 'DELETE', `/api/v1/keys/${key.id}`)).status).toBe(204)
    expect((await apiOf(key).request('/api/v1/session')).status).toBe(401)
    expect((await send(admin, 'DELETE', `/api/v1/keys/${key.id}`)).status).toBe(404)
    expect((await send(admin, 'POST', `/api/v1/keys/${key.id}/rotate`)).status).toBe(404)
    const { keys } = await admin.json<{ keys: Key[] }>('/api/v1/keys')
    expect(keys.map(({ id }) => id)).not.toContain(key.id)
  })

  it('of another organisation are managed by a platform admin only', async () => {
    const { slug, key } = await createTenant()
    const query = `?organisation=${slug}`
    const { keys } = await platform.json<{ keys: Key[] }>(`/api/v1/keys${query}`)
    expect(keys.map(({ id }) => id)).toEqual([key.id])
    expect((await send(platform, 'DELETE', `/api/v1/keys/${key.id}`)).status).toBe(404)
    expect((await send(platform, 'DELETE', `/api/v1/keys/${key.id}${query}`)).status).toBe(204)
  })

  it.each([
    { name: 'no scopes', body: { name: 'x', scopes: [] }, pointer: '#/scopes' },
    { name: 'an unknown scope', body: { name: 'x', scopes: ['root'] }, pointer: '#/scopes/0' },
    {
      name: 'an expiry in the past',
      body: { name: 'x', scopes: ['read'], expires_at: '2020-01-01T00:00:00Z' },
      pointer: '#/expires_at',
    },
    {
      name: 'a name of 101 characters',
      body: { name: 'x'.repeat(101), scopes: ['read'] },
      pointer: '#/name',
    },
    {
      name: 'a wish to be platform admin',
      body: { name: 'x', scopes: ['read'], platform_admin: true },
      pointer: '#',
    },
  ])('are refused with $name', async ({ body, pointer }) => {
    const { admin } = await createTenant()
    const response = await send(admin, 'POST', '/api/v1/keys', body)
    expect(response.status).toBe(422)
    expect(await response.json()).toMatchObject({ errors: [{ pointer }] })
  })

  it.each([
    { name: 'text', type: 'text/plain', body: '{}', status: 415 },
    { name: 'half a JSON', type: 'application/json', body: '{"name":', status: 400 },
  ])('are refused as $name by $status', async ({ type, body, status }) => {
    const headers = { 'content-type': type }
    const response = await platform.request('/api/v1/keys', { method: 'POST', headers, body })
    expect(response.status).toBe(status)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
  })
})

describe('a request without a valid key', () => {
  it.each([
    { path: '/api/v1/session', method: 'GET' },
    { path: '/api/v1/vms', method: 'GET' },
    { path: `/api/v1/vms/${NOBODYS_ID}`, method: 'DELETE' },
    { path: '/api/v1/dashboard', method: 'GET' },
    { path: '/api/v1/metrics', method: 'POST' },
    { path: '/api/v1/keys', method: 'POST' },
    { path: '/api/v1/organisations', method: 'GET' },
    { path: '/api/v1/stream', method: 'GET' },
    { path: '/api/v1/compute/summary', method: 'POST' },
  ])('$method $path is answered 401 and told how to send one', async ({ path, method }) => {
    const wrong = createApi(platform.url, `gjl_${'x'.repeat(43)}`)
    for (const response of [
      await fetch(new URL(path, platform.url), { method }),
      await wrong.request(path, { method }),
    ]) {
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/)
      expect(await response.json()).toMatchObject({ type: '/problems/unauthorized' })
    }
  })

  it('does not take a key from the URL', async () => {
    const url = new URL('/api/v1/session', platform.url)
    for (const name of ['key', 'token', 'access_token', 'api_key'])
      url.searchParams.set(name, platform.key)
    expect((await fetch(url)).status).toBe(401)
  })
})

describe('one organisation', () => {
  let ours: Awaited<ReturnType<typeof createTenant>>
  let theirs: Awaited<ReturnType<typeof createTenant>>
  let vm: Vm

  beforeAll(async () => {
    ours = await createTenant()
    theirs = await createTenant()
    vm = await createVm(ours.admin, 'ours')
    await ours.admin.post('/api/v1/metrics', { samples: samplesOf(vm.id, 5, Date.now()) })
  })

  it('sees no VM of another in its lists', async () => {
    const { vms } = await theirs.admin.json<{ vms: Vm[] }>('/api/v1/vms')
    const dashboard = await theirs.admin.json<{ vms: Vm[]; summary: { total: number } }>(
      '/api/v1/dashboard',
    )
    expect(vms).toEqual([])
    expect(dashboard.vms).toEqual([])
    expect(dashboard.summary.total).toBe(0)
  })

  it.each([
    { method: 'GET', path: '' },
    { method: 'PUT', path: '', body: { name: 'stolen' } },
    { method: 'DELETE', path: '' },
    { method: 'POST', path: '/start' },
    { method: 'POST', path: '/stop' },
    { method: 'POST', path: '/restart' },
    { method: 'GET', path: '/metrics' },
  ])('is told 404 for $method /vms/{id}$path of another, as for nobody’s', async (route) => {
    const call = async (id: string) =>
      answerOf(await send(theirs.admin, route.method, `/api/v1/vms/${id}${route.path}`, route.body))
    const answer = await call(vm.id)
    expect(answer.status).toBe(404)
    expect(await call(NOBODYS_ID)).toEqual(answer)
    const after = await ours.admin.json<Vm>(`/api/v1/vms/${vm.id}`)
    expect(after).toMatchObject({ name: 'ours', status: vm.status })
  })

  it('is told 404 for the name of another’s VM, as for nobody’s', async () => {
    const call = async (name: string) => answerOf(await theirs.admin.request(`/api/v1/vms/${name}`))
    const answer = await call('ours')
    expect(answer.status).toBe(404)
    expect(await call('nobodys')).toEqual(answer)
  })

  it('cannot write samples to a VM of another', async () => {
    const call = async (id: string) => {
      const samples = samplesOf(id, 1, Date.now())
      const response = await send(theirs.admin, 'POST', '/api/v1/metrics', { samples })
      const { status, body } = await answerOf(response)
      return { status, body: JSON.stringify(body).replaceAll(id, 'ID') }
    }
    const answer = await call(vm.id)
    expect(answer.body).toContain('unknown-vm')
    expect(await call(NOBODYS_ID)).toEqual(answer)
  })

  it.each([
    { method: 'DELETE', path: '' },
    { method: 'POST', path: '/rotate' },
  ])('is told 404 for $method /keys/{id}$path of another, as for nobody’s', async (route) => {
    const call = async (id: string) =>
      answerOf(await send(theirs.admin, route.method, `/api/v1/keys/${id}${route.path}`))
    const answer = await call(ours.key.id)
    expect(answer.status).toBe(404)
    expect(await call(NOBODYS_ID)).toEqual(answer)
    expect(await call('not-a-uuid')).toEqual(answer)
    expect((await ours.admin.request('/api/v1/session')).status).toBe(200)
  })

  it('is told 404 for the keys of another organisation, as for nobody’s', async () => {
    const list = async (slug: string) =>
      answerOf(await theirs.admin.request(`/api/v1/keys?organisation=${slug}`))
    const make = async (organisation: string) =>
      answerOf(
        await send(theirs.admin, 'POST', '/api/v1/keys', {
          name: 'x',
          scopes: ['read'],
          organisation,
        }),
      )
    for (const call of [list, make]) {
      const answer = await call(ours.slug)
      expect(answer.status).toBe(404)
      expect(await call('nobodys')).toEqual(answer)
    }
  })

  it('is refused by 403 alike, whether the thing exists or not', async () => {
    const reader = apiOf(await newKey(theirs.admin, { scopes: ['read'] }))
    const call = async (id: string) =>
      answerOf(await send(reader, 'POST', `/api/v1/vms/${id}/start`))
    const answer = await call(vm.id)
    expect(answer.status).toBe(403)
    expect(await call(NOBODYS_ID)).toEqual(answer)
  })
})

describe('live connections', () => {
  /** Connects as a browser does, and keeps every frame. */
  const connect = (key: string) => {
    const url = `${platform.url.replace('http', 'ws')}/api/v1/stream`
    const carrier = `gjallar.key.${Buffer.from(key).toString('base64url')}`
    const socket = new WebSocket(url, ['gjallar.v1', carrier])
    const frames: Record<string, unknown>[] = []
    socket.on('message', (data) => frames.push(JSON.parse(data.toString())))
    socket.on('error', () => {})
    const closed = new Promise<number>((resolve) => socket.on('close', resolve))
    const of = (kind: string) => frames.filter((frame) => frame.kind === kind)
    return { socket, of, closed }
  }

  it('speak gjallar.v1 with a key in the subprotocol, for its organisation only', async () => {
    const [ours, theirs] = [await createTenant(), await createTenant()]
    const [watcher, stranger] = [connect(ours.key.key), connect(theirs.key.key)]
    for (const { of, socket } of [watcher, stranger]) {
      await eventually(() => of('hello').length).toBe(1)
      socket.send(JSON.stringify({ kind: 'subscribe', topics: ['fleet'] }))
      await eventually(() => of('subscribed').length).toBe(1)
    }
    expect(watcher.socket.protocol).toBe('gjallar.v1')
    expect(watcher.of('hello')).toMatchObject([{ organisation: ours.slug }])
    const vm = await createVm(ours.admin, 'watched')
    await eventually(() => watcher.of('vm-changed')).toMatchObject([
      { topic: 'fleet', id: vm.id, change: 'created' },
    ])
    await ours.admin.post('/api/v1/metrics', { samples: samplesOf(vm.id, 3, Date.now()) })
    await eventually(() => watcher.of('update')[0]).toMatchObject({
      topic: 'fleet',
      vms: [{ id: vm.id, latest: { cpu_usage: 2 } }],
    })
    expect([...stranger.of('vm-changed'), ...stranger.of('update')]).toEqual([])
    for (const { socket } of [watcher, stranger]) socket.close()
  })

  it.each(['revoke', 'rotate'] as const)('are closed when their key ends by %s', async (way) => {
    const { admin } = await createTenant()
    const key = await newKey(admin, { scopes: ['read'] })
    const connection = connect(key.key)
    await eventually(() => connection.of('hello').length).toBe(1)
    connection.socket.send(JSON.stringify({ kind: 'subscribe', topics: ['fleet'] }))
    await eventually(() => connection.of('subscribed').length).toBe(1)
    const path = `/api/v1/keys/${key.id}`
    await (way === 'revoke' ? send(admin, 'DELETE', path) : send(admin, 'POST', `${path}/rotate`))
    expect(await connection.closed).toBe(1008)
    expect(connection.of('problem')).toMatchObject([{ status: 401 }])
  })

  it('are refused with a wrong key', async () => {
    const connection = connect(`gjl_${'x'.repeat(43)}`)
    expect(await connection.closed).toBe(1006)
    expect(connection.of('hello')).toEqual([])
  })
})
