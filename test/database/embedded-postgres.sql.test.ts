import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Postgres, startPostgres } from '../../local/postgres.ts'
import { explain } from '../../local/postgres-folder.ts'
import { waitUntilGone } from '../../scripts/processes.ts'

let stateFolder = ''
let dataFolder = ''
let running: Postgres | null = null
const logged: string[] = []

const start = async (): Promise<Postgres> => {
  running = await startPostgres({ stateFolder, log: (text) => logged.push(text) })
  return running
}
const query = async (url: string, text: string): Promise<unknown[]> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query({ text, rowMode: 'array' }).finally(() => client.end())
  return rows.flat()
}

beforeAll(async () => {
  stateFolder = await mkdtemp(path.join(tmpdir(), 'gjallar-postgres-'))
  await chmod(stateFolder, 0o755)
  const first = await start()
  await query(first.url, 'CREATE TABLE t (n int)')
  const record = await readFile(path.join(stateFolder, 'postgres.json'), 'utf8')
  dataFolder = (JSON.parse(record) as { dataFolder: string }).dataFolder
})
afterAll(async () => {
  await running?.stop()
  await rm(stateFolder, { recursive: true, force: true })
})

describe('the embedded PostgreSQL', () => {
  it('asks for its password and keeps it from others', async () => {
    const { url } = running as Postgres
    const { mode } = await stat(path.join(stateFolder, 'postgres.json'))
    expect(mode & 0o077).toBe(0)
    await expect(query(url.replace(/:[^:@]*@/, ':wrong@'), 'SELECT 1')).rejects.toMatchObject({
      code: '28P01',
    })
  })

  it('writes durably and compiles nothing', async () => {
    const { url } = running as Postgres
    const settings = ['fsync', 'synchronous_commit', 'full_page_writes', 'jit']
    const shown = await Promise.all(settings.map((name) => query(url, `SHOW ${name}`)))
    expect(shown.flat()).toEqual(['on', 'on', 'on', 'off'])
  })

  it('is taken over while it still runs, as after kill -9 of the stack', async () => {
    const before = running as Postgres
    const after = await start()
    expect([after.pid, after.url]).toEqual([before.pid, before.url])
    expect(logged.at(-1)).toContain(`taking over PostgreSQL ${before.pid}`)
  })

  it('keeps what was committed, and its port, over kill -9 of the server', async () => {
    const { pid, url } = running as Postgres
    await query(url, 'INSERT INTO t VALUES (42)')
    process.kill(pid, 'SIGKILL')
    // A server that is still dying could be taken over for a moment.
    expect(await waitUntilGone(pid, 10_000)).toBe(true)
    const again = await start()
    expect(again.pid).not.toBe(pid)
    expect(again.url).toBe(url)
    expect(await query(again.url, 'SELECT n FROM t')).toEqual([42])
  })

  it('starts over a pid file whose number another program has by now', async () => {
    const before = running as Postgres
    await before.stop()
    const file = path.join(dataFolder, 'postmaster.pid')
    await writeFile(file, `${process.pid}\n${dataFolder}\n1\n5432\n\n127.0.0.1\n0 0\nready   \n`)
    expect(await query((await start()).url, 'SELECT n FROM t')).toEqual([42])
  })

  it('says that the data is of another version, and touches nothing', async () => {
    await running?.stop()
    const file = path.join(dataFolder, 'PG_VERSION')
    await writeFile(file, '14\n')
    await expect(start()).rejects.toThrow(/was written by PostgreSQL 14, and this is 18/)
    await writeFile(file, '18\n')
    expect(await query((await start()).url, 'SELECT n FROM t')).toEqual([42])
  })

  it('names the folder where it cannot be one', async () => {
    const file = path.join(stateFolder, 'postgres.json')
    await expect(
      startPostgres({ stateFolder: path.join(file, 'below'), log: () => {} }),
    ).rejects.toThrow(file)
  })
})

describe('an error of the file system', () => {
  it.each([
    {
      message: 'EROFS: read-only file system, mkdir',
      code: 'EROFS',
      says: /read-only file system/,
    },
    { message: 'initdb: could not write\nNo space left on device', says: /is on a full disk/ },
    { message: 'EACCES: permission denied', code: 'EACCES', says: /may not be written/ },
  ])('$message names the folder', ({ message, code, says }) => {
    const error = explain(Object.assign(new Error(message), { code }), '/srv/state')
    expect(error.message).toMatch(/^the state folder \/srv\/state /)
    expect(error.message).toMatch(says)
  })
})
