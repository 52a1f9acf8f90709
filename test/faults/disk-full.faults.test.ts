import { execFileSync } from 'node:child_process'
import { chmod, mkdir, open, rm } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createVm, samplesOf } from '../support/api.ts'
import { deliveredOf, expectedOf, ingest } from '../support/delivery.ts'
import { makeFolder, type Stack, startStack } from '../support/stack.ts'
import { until } from '../support/until.ts'

const ENOUGH_TO_START = '480m'
let stack: Stack | undefined
let point = ''
let folder = ''
afterAll(async () => {
  await stack?.stop()
  if (point !== '') execFileSync('umount', [point])
  if (folder !== '') await rm(folder, { recursive: true, force: true })
})

/** Takes all the room that is left. */
const fill = async (file: string): Promise<void> => {
  const handle = await open(file, 'w')
  const block = Buffer.alloc(1 << 20)
  try {
    for (;;) await handle.write(block)
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC')
  } finally {
    await handle.close()
  }
}

describe('a disk that becomes full while the stack runs', () => {
  it('is told by name; no sample is acknowledged that is not kept; all goes on once there is room', async (context) => {
    if (process.getuid?.() !== 0) return context.skip('mounting a filesystem needs root')
    folder = await makeFolder()
    const mount = path.join(folder, 'small')
    await mkdir(mount)
    const options = `size=${ENOUGH_TO_START}`
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', mount], { stdio: 'pipe' })
    } catch {
      return context.skip('a filesystem cannot be mounted here')
    }
    point = mount
    await chmod(mount, 0o755)
    stack = await startStack({ stateFolder: mount })
    const { api } = stack
    const vm = await createVm(api, 'disk-full')
    const before = samplesOf(vm.id, 60, Date.now() - 300_000)
    expect(await ingest(api, before)).toMatchObject({ accepted: 60 })

    const ballast = path.join(mount, 'ballast')
    await fill(ballast)
    await stack.printed(/is on a filesystem that is full/, 10_000)
    expect(stack.output()).toContain(`The state folder ${mount} is`)
    const after = samplesOf(vm.id, 100, Date.now())
    const statuses: number[] = []
    // A little may still fit into pages that SQLite has; then it is acknowledged, and kept.
    for (let start = 0; start < after.length; start += 10) {
      const response = await api.request('/api/v1/metrics', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ samples: after.slice(start, start + 10) }),
      })
      statuses.push(response.status)
      await response.body?.cancel()
    }
    expect(statuses.filter((status) => status !== 200 && status !== 503)).toEqual([])
    const acknowledged = [
      ...before,
      ...after.filter((_sample, index) => statuses[Math.floor(index / 10)] === 200),
    ]
    expect((await fetch(`${stack.url}/healthz`)).status).toBe(200)

    await rm(ballast)
    await stack.printed(/room again/, 10_000)
    await stack.ready()
    const all = [...before, ...after]
    const kept = await until('the shard to answer', () => deliveredOf(api, vm, all))
    expect(kept).toEqual(expect.arrayContaining(expectedOf(acknowledged)))
    await until('the shard to take samples again', async () => {
      const answer = await ingest(api, after)
      return answer.accepted + answer.duplicates === after.length
    })
    expect(await deliveredOf(api, vm, all)).toEqual(expectedOf(all))
  })
})
