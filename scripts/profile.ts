/**
 * `npm run profile [-- --suite dashboard|ingest|remote-write|query] [--seconds 10]`: a CPU profile of the worker's isolate
 * on bare workerd under a load suite's requests. Writes build/profile.cpuprofile, which the DevTools of
 * Chrome open, and prints where the time went.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { SourceMap } from 'node:module'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { GATEWAY_PROFILES, type GatewayProfile, withGatewayLoad } from '../bench/gateway/profile.ts'
import * as remoteWrite from '../bench/ingest/profile.ts'
import * as dashboard from '../bench/load/dashboard.ts'
import * as ingest from '../bench/load/ingest.ts'
import { alignColumns } from '../bench/load/report.ts'
import { withStack } from '../bench/load/stack.ts'
import type { ProfileLoad } from '../bench/load/suite.ts'
import { analyse, type Locate, type Share } from '../bench/profile/analysis.ts'
import { type CpuProfile, takeProfile } from '../bench/profile/inspector.ts'
import * as query from '../bench/query/profile.ts'
import { freePort } from '../local/checks.ts'
import { ROOT } from './build.ts'

const SUITES = ['dashboard', 'ingest', 'remote-write', 'query', ...GATEWAY_PROFILES] as const
const FUNCTIONS = 25
const MODULES = 15
const SECONDS_MAX = 300
const FILE = path.join(ROOT, 'build', 'profile.cpuprofile')
/** Compiling is not what is looked for. */
const WARM_UP_SECONDS = 2

const refuse = (reason: string): never => {
  console.error(`${reason}\n\n  npm run profile -- [--suite NAME] [--seconds 10]\n`)
  console.error(`Suites: ${SUITES.join(', ')}`)
  process.exit(2)
}

const parse = () => {
  try {
    const { values } = parseArgs({
      options: {
        suite: { type: 'string', default: 'dashboard' },
        seconds: { type: 'string', default: '10' },
      },
    })
    const seconds = Number(values.seconds)
    const suite = SUITES.find((name) => name === values.suite)
    if (suite === undefined) return refuse(`There is no suite "${values.suite}"`)
    if (!(seconds >= 1 && seconds <= SECONDS_MAX))
      return refuse(`--seconds is a number from 1 to ${SECONDS_MAX}`)
    return { suite, seconds }
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error))
  }
}

const locator = (): Locate => {
  const folder = path.join(ROOT, 'build', 'worker')
  const map = new SourceMap(JSON.parse(readFileSync(path.join(folder, 'index.js.map'), 'utf8')))
  return (line, column) => {
    const entry = map.findEntry(line, column)
    if (!('originalSource' in entry)) return null
    const file = entry.originalSource
    // Paths lead from the bundle to the sources, by folders that the bundler made up.
    const known = /(?:^|\/)((?:src|node_modules|build)\/.*)$/.exec(file)?.[1] ?? file
    return { file: known, line: entry.originalLine + 1 }
  }
}

const tableOf = (title: string, shares: readonly Share[]): string =>
  alignColumns(
    [
      [title, 'self ms', 'share'],
      ...shares.map(({ name, selfMs, ratio }) => [
        name,
        selfMs.toFixed(1),
        `${(ratio * 100).toFixed(1)} %`,
      ]),
    ],
    1,
  )

const { suite, seconds } = parse()
const log = (text: string): void => console.error(`  ${text}`)

const profileOf = async <Fleet extends { readonly organisationId: string }>(
  load: ProfileLoad<Fleet>,
): Promise<{ profile: CpuProfile; locate: Locate }> => {
  const inspector = `127.0.0.1:${await freePort()}`
  const options = { seed: load.seed, log, arguments: [`--inspector-addr=${inspector}`] }
  return withStack(options, async (stack, fleet) => {
    const locate = locator()
    const drive = load.prepare(stack, fleet)
    await drive(WARM_UP_SECONDS)
    log(`${suite}, ${seconds} s`)
    return {
      profile: await takeProfile(inspector, () => drive(seconds)),
      locate,
    }
  })
}

const profileOfGateway = async (
  load: GatewayProfile,
): Promise<{ profile: CpuProfile; locate: Locate }> => {
  const inspector = `127.0.0.1:${await freePort()}`
  return withGatewayLoad(load, [`--inspector-addr=${inspector}`], log, async (drive) => {
    const locate = locator()
    await drive(WARM_UP_SECONDS)
    log(`${suite}, ${seconds} s`)
    return { profile: await takeProfile(inspector, () => drive(seconds)), locate }
  })
}

const PROFILES = {
  dashboard: () => profileOf(dashboard.profile),
  ingest: () => profileOf(ingest.profile),
  'remote-write': () => profileOf(remoteWrite.profile),
  query: () => profileOf(query.profile),
  route: () => profileOfGateway('route'),
  chat: () => profileOfGateway('chat'),
  stream: () => profileOfGateway('stream'),
} as const

try {
  const { profile, locate } = await PROFILES[suite]()
  writeFileSync(FILE, JSON.stringify(profile))
  const { busyMs, idleMs, functions, modules } = analyse(profile, locate)
  console.log(`${suite}: busy ${busyMs.toFixed(0)} ms, idle ${idleMs.toFixed(0)} ms\n`)
  console.log(tableOf('function', functions.slice(0, FUNCTIONS)))
  console.log(`\n${tableOf('module', modules.slice(0, MODULES))}`)
  console.log(`\n${path.relative(process.cwd(), FILE)} opens in Chrome DevTools, Performance`)
  process.exit(0)
} catch (error) {
  console.error(error instanceof Error ? error.stack : error)
  process.exit(1)
}
