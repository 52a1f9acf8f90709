/**
 * `node scripts/promql-compare.ts [PATH OF prometheus] [--service URL --key KEY] [--record] [--verbose]`: the
 * answers of our PromQL evaluator beside those of a real Prometheus on the same data, query by query, as a
 * range and at an instant. With `--service` the same data is written to a running Gjallar, which is asked by
 * HTTP. `--record` stores Prometheus' answers for the tests. Exits with 1 where one differs.
 */
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { endOf, type Grid } from '../src/fleet/query/grid.ts'
import { type Answer, difference } from '../test/fleet/query/answers.ts'
import {
  DEMO_END_MS,
  DEMO_INTERVAL_MS,
  DEMO_START_MS,
  demoSeries,
  memorySource,
} from '../test/fleet/query/demo-data.ts'
import { GOLDEN_FILE, GOLDEN_GRID, type Golden, TOLERANCE } from '../test/fleet/query/golden.ts'
import { MORE_QUERIES, RAW_QUERIES } from '../test/fleet/query/more-queries.ts'
import { ourAnswer } from '../test/fleet/query/our-answers.ts'
import { startPrometheus, writeSeries } from '../test/fleet/query/real-prometheus.ts'
import { complianceTemplates } from '../test/fleet/query/templates.ts'
import '../test/kernels/load.ts'

/** Half an hour at 45 s, off the samples' own times. */
const RANGE_GRID = { startMs: DEMO_END_MS - 1_803_000, stepMs: 45_000, steps: 40 }
const INSTANT_GRID = { startMs: DEMO_END_MS - 2_500, stepMs: 1, steps: 1 }

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const port = address !== null && typeof address === 'object' ? address.port : 0
      server.close(() => resolve(port))
    })
  })

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    record: { type: 'boolean' },
    verbose: { type: 'boolean' },
    service: { type: 'string' },
    key: { type: 'string' },
  },
})

type Kind = 'range' | 'instant'

const ask = async (
  { address, key }: { address: string; key?: string | undefined },
  query: string,
  grid: Grid,
  kind: Kind,
): Promise<Answer> => {
  const end = endOf(grid)
  const parameters: Record<string, string> =
    kind === 'range'
      ? { start: `${grid.startMs / 1e3}`, end: `${end / 1e3}`, step: `${grid.stepMs / 1e3}` }
      : { time: `${grid.startMs / 1e3}` }
  const answer = await fetch(`${address}/api/v1/query${kind === 'range' ? '_range' : ''}`, {
    method: 'POST',
    headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
    body: new URLSearchParams({ query, ...parameters }),
  })
  return (await answer.json()) as Answer
}

const service = values.service === undefined ? null : { address: values.service, key: values.key }
/** A service takes no samples that are years old: there the data end a minute ago. */
const shiftMs =
  service === null ? 0 : Math.floor((Date.now() - 60_000 - DEMO_END_MS) / 60_000) * 60_000
const shifted = (grid: Grid): Grid => ({ ...grid, startMs: grid.startMs + shiftMs })
/** The times that queries name are those of the data. */
const shiftedQuery = (query: string): string =>
  query.replace(/\b17000\d{5}\b/g, (seconds) => `${Number(seconds) + shiftMs / 1_000}`)

const prometheus = await startPrometheus(positionals[0] ?? 'prometheus', await freePort())
let failed = 0
try {
  const series = demoSeries(DEMO_START_MS + shiftMs)
  const source = memorySource(series)
  const span = {
    startMs: DEMO_START_MS + shiftMs,
    endMs: DEMO_END_MS + shiftMs,
    intervalMs: DEMO_INTERVAL_MS,
  }
  await writeSeries(prometheus.address, series, span)
  if (service) await writeSeries(service.address, series, { ...span, key: service.key })
  const golden: Golden = {}
  const compare = async (given: string): Promise<string[]> => {
    const query = shiftedQuery(given)
    const faults: string[] = []
    const kinds: Kind[] = RAW_QUERIES.includes(given) ? ['instant'] : ['range', 'instant']
    for (const kind of kinds) {
      const grid = shifted(kind === 'range' ? RANGE_GRID : INSTANT_GRID)
      const theirs = await ask(prometheus, query, grid, kind)
      const ours = service
        ? await ask(service, query, grid, kind)
        : await ourAnswer(query, grid, source, kind)
      const found = difference(ours, theirs, TOLERANCE)
      if (found) faults.push(`${kind}: ${query}\n      ${found.slice(0, 400)}`)
    }
    if (values.record && !RAW_QUERIES.includes(given))
      golden[given] = await ask(prometheus, given, GOLDEN_GRID, 'range')
    return faults
  }
  const own = [...MORE_QUERIES, ...RAW_QUERIES].map((query) => ({ query, expanded: [query] }))
  const templates = [...(complianceTemplates() ?? []), ...own]
  for (const { query, expanded } of templates) {
    const faults = (await Promise.all(expanded.map(compare))).flat()
    if (faults.length > 0) failed++
    if (faults.length > 0 || values.verbose)
      console.log(`${faults.length === 0 ? 'pass' : 'FAIL'}  ${expanded.length}  ${query}`)
    for (const fault of faults.slice(0, 3)) console.log(`    ${fault}`)
  }
  console.log(`${templates.length - failed} of ${templates.length} pass within ${TOLERANCE}`)
  if (values.record && !service)
    writeFileSync(GOLDEN_FILE, gzipSync(JSON.stringify(golden), { level: 9 }))
} finally {
  await prometheus.stop()
}
process.exit(failed === 0 ? 0 : 1)
