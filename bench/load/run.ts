/**
 * `npm run load -- <suite> [--quick] [--json FILE]`: bounded load on a stack of the suite's own, on
 * bare workerd and the loopback address. Exit 1 where something came that must not, 2 where the
 * arguments name no suite.
 */
import { writeFileSync } from 'node:fs'
import { provenance } from '../report.ts'
import { parseLoadArguments, SUITES, type SuiteName } from './arguments.ts'
import { formatLoadTable, type LoadReport } from './report.ts'
import type { LoadSuite } from './suite.ts'

const MODULES: Readonly<Record<SuiteName, () => Promise<LoadSuite>>> = {
  api_stress: () => import('./api-stress.ts'),
  dashboard: () => import('./dashboard.ts'),
  ingest: () => import('./ingest.ts'),
  routing: () => import('./routing.ts'),
  websocket: () => import('./websocket.ts'),
}

const parsed = parseLoadArguments(process.argv.slice(2))
if (!parsed.ok) {
  console.error(`${parsed.error}\n\n  npm run load -- <suite> [--quick] [--json FILE]\n`)
  console.error(`Suites: ${SUITES.join(', ')}`)
  process.exit(2)
}
const { suite, quick, json } = parsed.value
// Progress goes to standard error, so that the table alone can be piped.
const log = (text: string): void => console.error(`  ${text}`)
try {
  const { rows, faults } = await (await MODULES[suite]()).run({ quick, log })
  const report: LoadReport = { suite, ...provenance(), rows }
  const { cpu, cores, node, workerd } = report.machine
  console.log(
    `${suite} at ${report.commit} · ${cpu}, ${cores} cores · Node ${node} · workerd ${workerd}\n`,
  )
  console.log(formatLoadTable(rows))
  if (json !== null) writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`)
  for (const fault of faults) console.error(`✗ ${fault}`)
  process.exit(faults.length > 0 ? 1 : 0)
} catch (error) {
  console.error(error instanceof Error ? error.stack : error)
  process.exit(1)
}
