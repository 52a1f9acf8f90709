import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { freePort } from '../../local/checks.ts'

/** A server that takes remote write, from this machine's packages. */
interface Rival {
  readonly binary: string
  arguments(folder: string, port: number): readonly string[]
  readonly path: string
}

export const RIVALS: Readonly<Record<string, Rival>> = {
  Prometheus: {
    binary: 'prometheus',
    arguments: (folder, port) => [
      `--storage.tsdb.path=${folder}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--web.enable-remote-write-receiver',
      '--config.file=/dev/null',
      '--log.level=error',
    ],
    path: '/api/v1/write',
  },
  VictoriaMetrics: {
    binary: 'victoria-metrics',
    arguments: (folder, port) => [
      `-storageDataPath=${folder}`,
      `-httpListenAddr=127.0.0.1:${port}`,
      '-loggerLevel=ERROR',
    ],
    path: '/api/v1/write',
  },
}

const READY_TIMEOUT_MS = 15_000

/** The program's path, from PATH; null where it is not installed. */
export const findProgram = (binary: string): string | null => {
  for (const folder of (process.env.PATH ?? '').split(path.delimiter)) {
    try {
      const file = path.join(folder, binary)
      accessSync(file, constants.X_OK)
      return file
    } catch {
      // Not in this folder.
    }
  }
  return null
}

const ready = async (url: string, child: ChildProcess): Promise<void> => {
  const deadlineMs = performance.now() + READY_TIMEOUT_MS
  while (performance.now() < deadlineMs) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`)
    try {
      // Prometheus listens before it takes anything.
      if ((await fetch(url)).status !== 503) return
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  throw new Error('it did not start')
}

/** Runs `work` on a fresh server, which is gone afterwards with its data. */
export const withRival = async <T>(
  program: string,
  rival: Rival,
  work: (server: { url: string; pid: number; folder: string }) => Promise<T>,
): Promise<T> => {
  const folder = await mkdtemp(path.join(tmpdir(), 'gjallar-rival-'))
  const port = await freePort()
  const child = spawn(program, rival.arguments(folder, port), { stdio: 'ignore' })
  try {
    await ready(`http://127.0.0.1:${port}/`, child)
    return await work({ url: `http://127.0.0.1:${port}${rival.path}`, pid: child.pid ?? 0, folder })
  } finally {
    const ended = new Promise((resolve) => child.once('exit', resolve))
    if (child.exitCode === null) child.kill('SIGKILL')
    await ended
    await rm(folder, { recursive: true, force: true })
  }
}
