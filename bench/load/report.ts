import { formatNumber, type Report } from '../report.ts'

/** Latencies of one run in milliseconds, from when a request was due to its last byte. */
export interface Latencies {
  p50: number
  p95: number
  p99: number
  max: number
}

/** What workerd took from the machine during a run. */
export interface Usage {
  rssBeforeMib: number
  rssMaxMib: number
  rssAfterMib: number
  /** User and system time of all its threads. */
  cpuSeconds: number
}

export interface LoadRow {
  case: string
  /** `open`: requests come on a schedule whatever the answers do; `closed`: the next waits for an answer. */
  loop: 'open' | 'closed'
  connections: number
  requests: number
  requestsPerSecond: number
  /** Where requests carry samples. */
  samplesPerSecond?: number
  /** Null in a closed loop, where a slow answer hides the requests that were not sent meanwhile. */
  latencyMs: Latencies | null
  /** No answer, an answer too late, or another status than the request must get. */
  errors: number
  non2xx: number
  /** Null where another row of the same run has it. */
  workerd: Usage | null
}

export type LoadReport = Omit<Report, 'rows'> & { rows: LoadRow[] }

/**
 * The smallest value with at least the share `q` of all values at or below it (nearest rank).
 *
 * @param sorted ascending   @param q [0, 1]
 * @returns NaN without values
 */
export const percentile = (sorted: ArrayLike<number>, q: number): number =>
  sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN

/** @returns null without values */
export const latenciesOf = (timesMs: readonly number[]): Latencies | null => {
  if (timesMs.length === 0) return null
  const sorted = Float64Array.from(timesMs).sort()
  return {
    p50: percentile(sorted, 0.5),
    p95: percentile(sorted, 0.95),
    p99: percentile(sorted, 0.99),
    max: percentile(sorted, 1),
  }
}

const HEADER = [
  ...[
    'case',
    'loop',
    'conn',
    'requests',
    'req/s',
    'samples/s',
    'p50 ms',
    'p95 ms',
    'p99 ms',
    'max ms',
  ],
  ...['errors', 'non-2xx', 'RSS MiB before', 'max', 'after', 'CPU s'],
]

const cell = (value: number | undefined): string => formatNumber(value ?? Number.NaN)

const count = (value: number): string => value.toLocaleString('en-GB')

const cellsOf = ({ latencyMs, workerd, ...row }: LoadRow): string[] => [
  row.case,
  row.loop,
  count(row.connections),
  count(row.requests),
  cell(row.requestsPerSecond),
  row.samplesPerSecond === undefined ? '' : cell(row.samplesPerSecond),
  ...[latencyMs?.p50, latencyMs?.p95, latencyMs?.p99, latencyMs?.max].map(cell),
  count(row.errors),
  count(row.non2xx),
  ...[workerd?.rssBeforeMib, workerd?.rssMaxMib, workerd?.rssAfterMib].map(cell),
  cell(workerd?.cpuSeconds),
]

/** Cells as aligned columns; `words` columns from the left are words, the others numbers. */
export const alignColumns = (lines: readonly (readonly string[])[], words: number): string => {
  const widths = (lines[0] ?? []).map((_title, column) =>
    Math.max(...lines.map((cells) => (cells[column] ?? '').length)),
  )
  return lines
    .map((cells) =>
      cells
        .map((text, column) =>
          column < words ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

export const formatLoadTable = (rows: readonly LoadRow[]): string => {
  const lines = [HEADER, ...rows.map(cellsOf)]
  const hasSamples = rows.some(({ samplesPerSecond }) => samplesPerSecond !== undefined)
  const samples = HEADER.indexOf('samples/s')
  return alignColumns(hasSamples ? lines : lines.map((cells) => cells.toSpliced(samples, 1)), 2)
}
