import { execFileSync } from 'node:child_process'
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeFolder, type StackOptions, startStack } from '../support/stack.ts'

const isRoot = process.getuid?.() === 0
let folder = ''
const mounted: string[] = []
beforeAll(async () => {
  folder = await makeFolder()
})
afterAll(async () => {
  for (const point of mounted) execFileSync('umount', [point])
  await rm(folder, { recursive: true, force: true })
})

/** Starts a stack that must not come up; its exit status and all that it printed. */
const refusedStart = async (
  options: StackOptions,
): Promise<{ status: number | string; output: string }> => {
  const stack = await startStack({ ...options, waitFor: 'nothing' })
  const status = await stack.exited
  await stack.stop()
  return { status, output: stack.output() }
}

/** A small filesystem in memory, or the reason why this machine lets us have none. */
const mountTmpfs = (point: string, options: string): string | null => {
  if (!isRoot) return 'mounting a filesystem needs root'
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', point], { stdio: 'pipe' })
    mounted.push(point)
    return null
  } catch (error) {
    return `a filesystem cannot be mounted here: ${error instanceof Error ? error.message : error}`
  }
}

describe('a start that cannot succeed', () => {
  it('names the port that is taken and how to choose another', async () => {
    const server: Server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const { status, output } = await refusedStart({ port })
    server.close()
    expect(status).toBe(1)
    expect(output).toContain(`Port ${port} on 127.0.0.1 is taken by another program`)
    expect(output).toContain(`PORT=${port + 1} npm start`)
  })

  it('names the state folder when a file stands in its place', async () => {
    const file = path.join(folder, 'file')
    await writeFile(file, '')
    const { status, output } = await refusedStart({ stateFolder: file })
    expect(status).toBe(1)
    expect(output).toContain(`The state folder ${file} cannot be used`)
    expect(output).toContain('GJALLAR_STATE=')
  })

  it('names the state folder when it is read-only', async (context) => {
    const point = path.join(folder, 'read-only')
    await mkdir(point)
    // Permissions do not bind root, so root needs a filesystem that is read-only.
    const reason = isRoot ? mountTmpfs(point, 'ro,size=16m') : null
    if (reason !== null) return context.skip(reason)
    if (!isRoot) await chmod(point, 0o555)
    const { status, output } = await refusedStart({ stateFolder: point })
    expect(status).toBe(1)
    expect(output).toContain(`The state folder ${point} cannot be used`)
    expect(output).toMatch(/read-only|may not write/)
    expect(output).toContain('GJALLAR_STATE=')
  })

  it('names the state folder when its filesystem is full', async (context) => {
    const point = path.join(folder, 'full')
    await mkdir(point)
    const reason = mountTmpfs(point, 'size=16m')
    if (reason !== null) return context.skip(reason)
    const { status, output } = await refusedStart({ stateFolder: point })
    expect(status).toBe(1)
    expect(output).toContain(`The state folder ${point} is on a filesystem that is full`)
    expect(output).toContain('GJALLAR_STATE=')
  })

  it('names the setting that makes no sense', async () => {
    const { status, output } = await refusedStart({ env: { DATABASE_URL: 'mysql://x/y' } })
    expect(status).toBe(1)
    expect(output).toContain('DATABASE_URL')
  })
})
