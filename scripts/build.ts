/**
 * Builds what the stack runs: `node scripts/build.ts [wasm|dashboard|worker]…`, all by default.
 * A part is skipped when its inputs have the content its last output was made from.
 */
import { createHash } from 'node:crypto'
import {
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import path from 'node:path'
import { withLock } from './lock.ts'
import { runTool } from './run-tool.ts'

export const ROOT = path.join(import.meta.dirname, '..')
const BUILD = path.join(ROOT, 'build')
const BIN = path.join(ROOT, 'node_modules', '.bin')

export const PARTS = ['wasm', 'dashboard', 'worker'] as const
export type Part = (typeof PARTS)[number]

/** wrangler must neither call home nor draw a banner: the build runs offline too. */
export const WRANGLER_ENVIRONMENT = {
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_HIDE_BANNER: 'true',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  X_LOCAL_OBSERVABILITY: 'false',
}

interface Recipe {
  /** Files and folders whose content decides the output, relative to the root. */
  inputs: string[]
  /** What must exist for the part to count as built. */
  outputs: string[]
  make(signal?: AbortSignal): Promise<void>
}

/** A file or folder moved into place at once, so that no reader sees half of it. */
const replace = async (from: string, to: string): Promise<void> => {
  await mkdir(path.dirname(to), { recursive: true })
  await rm(to, { recursive: true, force: true })
  await rename(from, to)
}

const inScratch = async (make: (scratch: string) => Promise<void>): Promise<void> => {
  await mkdir(BUILD, { recursive: true })
  const scratch = await mkdtemp(path.join(BUILD, '.making-'))
  try {
    await make(scratch)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

const RECIPES: Record<Part, Recipe> = {
  wasm: {
    inputs: ['assembly', 'asconfig.json', 'package-lock.json'],
    // The compiler's own types of the exports are what the host binding is checked against.
    outputs: [
      'build/kernels.wasm',
      'build/kernels-relaxed.wasm',
      'build/kernels.js',
      'build/kernels.d.ts',
    ],
    make: (signal) =>
      inScratch(async (scratch) => {
        const compile = (target: string, name: string): Promise<string> => {
          const file = path.join(scratch, name)
          const config = ['--config', 'asconfig.json', '--target', target, '--outFile', file]
          return runTool(path.join(BIN, 'asc'), ['assembly/index.ts', ...config], {
            cwd: ROOT,
            signal,
          })
        }
        await Promise.all([
          compile('release', 'kernels.wasm'),
          compile('relaxed', 'kernels-relaxed.wasm'),
        ])
        for (const name of await readdir(scratch)) {
          await replace(path.join(scratch, name), path.join(BUILD, name))
        }
      }),
  },
  dashboard: {
    inputs: ['dashboard', 'package-lock.json'],
    outputs: ['dashboard/dist'],
    make: (signal) =>
      inScratch(async (scratch) => {
        const folder = path.join(scratch, 'dist')
        const options = ['--logLevel', 'warn', '--emptyOutDir', '--outDir', folder]
        await runTool(path.join(BIN, 'vite'), ['build', 'dashboard', ...options], {
          cwd: ROOT,
          signal,
        })
        await replace(folder, path.join(ROOT, 'dashboard', 'dist'))
      }),
  },
  worker: {
    inputs: [
      'src',
      'wrangler.toml',
      'models/catalog.json',
      'models/router.gjr',
      'build/kernels.wasm',
      'build/kernels-relaxed.wasm',
      'package-lock.json',
      'tsconfig.json',
    ],
    outputs: ['build/worker'],
    make: (signal) =>
      inScratch(async (scratch) => {
        const folder = path.join(scratch, 'worker')
        // wrangler refuses to bundle when the assets' folder is absent, though it does not read it.
        await mkdir(path.join(ROOT, 'dashboard', 'dist'), { recursive: true })
        await runTool(path.join(BIN, 'wrangler'), ['deploy', '--dry-run', '--outdir', folder], {
          cwd: ROOT,
          signal,
          env: { ...WRANGLER_ENVIRONMENT, WRANGLER_LOG_PATH: scratch },
        })
        await replace(folder, path.join(BUILD, 'worker'))
      }),
  },
}

const UNREAD_FOLDERS = new Set(['dist', 'node_modules', '.wrangler'])

/** SHA-256 over the paths and contents of all inputs, so that a checkout's new times change nothing. */
export const fingerprint = async (root: string, inputs: readonly string[]): Promise<string> => {
  const hash = createHash('sha256')
  const visit = async (relative: string): Promise<void> => {
    const absolute = path.join(root, relative)
    const found = await stat(absolute).catch(() => null)
    if (found === null) {
      hash.update(`${relative}\0absent\0`)
    } else if (found.isDirectory()) {
      for (const name of (await readdir(absolute)).sort()) {
        if (!UNREAD_FOLDERS.has(name)) await visit(path.join(relative, name))
      }
    } else {
      const content = await readFile(absolute)
      hash.update(`${relative}\0${content.length}\0`).update(content)
    }
  }
  for (const input of inputs) await visit(input)
  return hash.digest('hex')
}

const exists = async (file: string): Promise<boolean> =>
  (await stat(file).catch(() => null)) !== null

export interface PartOutcome {
  part: Part
  built: boolean
  durationMs: number
}

/** Builds one part unless it is up to date. Throws with the tool's own output when it fails. */
export const buildPart = async (part: Part, signal?: AbortSignal): Promise<PartOutcome> => {
  const startedMs = performance.now()
  const { inputs, outputs, make } = RECIPES[part]
  const recordFile = path.join(BUILD, `${part}.inputs`)
  const wanted = await fingerprint(ROOT, inputs)
  const recorded = await readFile(recordFile, 'utf8').catch(() => '')
  const present = await Promise.all(outputs.map((output) => exists(path.join(ROOT, output))))
  const built = recorded !== wanted || present.includes(false)
  if (built) {
    await rm(recordFile, { force: true })
    await make(signal)
    await writeFile(recordFile, wanted)
  }
  return { part, built, durationMs: performance.now() - startedMs }
}

/** Builds the parts in order. Builds in other processes wait: stacks may start side by side. */
export const build = async (
  parts: readonly Part[],
  onPart: (outcome: PartOutcome) => void = () => {},
  signal?: AbortSignal,
): Promise<void> => {
  await mkdir(BUILD, { recursive: true })
  await withLock(path.join(BUILD, '.lock'), async () => {
    for (const part of PARTS) if (parts.includes(part)) onPart(await buildPart(part, signal))
  })
}

/** Copies the page's files for a stack to serve, so that a later build does not take them away. */
export const copyDashboard = async (to: string): Promise<void> => {
  await rm(to, { recursive: true, force: true })
  await cp(path.join(ROOT, 'dashboard', 'dist'), to, { recursive: true, preserveTimestamps: true })
}

if (import.meta.main) {
  const asked = process.argv.slice(2)
  const unknown = asked.filter((name) => !(PARTS as readonly string[]).includes(name))
  if (unknown.length > 0) {
    console.error(`Unknown part ${unknown.join(', ')}; there are: ${PARTS.join(', ')}`)
    process.exit(2)
  }
  try {
    await build(asked.length === 0 ? PARTS : (asked as Part[]), ({ part, built, durationMs }) => {
      const seconds = (durationMs / 1000).toFixed(1)
      console.log(`${part.padEnd(10)} ${built ? `built in ${seconds} s` : 'up to date'}`)
    })
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exit(1)
  }
}
