import { mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fingerprint } from '../../scripts/build.ts'
import { withLock } from '../../scripts/lock.ts'
import { runTool } from '../../scripts/run-tool.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gjallar-build-'))
  await mkdir(path.join(folder, 'src', 'dist'), { recursive: true })
  await writeFile(path.join(folder, 'src', 'a.ts'), 'one')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

describe('the fingerprint of a part', () => {
  const inputs = ['src', 'absent.json']

  it('does not change with times, outputs or order of writing', async () => {
    const before = await fingerprint(folder, inputs)
    await utimes(path.join(folder, 'src', 'a.ts'), 1, 1)
    await writeFile(path.join(folder, 'src', 'dist', 'out.js'), 'built')
    expect(await fingerprint(folder, inputs)).toBe(before)
  })

  it('changes when a file changes, comes, goes or is renamed', async () => {
    const seen = new Set([await fingerprint(folder, inputs)])
    const src = path.join(folder, 'src')
    await writeFile(path.join(src, 'a.ts'), 'two')
    seen.add(await fingerprint(folder, inputs))
    await writeFile(path.join(src, 'b.ts'), 'two')
    seen.add(await fingerprint(folder, inputs))
    await rm(path.join(src, 'a.ts'))
    seen.add(await fingerprint(folder, inputs))
    await writeFile(path.join(folder, 'absent.json'), '')
    seen.add(await fingerprint(folder, inputs))
    expect(seen.size).toBe(5)
  })
})

describe('the lock of a build', () => {
  it('lets one work at a time', async () => {
    const file = path.join(folder, 'lock')
    let inside = 0
    let most = 0
    const work = async (): Promise<void> => {
      most = Math.max(most, ++inside)
      await new Promise((resolve) => setTimeout(resolve, 5))
      inside--
    }
    await withLock(file, work)
    // One process has one ticket, so the second holder is another process, here a live one.
    await writeFile(file, String(process.ppid))
    const waiting = withLock(file, work)
    await new Promise((resolve) => setTimeout(resolve, 150))
    expect(most).toBe(1)
    expect(await readFile(file, 'utf8')).toBe(String(process.ppid))
    await rm(file)
    await waiting
  })

  it('is taken from a holder that died', async () => {
    const file = path.join(folder, 'lock')
    const dead = await runTool(process.execPath, ['-p', 'process.pid'], { cwd: folder })
    await writeFile(file, dead.trim())
    expect(await withLock(file, async () => 'done')).toBe('done')
  })
})

describe('a tool that fails', () => {
  it('throws with what it printed', async () => {
    const script = 'console.log("to out"); console.error("to err"); process.exit(3)'
    const failing = runTool(process.execPath, ['-e', script], { cwd: folder })
    await expect(failing).rejects.toThrow(/ended with 3\n(.*\n)*.*to (out|err)/)
  })

  it('throws when there is no such tool', async () => {
    await expect(runTool('/no/such/tool', [], { cwd: folder })).rejects.toThrow('cannot start')
  })
})
