import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkPort, checkStateFolder, FREE_BYTES_MIN, freePort } from '../../local/checks.ts'
import { parseRecord, StateFolder, startTicksOf } from '../../local/state-folder.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gjallar-state-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const URL_OF_STACK = 'http://127.0.0.1:1'
const claim = (name: string): Promise<StateFolder> =>
  StateFolder.claim(path.join(folder, name), URL_OF_STACK, () => {})

describe('the checks before the start', () => {
  it('make the state folder and tell its free bytes', async () => {
    const free = await checkStateFolder(path.join(folder, 'deep', 'state'))
    expect(free).toBeGreaterThanOrEqual(FREE_BYTES_MIN)
  })

  it('name the folder and the variable when a file stands in its place', async () => {
    const file = path.join(folder, 'a-file')
    await writeFile(file, '')
    await expect(checkStateFolder(file)).rejects.toThrow(
      `The state folder ${file} cannot be used: a file stands in its place. Choose another folder: GJALLAR_STATE=`,
    )
  })

  it('name the port and the variable when the port is taken', async () => {
    const server = createServer()
    const port = await freePort()
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    await expect(checkPort(port)).rejects.toThrow(
      new RegExp(`Port ${port} on 127.0.0.1 is taken by another program.*PORT=${port + 1}`),
    )
    await new Promise((resolve) => server.close(resolve))
    await expect(checkPort(port)).resolves.toBeUndefined()
  })
})

describe('the state folder', () => {
  it('keeps the development key for its owner only, the same at each start', async () => {
    const first = await (await claim('keys')).developmentKey(null)
    const second = await (await claim('keys')).developmentKey(null)
    expect(second).toBe(first)
    const file = path.join(folder, 'keys', 'development-key')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await (await claim('keys')).developmentKey('gjl_dev_of_the_person')).toBe(
      'gjl_dev_of_the_person',
    )
  })

  it('records the stack and its children while it runs', async () => {
    const state = await claim('record')
    await state.setChild('worker', process.pid)
    const text = await readFile(path.join(state.path, 'stack.json'), 'utf8')
    expect(parseRecord(text)).toMatchObject({
      pid: process.pid,
      url: URL_OF_STACK,
      children: { worker: process.pid },
    })
    await state.release()
    await expect(stat(path.join(state.path, 'stack.json'))).rejects.toThrow('ENOENT')
  })

  it('is refused to a second stack, naming the first', async () => {
    const state = await claim('twice')
    const record = {
      pid: process.ppid,
      startTicks: await startTicksOf(process.ppid),
      url: URL_OF_STACK,
      children: {},
      childStartTicks: {},
    }
    await writeFile(path.join(state.path, 'stack.json'), JSON.stringify(record))
    await expect(claim('twice')).rejects.toThrow(`process ${process.ppid}, ${URL_OF_STACK}`)
  })

  it('is free again when the number of a killed stack belongs to another process by now', async () => {
    const state = await claim('reused')
    const record = {
      pid: process.ppid,
      startTicks: '1',
      url: URL_OF_STACK,
      children: { worker: process.ppid },
      childStartTicks: { [process.ppid]: '1' },
    }
    await writeFile(path.join(state.path, 'stack.json'), JSON.stringify(record))
    await expect(claim('reused')).resolves.toBeInstanceOf(StateFolder)
  })

  it.each(['', '{', '{"pid":"x"}', 'null'])('takes a record %j for none', (text) => {
    expect(parseRecord(text)).toBeNull()
  })
})
