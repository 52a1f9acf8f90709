import path from 'node:path'
import { ROOT } from './build.ts'
import type { VitestReport } from './vitest-report.ts'

export interface Command {
  command: string
  args: string[]
}

export interface Stage {
  name: string
  /** What one finds out by it, for the headline. */
  about: string
  commands: Command[]
  /** A vitest stage counts its tests; any other is one check. */
  vitest: boolean
  timeoutMs: number
}

const BIN = path.join(ROOT, 'node_modules', '.bin')
const REPORTER = path.join(ROOT, 'scripts', 'vitest-report.ts')
const MINUTE_MS = 60_000

const tool = (name: string, ...args: string[]): Command => ({
  command: path.join(BIN, name),
  args,
})
const script = (file: string, ...args: string[]): Command => ({
  command: process.execPath,
  args: [path.join(ROOT, file), ...args],
})

const check = (name: string, about: string, ...commands: Command[]): Stage => ({
  name,
  about,
  commands,
  vitest: false,
  timeoutMs: 5 * MINUTE_MS,
})

const vitest = (name: string, about: string, timeoutMs = 8 * MINUTE_MS): Stage => ({
  name,
  about,
  commands: [
    tool('vitest', 'run', `--project=${name}`, '--reporter=default', `--reporter=${REPORTER}`),
  ],
  vitest: true,
  timeoutMs,
})

/** In this order: the cheap ones and those that others stand on go first. */
export const STAGES: readonly Stage[] = [
  check('build', 'kernels, page and worker', script('scripts/build.ts')),
  check(
    'types',
    'strict TypeScript',
    tool('tsc', '--noEmit', '-p', 'tsconfig.json'),
    tool('tsc', '--noEmit', '-p', 'dashboard/tsconfig.json'),
  ),
  check('lint', 'format and lint', tool('biome', 'check', '.')),
  vitest('unit', 'pure code and kernels'),
  vitest('worker', 'routes and Durable Objects inside workerd'),
  vitest('sql', 'queries against a real PostgreSQL'),
  vitest('contract', 'HTTP against the started stack'),
  vitest('browser', 'the page in a real browser'),
  vitest('faults', 'killed processes and broken surroundings', 10 * MINUTE_MS),
  check('bench', 'benches at smoke size', script('bench/run.ts', '--smoke')),
]

export interface Counts {
  passed: number
  failed: number
  skipped: { name: string; reason: string }[]
}

/**
 * What a stage counts for. A run that failed without a failed test, or left no report, is one
 * failure: it crashed, and its tests were not all run.
 */
export const countsOf = (
  stage: Pick<Stage, 'vitest'>,
  succeeded: boolean,
  report: VitestReport | null,
): Counts => {
  if (!stage.vitest) {
    return { passed: succeeded ? 1 : 0, failed: succeeded ? 0 : 1, skipped: [] }
  }
  if (report === null) return { passed: 0, failed: 1, skipped: [] }
  const failed = report.failed + report.errors
  return {
    passed: report.passed,
    failed: failed === 0 && !succeeded ? 1 : failed,
    skipped: report.skipped,
  }
}

/** The closing line; other tools read it. */
export const closingLine = ({ passed, failed, skipped }: Counts): string =>
  `${passed} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`
