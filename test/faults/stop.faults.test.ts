import { rm } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isAlive, signalProcess, waitUntilGone } from '../../scripts/processes.ts'
import { createVm, samplesOf } from '../support/api.ts'
import { deliveredOf, expectedOf, ingest } from '../support/delivery.ts'
import { makeFolder, type Stack, startStack } from '../support/stack.ts'

let stateFolder = ''
const stacks: Stack[] = []
const start = async (): Promise<Stack> => {
  const stack = await startStack({ agent: true, stateFolder })
  stacks.push(stack)
  return stack
}
beforeEach(async () => {
  stateFolder = await makeFolder()
})
afterEach(async () => {
  for (const stack of stacks.splice(0)) await stack.stop()
  await rm(stateFolder, { recursive: true, force: true })
})

const processesOf = async (stack: Stack): Promise<number[]> => {
  const pids = await stack.pids()
  expect(Object.keys(pids).sort()).toEqual(['agent', 'mock-llm', 'postgres', 'reaper', 'worker'])
  return Object.values(pids)
}
const allGone = async (pids: number[], timeoutMs: number): Promise<boolean> =>
  (await Promise.all(pids.map((pid) => waitUntilGone(pid, timeoutMs)))).every(Boolean)

describe('the end of a stack', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('%s leaves no process and status 0', async (signal) => {
    const stack = await start()
    const pids = await processesOf(stack)
    stack.signal(signal)
    expect(await stack.exited).toBe(0)
    expect(await allGone(pids, 2_000)).toBe(true)
  })

  it('a second signal does not wait, and leaves no process either', async () => {
    const stack = await start()
    const pids = await processesOf(stack)
    stack.signal('SIGTERM')
    stack.signal('SIGINT')
    await stack.exited
    expect(await allGone(pids, 10_000)).toBe(true)
  })

  it('kill −9 of the stack itself leaves no process, and the next start has all that was acknowledged', async () => {
    const first = await start()
    const pids = await processesOf(first)
    const vm = await createVm(first.api, 'killed-with-all')
    const sent = samplesOf(vm.id, 30, Date.now())
    expect(await ingest(first.api, sent)).toMatchObject({ accepted: 30 })
    signalProcess(first.pid, 'SIGKILL')
    expect(await first.exited).toBe('SIGKILL')
    // At once: the next start waits for what the killed one left behind.
    const second = await startStack({
      stateFolder,
      port: first.port,
      env: { GJALLAR_DEV_KEY: first.key },
    })
    stacks.push(second)
    expect(pids.filter(isAlive)).toEqual([])
    expect(await deliveredOf(second.api, vm, sent)).toEqual(expectedOf(sent))
  })

  it('kill −9 of everything at once loses nothing acknowledged', async () => {
    const first = await start()
    const pids = await processesOf(first)
    const vm = await createVm(first.api, 'power-cut')
    const sent = samplesOf(vm.id, 30, Date.now())
    expect(await ingest(first.api, sent)).toMatchObject({ accepted: 30 })
    for (const pid of [first.pid, ...pids]) signalProcess(pid, 'SIGKILL')
    await first.exited
    const second = await startStack({ stateFolder, env: { GJALLAR_DEV_KEY: first.key } })
    stacks.push(second)
    expect(await deliveredOf(second.api, vm, sent)).toEqual(expectedOf(sent))
  })

  it('a second stack in the same folder is refused and does the first no harm', async () => {
    const first = await start()
    const second = await startStack({ stateFolder, waitFor: 'nothing' })
    expect(await second.exited).toBe(1)
    expect(second.output()).toContain(`A stack already runs in the state folder ${stateFolder}`)
    expect((await first.api.request('/readyz')).status).toBe(200)
  })
})
