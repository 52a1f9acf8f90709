/**
 * PromQL over a day of samples, over HTTP on bare workerd with an answer of 300 steps a series, beside the servers that
 * are installed here (`prometheus`, `victoria-metrics` on PATH), on the same samples in the same run.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { seriesOf } from './ingest/fleet-series.ts'
import { type Requests, requestsOf } from './ingest/requests.ts'
import { findProgram, RIVALS, withRival } from './ingest/rivals.ts'
import { send } from './ingest/send.ts'
import { seedBareFleet, withStack } from './load/stack.ts'
import { type Row, ratiosOf, type Spread, type SuiteOptions } from './report.ts'

/** 32 series of this name a host. */
const METRIC = 'node_cpu_seconds_total'
const HOSTS = 32
const HOSTS_QUICK = 4
const SCRAPE_MS = 15_000
const DAY_MS = 24 * 3_600_000
const STEPS = 300
const ROUNDS = 15
const ROUNDS_QUICK = 5
const WARM_UP = 3
/** VictoriaMetrics shows samples to queries only after this long. */
const SETTLE_MS = 3_000

const QUERIES: Readonly<Record<string, string>> = {
  rate: `rate(${METRIC}[5m])`,
  'sum by (mode) of rate': `sum by (mode) (rate(${METRIC}[5m]))`,
  'max over a day, instant': `max_over_time(${METRIC}[1d])`,
}

interface Target {
  readonly base: string
  readonly headers: Readonly<Record<string, string>>
}

const ask = async (
  { base, headers }: Target,
  name: string,
  query: string,
  endMs: number,
): Promise<{
  data: {
    result: {
      metric: Record<string, string>
      values?: [number, string][]
      value?: [number, string]
    }[]
  }
}> => {
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
  return (await answer.json()) as Awaited<ReturnType<typeof ask>>
}

/** Of each query, ms until the last byte was read and parsed; and the last answer. */
const timesOf = async (target: Target, endMs: number, rounds: number) => {
  const times: Record<string, number[]> = {}
  const answers: Record<string, Awaited<ReturnType<typeof ask>>> = {}
  for (const [name, query] of Object.entries(QUERIES)) {
    const found: number[] = []
    for (let round = 0; round < rounds + WARM_UP; round++) {
      const startedMs = performance.now()
      answers[name] = await ask(target, name, query, endMs)
      if (round >= WARM_UP) found.push(performance.now() - startedMs)
    }
    times[name] = found
  }
  return { times, answers }
}

type Measured = Awaited<ReturnType<typeof timesOf>>

const deliver = async (url: string, target: Target, pid: number, requests: Requests) => {
  await send(url, { ...target.headers }, pid, requests)
  await sleep(SETTLE_MS)
}

const spreadOf = (values: readonly number[]): Spread => {
  const sorted = [...values].sort((left, right) => left - right)
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN
  return { median: at(0.5), p5: at(0.05) }
}

const seriesCount = (measured: Measured, name: string): number =>
  measured.answers[name]?.data.result.length ?? 0

const measureOurs = (
  requests: Requests,
  endMs: number,
  rounds: number,
  log: (text: string) => void,
) =>
  withStack({ seed: seedBareFleet(1), log }, async ({ url, key, pid }) => {
    const target = { base: url, headers: { authorization: `Bearer ${key}` } }
    await deliver(`${url}/api/v1/write`, target, pid, requests)
    return timesOf(target, endMs, rounds)
  })

const dataOf = (hosts: number, endMs: number, spanMs: number): Requests => {
  const series = seriesOf(hosts).filter(({ labels }) =>
    labels.some(([name, value]) => name === '__name__' && value === METRIC),
  )
  return requestsOf(series, series.length, spanMs / SCRAPE_MS, SCRAPE_MS, endMs)
}

export const run = async ({ quick, log }: SuiteOptions): Promise<Row[]> => {
  const endMs = Math.floor(Date.now() / SCRAPE_MS) * SCRAPE_MS
  const requests = dataOf(quick ? HOSTS_QUICK : HOSTS, endMs, DAY_MS)
  const rounds = quick ? ROUNDS_QUICK : ROUNDS
  log(`${requests.samples} samples`)
  const ours = await measureOurs(requests, endMs, rounds, log)
  const rivals: Record<string, Measured> = {}
  const absent: Record<string, string> = {}
  for (const [name, rival] of Object.entries(RIVALS)) {
    const program = findProgram(rival.binary)
    if (program === null) {
      absent[name] = `no ${rival.binary} on PATH`
      continue
    }
    log(name)
    rivals[name] = await withRival(program, rival, async ({ url, pid }) => {
      const target = { base: new URL(url).origin, headers: {} }
      await deliver(url, target, pid, requests)
      return timesOf(target, endMs, rounds)
    })
  }
  return Object.keys(QUERIES).map((name) => {
    for (const [rival, measured] of Object.entries(rivals))
      if (seriesCount(measured, name) !== seriesCount(ours, name))
        throw new Error(
          `${name}: ${seriesCount(ours, name)} series here, ${seriesCount(measured, name)} from ${rival}`,
        )
    const mine = spreadOf(ours.times[name] ?? [])
    const theirs = Object.fromEntries(
      Object.entries(rivals).map(([rival, { times }]) => [rival, spreadOf(times[name] ?? [])]),
    )
    return {
      case: `${name}, ${requests.samples / (DAY_MS / SCRAPE_MS)} series × 24 h at 15 s`,
      n: requests.samples,
      unit: 'ms',
      ours: mine,
      rivals: theirs,
      ratio: ratiosOf(mine, theirs),
      absent,
    }
  })
}

/** A rate of an hour has the slope that was sent. */
export const smoke = async (): Promise<void> => {
  const endMs = Math.floor(Date.now() / SCRAPE_MS) * SCRAPE_MS
  const { answers } = await measureOurs(dataOf(1, endMs, 600_000), endMs, 1, () => {})
  const rates = answers.rate?.data.result ?? []
  if (rates.length !== 32) throw new Error(`32 series were sent, ${rates.length} answered`)
  // Counters rise by at most 53 a scrape.
  for (const { values = [] } of rates)
    if (!values.every(([, value]) => Number(value) >= 0 && Number(value) <= 53 / 15))
      throw new Error(`a rate of ${values.at(-1)?.[1]} was never sent`)
}
