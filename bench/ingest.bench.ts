/**
 * Remote write from the socket to what is durable: CPU a sample, latency of a request and bytes on disk, beside the
 * servers that are installed here (`prometheus`, `victoria-metrics` on PATH), which do not sync what they acknowledge.
 */
import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { seriesOf } from './ingest/fleet-series.ts'
import { type Requests, requestsOf } from './ingest/requests.ts'
import { findProgram, RIVALS, withRival } from './ingest/rivals.ts'
import { type Sent, send } from './ingest/send.ts'
import { seedBareFleet, withStack } from './load/stack.ts'
import { type Row, ratiosOf, type Spread, type SuiteOptions } from './report.ts'

const HOSTS = 100
const PER_REQUEST = 2_000
const SCRAPE_MS = 15_000
/** Scrapes of every series in one part; the median of the parts is reported. */
const ROUNDS = 40
const PARTS = 7
const ROUNDS_QUICK = 12
const PARTS_QUICK = 3

interface Measured {
  /** µs of CPU a sample, by part. */
  readonly cpuMicros: readonly number[]
  readonly p50Ms: readonly number[]
  readonly p99Ms: readonly number[]
  readonly bytesPerSample: number
}

const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN

const spreadOf = (values: readonly number[]): Spread => {
  const sorted = [...values].sort((left, right) => left - right)
  return { median: at(sorted, 0.5), p5: at(sorted, 0.05) }
}

/** Bytes of all files in a folder. */
const sizeBytes = (folder: string): number =>
  Number(execFileSync('du', ['-sb', folder], { encoding: 'utf8' }).split('\t')[0])

/** The first part makes the series and warms up; it is left out, but for what lies on disk. */
const measure = async (
  parts: readonly Requests[],
  deliver: (part: Requests) => Promise<Sent>,
  diskBytes: () => Promise<number>,
): Promise<Measured> => {
  const before = await diskBytes()
  const sent: Sent[] = []
  for (const part of parts) sent.push(await deliver(part))
  const samples = parts.reduce((sum, part) => sum + part.samples, 0)
  const timed = sent.slice(1)
  return {
    cpuMicros: timed.map(
      ({ cpuSeconds }, part) => (cpuSeconds * 1e6) / (parts[part + 1]?.samples ?? 1),
    ),
    p50Ms: timed.map(({ latenciesMs }) => at(latenciesMs, 0.5)),
    p99Ms: timed.map(({ latenciesMs }) => at(latenciesMs, 0.99)),
    bytesPerSample: ((await diskBytes()) - before) / samples,
  }
}

const bodies = (quick: boolean): Requests[] => {
  const series = seriesOf(HOSTS)
  const rounds = quick ? ROUNDS_QUICK : ROUNDS
  const parts = quick ? PARTS_QUICK : PARTS
  const endMs = Math.floor(Date.now() / 1_000) * 1_000
  return Array.from({ length: parts + 1 }, (_, part) =>
    requestsOf(series, PER_REQUEST, rounds, SCRAPE_MS, endMs - (parts - part) * rounds * SCRAPE_MS),
  )
}

const oursOn = (parts: readonly Requests[], log: (text: string) => void): Promise<Measured> =>
  withStack({ seed: seedBareFleet(1), log }, ({ url, key, pid, stateFolder }) =>
    measure(
      parts,
      (part) => send(`${url}/api/v1/write`, { authorization: `Bearer ${key}` }, pid, part),
      async () => sizeBytes(path.join(stateFolder, 'objects')),
    ),
  )

export const run = async ({ quick, log }: SuiteOptions): Promise<Row[]> => {
  const parts = bodies(quick)
  log(`${parts.length} parts of ${parts[0]?.samples} samples`)
  const ours = await oursOn(parts, log)
  const rivals: Record<string, Measured> = {}
  const absent: Record<string, string> = {}
  for (const [name, rival] of Object.entries(RIVALS)) {
    const program = findProgram(rival.binary)
    if (program === null) {
      absent[name] = `no ${rival.binary} on PATH`
      continue
    }
    log(name)
    rivals[name] = await withRival(program, rival, ({ url, pid, folder }) =>
      measure(
        parts,
        (part) => send(url, {}, pid, part),
        async () => sizeBytes(folder),
      ),
    )
  }
  const row = (title: string, unit: string, of: (measured: Measured) => readonly number[]): Row => {
    const mine = spreadOf(of(ours))
    const theirs = Object.fromEntries(
      Object.entries(rivals).map(([name, measured]) => [name, spreadOf(of(measured))]),
    )
    return {
      case: `remote write, ${HOSTS * 100} series, ${PER_REQUEST} a request, ${title}`,
      n: parts[0]?.samples ?? 0,
      unit,
      ours: mine,
      rivals: theirs,
      ratio: ratiosOf(mine, theirs),
      absent,
    }
  }
  return [
    row('CPU', 'µs/sample', ({ cpuMicros }) => cpuMicros),
    row('request p50', 'ms', ({ p50Ms }) => p50Ms),
    row('request p99', 'ms', ({ p99Ms }) => p99Ms),
    row('on disk', 'bytes/sample', ({ bytesPerSample }) => [bytesPerSample]),
  ]
}

/** A few requests reach the journal. */
export const smoke = async (): Promise<void> => {
  const part = requestsOf(seriesOf(1), 100, 3, SCRAPE_MS, Date.now())
  const measured = await oursOn([part, part], () => {})
  if (!(measured.bytesPerSample > 0)) throw new Error('nothing was written')
}
