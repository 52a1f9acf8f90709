import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { isAlive, signalProcess, waitUntilGone } from '../scripts/processes.ts'
import { CannotStart } from './checks.ts'
import { makeDevelopmentKey } from './settings.ts'

/** The children a stack has, by name, as process numbers. */
export type ChildName = 'worker' | 'postgres' | 'agent' | 'reaper' | 'mock-llm'

/** `stack.json` in the state folder: what runs there now, for tools and for the next start. */
export interface StackRecord {
  pid: number
  /** Tells a reused process number from the process that wrote the file. */
  startTicks: string | null
  url: string
  children: Partial<Record<ChildName, number>>
  /** Start times of the children, by their number. */
  childStartTicks: Record<string, string | null>
}

/** The time a process started, in ticks since boot (proc_pid_stat(5), field 22); null elsewhere. */
export const startTicksOf = async (pid: number): Promise<string | null> => {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null)
  // The command's name stands in parentheses and may hold anything, also parentheses.
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? null
}

const isSameProcess = async (pid: number, startTicks: string | null): Promise<boolean> =>
  isAlive(pid) && (await startTicksOf(pid)) === startTicks

/** Waiting for the children of a killed stack to be ended by its reaper, then by us. */
const LEFTOVER_WAIT_MS = 6_000

export class StateFolder {
  readonly path: string
  readonly #recordFile: string
  #record: StackRecord
  #write: Promise<void> = Promise.resolve()

  private constructor(folder: string, record: StackRecord) {
    this.path = folder
    this.#recordFile = path.join(folder, 'stack.json')
    this.#record = record
  }

  /**
   * Takes the folder for this process. What a stack that was killed left running is ended first.
   *
   * @throws CannotStart when another stack runs in it
   */
  static async claim(
    folder: string,
    url: string,
    note: (text: string) => void,
  ): Promise<StateFolder> {
    await mkdir(path.join(folder, 'logs'), { recursive: true })
    const text = await readFile(path.join(folder, 'stack.json'), 'utf8').catch(() => null)
    const before = text === null ? null : parseRecord(text)
    if (before !== null) {
      if (before.pid !== process.pid && (await isSameProcess(before.pid, before.startTicks))) {
        throw new CannotStart(
          `A stack already runs in the state folder ${folder} (process ${before.pid}, ${before.url}). Choose another folder: GJALLAR_STATE=/path/to/folder npm start`,
        )
      }
      await endLeftovers(before, note)
    }
    const claimed = new StateFolder(folder, {
      pid: process.pid,
      startTicks: await startTicksOf(process.pid),
      url,
      children: {},
      childStartTicks: {},
    })
    await claimed.#save()
    return claimed
  }

  /** The key given, or the one that was made at the first start; kept readable by its owner only. */
  async developmentKey(given: string | null): Promise<string> {
    const file = path.join(this.path, 'development-key')
    const known = (await readFile(file, 'utf8').catch(() => '')).trim()
    const key = given ?? (known || makeDevelopmentKey())
    if (key !== known) await writeFile(file, `${key}\n`, { mode: 0o600 })
    await chmod(file, 0o600)
    return key
  }

  async setChild(name: ChildName, pid: number | null): Promise<void> {
    const { [name]: previous, ...others } = this.#record.children
    const { [String(previous)]: _gone, ...ticks } = this.#record.childStartTicks
    this.#record =
      pid === null
        ? { ...this.#record, children: others, childStartTicks: ticks }
        : {
            ...this.#record,
            children: { ...others, [name]: pid },
            childStartTicks: { ...ticks, [pid]: await startTicksOf(pid) },
          }
    await this.#save()
  }

  async release(): Promise<void> {
    await this.#write
    await rm(this.#recordFile, { force: true })
  }

  /** Written aside and moved, one at a time, so that a reader never sees half a file. */
  #save(): Promise<void> {
    const text = `${JSON.stringify(this.#record, null, 2)}\n`
    this.#write = this.#write
      .then(async () => {
        await writeFile(`${this.#recordFile}.new`, text)
        await rename(`${this.#recordFile}.new`, this.#recordFile)
      })
      // A disk that is full now: the record only helps the next start, the stack goes on without.
      .catch(() => {})
    return this.#write
  }
}

/** A record that is half written or of another shape counts as none. */
export const parseRecord = (text: string): StackRecord | null => {
  try {
    const record = JSON.parse(text) as StackRecord
    return Number.isInteger(record.pid) && typeof record.children === 'object' ? record : null
  } catch {
    return null
  }
}

const endLeftovers = async (record: StackRecord, note: (text: string) => void): Promise<void> => {
  const left: number[] = []
  for (const pid of Object.values(record.children)) {
    if (await isSameProcess(pid, record.childStartTicks[pid] ?? null)) left.push(pid)
  }
  if (left.length === 0) return
  note('a stack was killed here: ending what it left running')
  const gone = await Promise.all(left.map((pid) => waitUntilGone(pid, LEFTOVER_WAIT_MS)))
  for (const [index, pid] of left.entries()) {
    if (gone[index]) continue
    signalProcess(pid, 'SIGKILL')
    await waitUntilGone(pid, LEFTOVER_WAIT_MS)
  }
}
