import { randomBytes } from 'node:crypto'
import path from 'node:path'
import { err, ok, type Result } from '../src/result.ts'
import { providerKeysOf } from './mock-llm/providers.ts'

/** What `npm start` reads from its environment. */
export interface LocalSettings {
  port: number
  stateFolder: string
  /** Given by the person, or `null`: then one is made once and kept in the state folder. */
  developmentKey: string | null
  /** A PostgreSQL to use in place of the embedded one. */
  databaseUrl: string | null
  agent: boolean
  /** `wrangler dev` with reload in place of bare workerd. */
  development: boolean
  /** End when the process that started this one ends. */
  followParent: boolean
  /** Settings of the worker by name, from `GJALLAR_SETTING_<name>`. */
  workerSettings: Record<string, string>
  /** Keys of model providers by binding, as OPENAI_API_KEY. Never printed. */
  providerKeys: Record<string, string>
}

const SETTING_PREFIX = 'GJALLAR_SETTING_'
/** A key is a credential also on a laptop: shorter ones are refused. */
const DEVELOPMENT_KEY = /^[\x21-\x7e]{16,200}$/

/** Reads the environment; the error is a sentence for the person who set it. */
export const parseLocalSettings = (
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  workingFolder: string,
): Result<LocalSettings, string> => {
  const given = (name: string): string | null => environment[name] || null
  const unknown = args.filter((argument) => argument !== '--dev')
  if (unknown.length > 0) return err(`Unknown argument ${unknown.join(' ')}; there is only --dev`)

  const port = Number(given('PORT') ?? 8787)
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    return err(`PORT must be a whole number from 1 to 65535, not "${environment.PORT}"`)
  }
  const databaseUrl = given('DATABASE_URL')
  if (databaseUrl !== null && !/^postgres(ql)?:\/\/[^/]+\/.+/.test(databaseUrl)) {
    return err('DATABASE_URL must look like postgres://user:password@host:5432/database')
  }
  const developmentKey = given('GJALLAR_DEV_KEY')
  if (developmentKey !== null && !DEVELOPMENT_KEY.test(developmentKey)) {
    return err('GJALLAR_DEV_KEY must be 16 to 200 printable characters without spaces')
  }
  const agent = given('GJALLAR_AGENT') ?? 'on'
  if (agent !== 'on' && agent !== 'off') {
    return err(`GJALLAR_AGENT must be "on" or "off", not "${agent}"`)
  }
  const workerSettings: Record<string, string> = {}
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith(SETTING_PREFIX) || value === undefined) continue
    const setting = name.slice(SETTING_PREFIX.length)
    if (!/^[A-Z][A-Z0-9_]*$/.test(setting)) return err(`${name} does not name a setting`)
    workerSettings[setting] = value
  }
  return ok({
    port,
    stateFolder: path.resolve(workingFolder, given('GJALLAR_STATE') ?? '.gjallar'),
    developmentKey,
    databaseUrl,
    agent: agent === 'on',
    development: args.includes('--dev'),
    // npm passes a signal on to its shell only, which may end without passing it further.
    followParent: given('npm_lifecycle_event') !== null || given('GJALLAR_FOLLOW_PARENT') === 'on',
    workerSettings,
    providerKeys: providerKeysOf(environment),
  })
}

/** 32 random bytes, 43 characters after the prefix. */
export const makeDevelopmentKey = (): string => `gjl_dev_${randomBytes(32).toString('base64url')}`
