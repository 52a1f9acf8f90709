/** What the query suite asks for, and of which samples. */
import { seriesOf } from '../ingest/fleet-series.ts'
import { type Requests, requestsOf } from '../ingest/requests.ts'

/** 32 series of this name a host. */
const METRIC = 'node_cpu_seconds_total'
export const SCRAPE_MS = 15_000
export const DAY_MS = 24 * 3_600_000
const STEPS = 300

export const QUERIES: Readonly<Record<string, string>> = {
  rate: `rate(${METRIC}[5m])`,
  'sum by (mode) of rate': `sum by (mode) (rate(${METRIC}[5m]))`,
  'max over a day, instant': `max_over_time(${METRIC}[1d])`,
}

export interface Target {
  readonly base: string
  readonly headers: Readonly<Record<string, string>>
}

export interface Answer {
  readonly data: {
    readonly result: readonly {
      readonly metric: Readonly<Record<string, string>>
      readonly values?: readonly (readonly [number, string])[]
      readonly value?: readonly [number, string]
    }[]
  }
}

/** The answer's bytes, all of them read. @throws Error on another status than 200 */
export const ask = async (
  { base, headers }: Target,
  name: string,
  endMs: number,
): Promise<ArrayBuffer> => {
  const query = QUERIES[name] ?? ''
  const isInstant = name.endsWith('instant')
  const parameters = new URLSearchParams(
    isInstant
      ? { query, time: String(endMs / 1_000) }
      : {
          query,
          start: String((endMs - DAY_MS) / 1_000),
          end: String(endMs / 1_000),
          step: String(DAY_MS / 1_000 / STEPS),
          // VictoriaMetrics' own cache of answers would be measured instead.
          nocache: '1',
        },
  )
  const answer = await fetch(`${base}/api/v1/query${isInstant ? '' : '_range'}`, {
    method: 'POST',
    body: parameters,
    headers,
  })
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`)
  return answer.arrayBuffer()
}

export const parsed = (body: ArrayBuffer): Answer =>
  JSON.parse(new TextDecoder().decode(body)) as Answer

/** The latest scrape that is over. */
export const lastScrapeMs = (): number => Math.floor(Date.now() / SCRAPE_MS) * SCRAPE_MS

/** Scrapes of 32 series a host, the last one at `endMs`. */
export const dataOf = (hosts: number, endMs: number, spanMs: number): Requests => {
  const series = seriesOf(hosts).filter(({ labels }) =>
    labels.some(([name, value]) => name === '__name__' && value === METRIC),
  )
  return requestsOf(series, series.length, spanMs / SCRAPE_MS, SCRAPE_MS, endMs)
}
