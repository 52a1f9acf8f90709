/**
 * `npm run bench -- <suite> [--quick] [--json FILE]`: one suite, as a table and, on request, as JSON.
 * `--smoke [suite…]` runs the smallest sizes and compares results with their references instead.
 */
import { readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { formatTables, provenance, type Report, type Suite } from './report.ts'

const SUFFIX = '.bench.ts'
const suiteNames = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith(SUFFIX))
  .map((name) => name.slice(0, -SUFFIX.length))
  .sort()

const load = async (name: string): Promise<Suite> => {
  const file = path.join(import.meta.dirname, `${name}${SUFFIX}`)
  return (await import(pathToFileURL(file).href)) as Suite
}

/** Ends the process with a sentence and what there is to choose from. */
const refuse = (reason: string): never => {
  console.error(`${reason}\n\n  npm run bench -- <suite> [--quick] [--json FILE]\n`)
  console.error(`Suites: ${suiteNames.join(', ') || 'none'}`)
  process.exit(2)
}

const parse = () => {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        quick: { type: 'boolean', default: false },
        smoke: { type: 'boolean', default: false },
        json: { type: 'string' },
      },
    })
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error))
  }
}

const { values, positionals } = parse()
const unknown = positionals.filter((name) => !suiteNames.includes(name))
if (unknown.length > 0) refuse(`There is no suite "${unknown.join('", "')}"`)

if (values.smoke) {
  let failed = 0
  for (const name of positionals.length > 0 ? positionals : suiteNames) {
    const startedMs = performance.now()
    try {
      await (await load(name)).smoke()
      console.log(`✓ ${name} ${Math.round(performance.now() - startedMs)} ms`)
    } catch (error) {
      failed++
      console.log(`✗ ${name}: ${error instanceof Error ? error.stack : error}`)
    }
  }
  process.exit(failed > 0 ? 1 : 0)
}

const [name, ...others] = positionals
if (name === undefined || others.length > 0) refuse('Name one suite')
const suite = name ?? ''
// The suite's own progress goes to standard error, so that the table alone can be piped.
const log = (text: string): void => console.error(`  ${text}`)
const rows = await (await load(suite)).run({ quick: values.quick, log })
const report: Report = { suite, ...provenance(), quick: values.quick, rows }
const { cpu, cores, node, workerd } = report.machine
console.log(
  `${suite} at ${report.commit} · ${cpu}, ${cores} cores · Node ${node} · workerd ${workerd}\n`,
)
console.log(formatTables(rows))
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`)
process.exit(0)
