import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream, renameSync, statSync, type WriteStream } from 'node:fs'
import { signalProcess } from '../scripts/processes.ts'
import type { Running } from './supervisor.ts'

/** Time a child has between SIGTERM and SIGKILL. */
const GRACE_MS = 3_000
/** A log file larger than this is moved to `FILE.1` when a child starts. */
const LOG_BYTES_MAX = 8 * 1024 * 1024
/** The end of the output kept in memory, for the message when a child cannot start. */
const TAIL_CHARACTERS_MAX = 4_096

export interface Child extends Running {
  readonly process: ChildProcess
  /** The last lines it printed. */
  tail(): string
}

export interface ChildOptions {
  command: string
  args: readonly string[]
  cwd: string
  env: Record<string, string | undefined>
  /** All output goes here, after the output of earlier runs, up to a bound a run starts with. */
  logFile?: string
  onLine?(line: string): void
  graceMs?: number
  keepStdinOpen?: boolean
}

const openLog = (file: string): WriteStream => {
  const sizeBytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0
  if (sizeBytes > LOG_BYTES_MAX) renameSync(file, `${file}.1`)
  return createWriteStream(file, { flags: 'a' })
}

/**
 * Starts a child in its own process group: a Ctrl-C in the terminal reaches the stack only, which
 * then ends its children in order. `stop` ends the whole group.
 */
export const startChild = (options: ChildOptions): Child => {
  const child = spawn(options.command, options.args, {
    cwd: options.cwd,
    env: options.env,
    detached: true,
    stdio: [options.keepStdinOpen ? 'pipe' : 'ignore', 'pipe', 'pipe'],
  })
  const pid = child.pid ?? -1
  let tail = ''
  let partial = ''
  const file = options.logFile === undefined ? null : openLog(options.logFile)
  // A full disk must not end the stack; the terminal still shows the children's lines.
  file?.on('error', () => {})
  // A child that ended early breaks its input pipe.
  child.stdin?.on('error', () => {})
  const collect = (chunk: Buffer): void => {
    const text = chunk.toString()
    file?.write(text)
    tail = (tail + text).slice(-TAIL_CHARACTERS_MAX)
    const lines = (partial + text).split('\n')
    partial = (lines.pop() ?? '').slice(-TAIL_CHARACTERS_MAX)
    if (options.onLine) for (const line of lines) options.onLine(line)
  }
  child.stdout?.on('data', collect)
  child.stderr?.on('data', collect)

  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, signal) => resolve(signal ?? `status ${code}`))
  }).then((how) => {
    file?.end()
    return how
  })

  const signalGroup = (signal: NodeJS.Signals): void => {
    if (pid > 0) signalProcess(-pid, signal)
  }
  const stop = async (): Promise<void> => {
    child.stdin?.end()
    signalGroup('SIGTERM')
    const timer = setTimeout(() => signalGroup('SIGKILL'), options.graceMs ?? GRACE_MS)
    await exited
    clearTimeout(timer)
    // What the child itself started in its group ends with it.
    signalGroup('SIGKILL')
  }
  return { process: child, pid, exited, stop, tail: () => tail }
}
