/**
 * `npm test`: every stage in order, or only those named (`npm test -- unit sql`). A failed stage
 * does not stop the later ones. The last line is `N passed, N failed`; the status 1 on any failure.
 */
import { spawn } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { ROOT } from './build.ts'
import { endStacksUnder } from './leftovers.ts'
import { signalProcess } from './processes.ts'
import {
  type Command,
  type Counts,
  closingLine,
  countsOf,
  STAGES,
  type Stage,
} from './test-stages.ts'

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !STAGES.some((stage) => stage.name === name))
if (unknown.length > 0) {
  const names = STAGES.map((stage) => stage.name).join(', ')
  console.error(`Unknown stage ${unknown.join(', ')}; there are: ${names}`)
  process.exit(2)
}
const stages = asked.length === 0 ? STAGES : STAGES.filter(({ name }) => asked.includes(name))

// The database's own user, to which PostgreSQL drops from root, must reach its data in here.
const scratch = await mkdtemp(path.join(tmpdir(), 'gjallar-test-'))
await chmod(scratch, 0o755)

let currentGroup: number | null = null
let interrupted = false
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    interrupted = true
    if (currentGroup !== null) signalProcess(-currentGroup, 'SIGTERM')
  })
}

/** Runs one command in its own process group, which is gone when this resolves. */
const succeeds = (
  { command, args }: Command,
  environment: Record<string, string>,
  timeoutMs: number,
): Promise<boolean> =>
  new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: ROOT,
      detached: true,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {
        ...process.env,
        // The tools' `#!/usr/bin/env node` must find the Node that runs this script.
        PATH: `${path.dirname(process.execPath)}${path.delimiter}${process.env.PATH ?? ''}`,
        ...environment,
      },
    })
    const group = child.pid ?? null
    currentGroup = group
    const timer = setTimeout(() => {
      console.log(`  … not done after ${timeoutMs / 60_000} min: stopped`)
      if (group !== null) signalProcess(-group, 'SIGKILL')
    }, timeoutMs)
    child.on('error', (error) => console.log(`  ${error.message}`))
    child.on('close', (code) => {
      clearTimeout(timer)
      currentGroup = null
      if (group !== null) signalProcess(-group, 'SIGKILL')
      resolve(code === 0)
    })
  })

const runStage = async (stage: Stage): Promise<Counts> => {
  const reportFile = path.join(scratch, `${stage.name}.report.json`)
  const environment = { TMPDIR: scratch, GJALLAR_VITEST_REPORT: reportFile }
  let succeeded = true
  for (const command of stage.commands) {
    if (interrupted) return { passed: 0, failed: 1, skipped: [] }
    succeeded = (await succeeds(command, environment, stage.timeoutMs)) && succeeded
  }
  const text = await readFile(reportFile, 'utf8').catch(() => 'null')
  return countsOf(stage, succeeded, JSON.parse(text))
}

const total: Counts = { passed: 0, failed: 0, skipped: [] }
const summary: string[] = []
for (const stage of stages) {
  console.log(`\n▶ ${stage.name}: ${stage.about}`)
  const startedMs = performance.now()
  const counts = await runStage(stage)
  const leftRunning = await endStacksUnder(scratch)
  if (leftRunning > 0) console.log(`  ${leftRunning} processes were left running`)
  counts.failed += leftRunning > 0 ? 1 : 0
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
  const sign = counts.failed === 0 ? '✓' : '✗'
  summary.push(`${sign} ${stage.name.padEnd(9)} ${seconds.padStart(6)} s  ${closingLine(counts)}`)
  console.log(summary.at(-1))
  total.passed += counts.passed
  total.failed += counts.failed
  total.skipped.push(...counts.skipped)
  if (interrupted) break
}
await rm(scratch, { recursive: true, force: true })

console.log(`\n${summary.join('\n')}`)
for (const { name, reason } of total.skipped) console.log(`skipped: ${name} (${reason})`)
if (interrupted) console.log('interrupted: not all stages were run')
console.log(`\n${closingLine(total)}`)
process.exit(total.failed > 0 || interrupted ? 1 : 0)
