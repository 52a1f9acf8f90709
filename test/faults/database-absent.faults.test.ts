import { rm } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../../local/checks.ts'
import { type Postgres, startPostgres } from '../../local/postgres.ts'
import { createVm, samplesOf } from '../support/api.ts'
import { ingest } from '../support/delivery.ts'
import { makeFolder, type Stack, startStack } from '../support/stack.ts'

let databaseFolder = ''
let postgres: Postgres
let door: Server | undefined
let doorPort = 0
let stack: Stack

/** The database is reachable on the door's port only while the door is open. */
const openDoor = async (): Promise<void> => {
  const { port } = new URL(postgres.url)
  const server = createServer((inner) => {
    const outer = connect(Number(port), '127.0.0.1')
    inner.pipe(outer).pipe(inner)
    // Either side may be cut at the end of the test.
    inner.on('error', () => outer.destroy())
    outer.on('error', () => inner.destroy())
  })
  await new Promise<void>((resolve) => server.listen(doorPort, '127.0.0.1', resolve))
  door = server
}

beforeAll(async () => {
  databaseFolder = await makeFolder()
  postgres = await startPostgres({ stateFolder: databaseFolder, log: () => {} })
  doorPort = await freePort()
  const url = new URL(postgres.url)
  url.port = String(doorPort)
  stack = await startStack({ waitFor: 'worker', env: { DATABASE_URL: url.href } })
})
afterAll(async () => {
  await stack?.stop()
  door?.close()
  await postgres?.stop()
  await rm(databaseFolder, { recursive: true, force: true })
})

describe('PostgreSQL absent at the start', () => {
  it('is told with its address and without its password, and tried again', async () => {
    await stack.printed(/PostgreSQL at 127\.0\.0\.1:\d+ is not available/, 10_000)
    await stack.printed(/next try in/, 20_000)
    expect(stack.output()).toContain(`127.0.0.1:${doorPort}`)
    expect(stack.output()).not.toContain(new URL(postgres.url).password)
  })

  it('leaves the worker alive and not ready, with the reason', async () => {
    const health = await fetch(`${stack.url}/healthz`)
    expect(health.status).toBe(200)
    const ready = await fetch(`${stack.url}/readyz`)
    expect(ready.status).toBe(503)
    const body = (await ready.json()) as {
      checks: { database: { status: string; detail: string } }
    }
    expect(body.checks.database.detail).toContain(`connect ECONNREFUSED 127.0.0.1:${doorPort}`)
    expect(JSON.stringify(body)).not.toContain(new URL(postgres.url).password)
  })

  it('is taken into use when it comes', async () => {
    await openDoor()
    await stack.ready(40_000)
    const vm = await createVm(stack.api, 'late-database')
    const answer = await ingest(stack.api, samplesOf(vm.id, 3, Date.now()))
    expect(answer).toMatchObject({ accepted: 3, refusedTotal: 0 })
  })
})
