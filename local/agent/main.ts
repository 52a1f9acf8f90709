import { Agent } from './agent.ts'
import { createClient } from './client.ts'
import { identityOfThisMachine } from './identity.ts'
import { parseCommandLine, USAGE } from './options.ts'
import { readMachine, thisMachine } from './readers.ts'

const parsed = parseCommandLine(process.argv.slice(2), process.env)
if (!parsed.ok) {
  console.error(`${parsed.error}\n\n${USAGE}`)
  process.exit(2)
}
const options = parsed.value

let wake = (): void => {}
const ended = new Promise<void>((resolve) => {
  wake = resolve
})

const agent = new Agent(
  createClient({ baseUrl: options.url, key: options.key }),
  {
    read: () => readMachine(thisMachine, options.diskPath),
    nowMs: Date.now,
    random: Math.random,
    sleep: (ms) => {
      let timer: NodeJS.Timeout | undefined
      const elapsed = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, ms)
      })
      return Promise.race([elapsed, ended]).finally(() => clearTimeout(timer))
    },
    log: (line) => console.log(line),
  },
  { identity: await identityOfThisMachine(options), intervalMs: options.intervalMs },
)

/** A request in flight when the agent ends may still be answered within this time. */
const END_TIMEOUT_MS = 2_000
const end = (): void => {
  agent.end()
  wake()
  setTimeout(() => process.exit(0), END_TIMEOUT_MS).unref()
}
process.on('SIGINT', end)
process.on('SIGTERM', end)
if (options.untilStdinCloses) {
  process.stdin.on('end', end)
  process.stdin.on('error', end)
  process.stdin.resume()
}

await agent.run()
process.exit(0)
