import { parseArgs } from 'node:util'
import { err, ok, type Result } from '../../src/result.ts'

export const SUITES = ['api_stress', 'dashboard', 'ingest', 'routing', 'websocket'] as const
export type SuiteName = (typeof SUITES)[number]

export interface LoadArguments {
  suite: SuiteName
  /** At smaller sizes: done within 45 s. */
  quick: boolean
  /** File for the JSON report. */
  json: string | null
}

/** @returns the sentence that says what is wrong where the arguments do not name one suite */
export const parseLoadArguments = (argv: readonly string[]): Result<LoadArguments, string> => {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { quick: { type: 'boolean', default: false }, json: { type: 'string' } },
    })
    const [name, ...others] = positionals
    if (name === undefined || others.length > 0) return err('Name one suite')
    const suite = SUITES.find((known) => known === name)
    if (suite === undefined) return err(`There is no suite "${name}"`)
    return ok({ suite, quick: values.quick, json: values.json ?? null })
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error))
  }
}
