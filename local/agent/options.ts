import { parseArgs } from 'node:util'
import { err, ok, type Result } from '../../src/result.ts'

export interface CommandLine {
  url: string
  key: string
  name: string | undefined
  region: string | undefined
  intervalMs: number
  diskPath: string
  /** End when standard input closes: how a parent that was killed takes its agent along. */
  untilStdinCloses: boolean
}

/** Below this the counters of `/proc` (10 ms ticks) say little; above, the page looks dead. */
export const INTERVAL_MS = { min: 100, max: 60_000, default: 1_000 }

export const USAGE = `Reports this machine's CPU, memory, disk and network to a Gjallar service.

  npm run agent -- --url https://gjallar.example --key gjl_…

  --url URL         the service's address
  --key KEY         an API key with the scope "write"; better in GJALLAR_KEY, out of the process list
  --name NAME       the VM's name (the host name)
  --region REGION   the VM's region (local)
  --interval MS     between samples, ${INTERVAL_MS.min} to ${INTERVAL_MS.max} (${INTERVAL_MS.default})
  --disk PATH       the filesystem whose fill level is sent (/)`

/** Reads the command line; the error is a sentence for the person who typed it. */
export const parseCommandLine = (
  args: string[],
  environment: Record<string, string | undefined>,
): Result<CommandLine, string> => {
  let values: Record<string, string | boolean | undefined>
  try {
    values = parseArgs({
      args,
      options: {
        url: { type: 'string' },
        key: { type: 'string' },
        name: { type: 'string' },
        region: { type: 'string' },
        interval: { type: 'string' },
        disk: { type: 'string' },
        'until-stdin-closes': { type: 'boolean' },
      },
    }).values
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error))
  }
  const text = (name: string): string | undefined => {
    const value = values[name]
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  const url = text('url')
  if (url === undefined) return err('--url is missing')
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    return err(`--url must be an http or https address, not "${url}"`)
  }
  const key = text('key') ?? environment.GJALLAR_KEY
  if (key === undefined || key === '') return err('a key is missing: --key or GJALLAR_KEY')
  const intervalMs = Number(text('interval') ?? INTERVAL_MS.default)
  if (!(intervalMs >= INTERVAL_MS.min && intervalMs <= INTERVAL_MS.max)) {
    return err(`--interval must be ${INTERVAL_MS.min} to ${INTERVAL_MS.max} ms`)
  }
  return ok({
    url,
    key,
    name: text('name'),
    region: text('region'),
    intervalMs,
    diskPath: text('disk') ?? '/',
    untilStdinCloses: values['until-stdin-closes'] === true,
  })
}
