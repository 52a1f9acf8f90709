import { createServer } from 'node:net'
import { neon, neonConfig, Pool } from '@neondatabase/serverless'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { WebSocket } from 'ws'
import { type NeonProxy, startNeonProxy } from '../../local/neon-proxy.ts'
import { connect } from '../../src/database/client.ts'
import { faultOf, isUnavailable, violatedConstraint } from '../../src/database/faults.ts'
import { database, newOrganisation } from './fixtures.ts'

const db = database()
const url = inject('databaseUrl')
const proxy = inject('neonProxy')

const post = (body: unknown, headers: Record<string, string> = {}, path = '/sql') =>
  fetch(`http://${proxy}${path}`, {
    method: 'POST',
    headers: { 'neon-connection-string': url, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
const select = { query: 'SELECT 1 AS one', params: [] }

describe('POST /sql', () => {
  it('answers values as PostgreSQL writes them, with the types of the columns', async () => {
    const query = `SELECT 9007199254740993::bigint AS big, true AS yes, NULL::int AS none, $1::float8 AS number`
    const response = await post({ query, params: ['0.1'] })
    expect(await response.json()).toMatchObject({
      command: 'SELECT',
      rowCount: 1,
      fields: [
        { name: 'big', dataTypeID: 20 },
        { name: 'yes', dataTypeID: 16 },
        { name: 'none', dataTypeID: 23 },
        { name: 'number', dataTypeID: 701 },
      ],
      rows: [['9007199254740993', 't', null, '0.1']],
    })
  })

  it('gives an SQL error as 400 with its code, detail and constraint', async () => {
    const { slug } = await newOrganisation(db)
    const query = `INSERT INTO organisations (slug, name) VALUES ($1, 'x')`
    const response = await post({ query, params: [slug] })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      code: '23505',
      constraint: 'organisations_slug',
      table: 'organisations',
      detail: expect.stringContaining(slug),
      message: expect.stringContaining('duplicate key'),
    })
  })

  it('refuses several statements in one string', async () => {
    const response = await post({ query: 'SELECT 1; SELECT 2', params: [] })
    expect([response.status, (await response.json()) as object]).toMatchObject([
      400,
      { code: '42601' },
    ])
  })

  it.each([
    { what: 'another database', string: url.replace(/\/[^/]*$/, '/postgres') },
    { what: 'another user', string: url.replace(/\/\/[^:@]*/, '//somebody') },
    { what: 'another server', string: url.replace(/@[^/]*/, '@example.org:5432') },
    { what: 'no connection string', string: '' },
  ])('refuses $what', async ({ string }) => {
    expect((await post(select, { 'neon-connection-string': string })).status).toBe(403)
  })

  it('refuses a web page, another path, another method and a body that is none', async () => {
    expect((await post(select, { origin: 'http://example.org' })).status).toBe(403)
    expect((await post(select, {}, '/')).status).toBe(404)
    expect((await fetch(`http://${proxy}/sql`)).status).toBe(405)
    for (const body of [
      '',
      'x',
      '[]',
      '{}',
      '{"query":"SELECT $1","params":[1]}',
      '{"queries":1}',
    ]) {
      expect((await post(body)).status).toBe(400)
    }
  })

  it('serves more requests at once than it has connections', async () => {
    const answers = await Promise.all(
      Array.from({ length: 60 }, () => db.query({ text: 'SELECT pg_sleep(0.01)', params: [] })),
    )
    expect(answers).toHaveLength(60)
  })
})

describe('a batch', () => {
  it('runs in one transaction: a failure leaves nothing', async () => {
    const { id } = await newOrganisation(db)
    const rename = { text: `UPDATE organisations SET name = 'Changed' WHERE id = $1`, params: [id] }
    const read = { text: 'SELECT name FROM organisations WHERE id = $1', params: [id] }
    await expect(db.transaction([rename, { text: 'SELECT 1/0', params: [] }])).rejects.toSatisfy(
      (error) => faultOf(error)?.reason === 'sql',
    )
    expect(await db.query(read)).toEqual([{ name: 'Test' }])
    expect((await db.transaction([rename, read]))[1]).toEqual([{ name: 'Changed' }])
  })

  it('obeys read-only and the isolation level', async () => {
    neonConfig.fetchEndpoint = `http://${proxy}/sql`
    const client = neon(url)
    const level = client`SELECT current_setting('transaction_isolation') AS level`
    const rows = await client.transaction([level], { isolationLevel: 'Serializable' })
    expect(rows).toEqual([[{ level: 'serializable' }]])
    const write = client`CREATE TABLE no (n int)`
    await expect(client.transaction([write], { readOnly: true })).rejects.toMatchObject({
      code: '25006',
    })
  })
})

describe('the WebSocket /v2', () => {
  const open = (): Pool => {
    neonConfig.webSocketConstructor = WebSocket
    neonConfig.wsProxy = () => `${proxy}/v2`
    neonConfig.useSecureWebSocket = false
    neonConfig.pipelineConnect = false
    return new Pool({ connectionString: url, max: 1 })
  }

  it('carries an interactive transaction of the stock driver', async () => {
    const pool = open()
    const client = await pool.connect()
    await client.query('BEGIN')
    await client.query('CREATE TEMPORARY TABLE t (n int) ON COMMIT DROP')
    await client.query('INSERT INTO t VALUES (1), (2)')
    expect((await client.query('SELECT sum(n)::int AS sum FROM t')).rows).toEqual([{ sum: 3 }])
    await client.query('ROLLBACK')
    client.release()
    await pool.end()
  })

  it('ends a session that asks for another database, and refuses a web page', async () => {
    const closed = (socket: WebSocket) =>
      new Promise((resolve) => {
        socket.on('error', () => {})
        socket.on('close', resolve)
      })
    const other = new WebSocket(`ws://${proxy}/v2`)
    other.on('open', () => {
      const body = Buffer.from('\0\x03\0\0user\0gjallar\0database\0postgres\0\0', 'latin1')
      const size = Buffer.alloc(4)
      size.writeUInt32BE(body.length + 4)
      other.send(Buffer.concat([size, body]))
    })
    await closed(other)
    await closed(new WebSocket(`ws://${proxy}/v2`, { origin: 'http://example.org' }))
  })
})

describe('a database that is not there', () => {
  let dead: NeonProxy
  beforeAll(async () => {
    const target = 'postgresql://nobody:secret@127.0.0.1:1/none'
    dead = await startNeonProxy({ target })
  })
  afterAll(() => dead.stop())

  const failureOf = async (databaseUrl: string, neonProxy: string): Promise<unknown> => {
    const other = connect({ databaseUrl, neonProxy })
    const failure = await other.query({ text: 'SELECT 1', params: [] }).catch((error) => error)
    connect({ databaseUrl: url, neonProxy: proxy })
    return failure
  }

  it('is told as 503 with 57P03', async () => {
    const response = await fetch(`http://127.0.0.1:${dead.port}/sql`, {
      method: 'POST',
      headers: { 'neon-connection-string': 'postgresql://nobody:secret@127.0.0.1:1/none' },
      body: JSON.stringify(select),
    })
    expect([response.status, await response.json()]).toMatchObject([503, { code: '57P03' }])
  })

  it('makes a client throw what isUnavailable knows, also when the proxy itself is gone', async () => {
    const target = 'postgresql://nobody:secret@127.0.0.1:1/none'
    expect(isUnavailable(await failureOf(target, `127.0.0.1:${dead.port}`))).toBe(true)
    expect(isUnavailable(await failureOf(url, '127.0.0.1:1'))).toBe(true)
  })

  it('is not confused with a refused statement or with a bug', async () => {
    const refused = await db.query({ text: 'SELECT none', params: [] }).catch((error) => error)
    expect(faultOf(refused)).toMatchObject({ reason: 'sql', code: '42703', constraint: null })
    expect([isUnavailable(refused), violatedConstraint(refused)]).toEqual([false, null])
    expect(faultOf(new TypeError('x is not a function'))).toBeNull()
  })
})

describe('a port that is taken', () => {
  it('is refused with EADDRINUSE', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    await expect(startNeonProxy({ target: url, port })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    })
    server.close()
  })
})
