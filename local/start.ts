/** `npm start` and `npm run dev`: the whole stack on this machine, until Ctrl-C. */

import { ToolError } from '../scripts/run-tool.ts'
import { CannotStart } from './checks.ts'
import { createLog } from './log.ts'
import type { MockedProvider } from './mock-llm/providers.ts'
import { followParents } from './parent.ts'
import { parseLocalSettings } from './settings.ts'
import { Stack } from './stack.ts'

const log = createLog((line) => console.log(line), process.stdout.isTTY === true)
const parsed = parseLocalSettings(process.argv.slice(2), process.env, process.cwd())
if (!parsed.ok) {
  log.failed('settings', parsed.error)
  process.exit(1)
}
const settings = parsed.value
const stack = new Stack(settings, log)

const mockNote = (mocked: readonly MockedProvider[]): string =>
  mocked.length === 0
    ? ''
    : `  Model answers of ${mocked.map(({ id }) => id).join(', ')} come from a mock;
    for real ones set ${mocked.map(({ binding }) => binding).join(', ')}.
`

/** Past this the stack is killed: its reaper then ends whatever is left. */
const STOP_TIMEOUT_MS = 15_000
let ending: Promise<never> | null = null
const end = (reason: string, status: number): Promise<never> => {
  ending ??= (async () => {
    if (reason !== '') log.plain(`\n  ${reason}: ending`)
    setTimeout(() => process.exit(1), STOP_TIMEOUT_MS).unref()
    await stack.stop()
    process.exit(status)
  })()
  return ending
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // A second signal does not wait: the reaper kills what still runs.
    if (ending !== null) process.exit(1)
    void end(signal === 'SIGINT' ? 'Ctrl-C' : signal, 0)
  })
}

if (settings.followParent) followParents(() => void end('npm ended', 0))
// A terminal that was closed takes the output away, and must not keep the stack from ending.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

try {
  const startedMs = performance.now()
  log.plain('\n  Gjallar\n')
  const key = await stack.start()
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
  log.plain(`
  Ready after ${seconds} s. The page:
    ${stack.url}/
    ${stack.url}/#key=${key}
  Development key: ${key}
${mockNote(stack.mocked)}  Ctrl-C ends everything.
`)
} catch (error) {
  if (ending !== null) await ending
  if (error instanceof CannotStart) log.failed('cannot start', error.message)
  else if (error instanceof ToolError) log.failed('build', error.message)
  else log.failed('cannot start', error instanceof Error ? error.message : String(error))
  await end('', 1)
}
