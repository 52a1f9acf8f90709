/**
 * `node scripts/promql-compare.ts [PATH OF prometheus] [--record] [--verbose]`: the answers of our PromQL
 * evaluator beside those of a real Prometheus on the same data, query by query, as a range and at an
 * instant. `--record` stores Prometheus' answers for the tests. Exits with 1 where one differs.
 */
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
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
  options: { record: { type: 'boolean' }, verbose: { type: 'boolean' } },
})

const asked = async (address: string, query: string, grid: typeof RANGE_GRID, isRange: boolean) => {
  const end = grid.startMs + (grid.steps - 1) * grid.stepMs
  const parameters: Record<string, string> = isRange
    ? { start: `${grid.startMs / 1e3}`, end: `${end / 1e3}`, step: `${grid.stepMs / 1e3}` }
    : { time: `${grid.startMs / 1e3}` }
  const answer = await fetch(`${address}/api/v1/query${isRange ? '_range' : ''}`, {
    method: 'POST',
    body: new URLSearchParams({ query, ...parameters }),
  })
  return (await answer.json()) as Answer
}

const prometheus = await startPrometheus(positionals[0] ?? 'prometheus', await freePort())
let failed = 0
try {
  const series = demoSeries()
  const source = memorySource(series)
  await writeSeries(prometheus.address, series, {
    startMs: DEMO_START_MS,
    endMs: DEMO_END_MS,
    intervalMs: DEMO_INTERVAL_MS,
  })
  const golden: Golden = {}
  const compare = async (query: string): Promise<string[]> => {
    const faults: string[] = []
    for (const isRange of RAW_QUERIES.includes(query) ? [false] : [true, false]) {
      const grid = isRange ? RANGE_GRID : INSTANT_GRID
      const kind = isRange ? 'range' : 'instant'
      const theirs = await asked(prometheus.address, query, grid, isRange)
      const ours = await ourAnswer(query, grid, source, kind)
      const found = difference(ours, theirs, TOLERANCE)
      if (found) faults.push(`${kind}: ${query}\n      ${found.slice(0, 400)}`)
    }
    if (values.record && !RAW_QUERIES.includes(query))
      golden[query] = await asked(prometheus.address, query, GOLDEN_GRID, true)
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
  if (values.record) writeFileSync(GOLDEN_FILE, gzipSync(JSON.stringify(golden), { level: 9 }))
} finally {
  await prometheus.stop()
}
process.exit(failed === 0 ? 0 : 1)
