import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'

/** The middle and the best twentieth of the rounds, in the row's unit. */
export interface Spread {
  median: number
  p5: number
}

/** One case: ours beside every rival that was measured in the same run. */
export interface Row {
  case: string
  /** Elements, rows or requests the case works on. */
  n: number
  /** Unit of every number in the row, e.g. `ns/element`, `ms`; smaller is better. */
  unit: string
  ours: Spread
  rivals: Record<string, Spread>
  /** Rival's median / ours by rival: > 1 where ours is better. */
  ratio: Record<string, number>
  /** Input read by ours at its median, in 10⁹ bytes a second. */
  gigabytesPerSecond?: number
  /** Rivals that could not be measured here, and why. */
  absent?: Record<string, string>
}

export interface Report {
  suite: string
  commit: string
  /** True where the run was at smaller sizes, with fewer rounds. */
  quick?: boolean
  machine: { cpu: string; cores: number; node: string; workerd: string }
  rows: Row[]
}

export interface SuiteOptions {
  /** At smaller sizes and with fewer rounds: done within 45 s. */
  quick: boolean
  log(text: string): void
}

/** What a `bench/<suite>.bench.ts` exports. */
export interface Suite {
  run(options: SuiteOptions): Promise<Row[]>
  /** The cases at their smallest size, results compared with the reference; throws when they differ. */
  smoke(): Promise<void>
}

/** Ratios of medians; for rows that are built from times. */
export const ratiosOf = (ours: Spread, rivals: Record<string, Spread>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(rivals).map(([name, rival]) => [name, rival.median / ours.median]),
  )

/** Where the numbers were measured, and of which state of the source. */
export const provenance = (): Pick<Report, 'commit' | 'machine'> => {
  const require = createRequire(createRequire(import.meta.url).resolve('wrangler/package.json'))
  const workerd: { version: string } = JSON.parse(
    readFileSync(require.resolve('workerd/package.json'), 'utf8'),
  )
  return {
    commit: commitOf(),
    machine: {
      cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
      cores: os.cpus().length,
      node: process.version,
      workerd: workerd.version,
    },
  }
}

const commitOf = (): string => {
  try {
    const git = (...args: string[]): string =>
      execFileSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8', stdio: 'pipe' })
    const changed = git('status', '--porcelain', '--untracked-files=no').trim() !== ''
    return `${git('rev-parse', '--short=12', 'HEAD').trim()}${changed ? '+changes' : ''}`
  } catch {
    // A copy without its history.
    return 'unknown'
  }
}

/** Three significant digits: more than a shared machine can repeat. */
export const formatNumber = (value: number): string => {
  if (!Number.isFinite(value)) return '–'
  if (Math.abs(value) >= 1_000) return Math.round(value).toLocaleString('en-GB')
  return value.toPrecision(3)
}

/** Rows as an aligned table: the case, ours, and each rival with how many times slower it is. */
export const formatTable = (rows: readonly Row[]): string => {
  const rivals = [
    ...new Set(
      rows.flatMap((row) => [...Object.keys(row.rivals), ...Object.keys(row.absent ?? {})]),
    ),
  ]
  const hasRate = rows.some((row) => row.gigabytesPerSecond !== undefined)
  const rate = (text: string): string[] => (hasRate ? [text] : [])
  const header = [
    ...['case', 'n', 'unit', 'ours', '(p5)', ...rate('GB/s')],
    ...rivals.flatMap((name) => [name, '×']),
  ]
  const lines = rows.map((row) => [
    row.case,
    row.n.toLocaleString('en-GB'),
    row.unit,
    formatNumber(row.ours.median),
    `(${formatNumber(row.ours.p5)})`,
    ...rate(row.gigabytesPerSecond === undefined ? '' : formatNumber(row.gigabytesPerSecond)),
    ...rivals.flatMap((name) => {
      const rival = row.rivals[name]
      return rival === undefined
        ? [row.absent?.[name] === undefined ? '' : '–', '']
        : [formatNumber(rival.median), formatNumber(row.ratio[name] ?? Number.NaN)]
    }),
  ])
  const all = [header, ...lines]
  const widths = header.map((_title, column) =>
    Math.max(...all.map((cells) => (cells[column] ?? '').length)),
  )
  return all
    .map((cells) =>
      cells
        .map((cell, column) =>
          // Words to the left, numbers to the right.
          column === 0 || column === 2
            ? cell.padEnd(widths[column] ?? 0)
            : cell.padStart(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** One table for each set of rivals, with what could not be measured, and why, at the end. */
export const formatTables = (rows: readonly Row[]): string => {
  const groups = Map.groupBy(rows, (row) =>
    [...Object.keys(row.rivals), ...Object.keys(row.absent ?? {})].sort().join(),
  )
  const reasons = rows.flatMap((row) =>
    Object.entries(row.absent ?? {}).map(([name, why]) => `${name}: ${why}`),
  )
  return [...[...groups.values()].map(formatTable), [...new Set(reasons)].join('\n')]
    .filter((text) => text !== '')
    .join('\n\n')
}
