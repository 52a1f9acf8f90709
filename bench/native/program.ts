import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

/** What the program computes: kernels.c says of which input. */
export interface NativeWork {
  readonly kernel: 'sum' | 'minmax' | 'summary' | 'dot'
  readonly elements: number
  /** Elements of one row, for dot. */
  readonly dims?: number
}

/** Widths of the processor's vectors: 128, 256 and 512 bits. */
const VARIANTS = {
  'native-sse': { flags: ['-msse4.2'], needs: ['sse4_2'] },
  'native-avx2': { flags: ['-mavx2', '-mfma'], needs: ['avx2', 'fma'] },
  'native-avx512': { flags: ['-mavx512f'], needs: ['avx512f'] },
} as const

export type NativeName = keyof typeof VARIANTS

/** A compiled program, or why there is none. */
export type Program = { readonly file: string } | { readonly absent: string }

const processorFlags = (): Set<string> => {
  try {
    const line = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? ''
    return new Set(line.split(' '))
  } catch {
    // Another system than Linux: nothing is known of the processor.
    return new Set()
  }
}

const compile = async (name: NativeName, folder: string): Promise<Program> => {
  if (process.arch !== 'x64') return { absent: `the C is for x86-64, this is ${process.arch}` }
  const { flags, needs } = VARIANTS[name]
  const known = processorFlags()
  const missing = needs.filter((flag) => !known.has(flag))
  if (missing.length > 0) return { absent: `the processor has no ${missing.join(', ')}` }
  const file = path.join(folder, name)
  const source = path.join(import.meta.dirname, 'kernels.c')
  try {
    const all = ['-O3', '-std=gnu11', ...flags, source, '-o', file, '-lm']
    await promisify(execFile)('cc', all, { timeout: 30_000 })
    return { file }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return { absent: 'no C compiler (cc) was found' }
    }
    return { absent: `cc: ${String(error).split('\n').at(1) ?? error}` }
  }
}

/** Compiles every variant that the processor can run; their files go with this process. */
export const compileNative = async (): Promise<Record<NativeName, Program>> => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'gjallar-native-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const names = Object.keys(VARIANTS) as NativeName[]
  const programs = await Promise.all(names.map((name) => compile(name, folder)))
  return Object.fromEntries(names.map((name, i) => [name, programs[i]])) as Record<
    NativeName,
    Program
  >
}

/** One started program: the checksum of its work, and the time of more calls of it. */
export class NativeProcess {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor(file: string, { kernel, elements, dims = 1 }: NativeWork) {
    const child = spawn(file, [kernel, String(elements), String(dims)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#child = child
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  }

  /** The next number that it writes: first the checksum. */
  async read(): Promise<number> {
    const { value, done } = await this.#lines.next()
    if (done) throw new Error('the native program ended')
    return Number(value)
  }

  /** CPU milliseconds that `calls` took in the program's own thread. */
  async timeMs(calls: number): Promise<number> {
    this.#child.stdin?.write(`${calls}\n`)
    return (await this.read()) / 1e6
  }

  stop(): void {
    this.#child.kill()
  }
}
