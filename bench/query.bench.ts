/**
 * PromQL over a day of samples, over HTTP on bare workerd with an answer of 300 steps a series, beside the servers that
 * are installed here (`prometheus`, `victoria-metrics` on PATH), on the same samples in the same run.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Requests } from './ingest/requests.ts'
import { findProgram, RIVALS, withRival } from './ingest/rivals.ts'
import { send } from './ingest/send.ts'
import { seedBareFleet, withStack } from './load/stack.ts'
import {
  type Answer,
  ask,
  DAY_MS,
  dataOf,
  lastScrapeMs,
  parsed,
  QUERIES,
  SCRAPE_MS,
  type Target,
} from './query/queries.ts'
import { type Row, ratiosOf, type Spread, type SuiteOptions } from './report.ts'

const HOSTS = 32
const HOSTS_QUICK = 4
const ROUNDS = 15
const ROUNDS_QUICK = 5
const WARM_UP = 3
/** VictoriaMetrics shows samples to queries only after this long. */
const SETTLE_MS = 3_000

/** Of each query, ms until the last byte was read; and the last answer. */
const timesOf = async (target: Target, endMs: number, rounds: number) => {
  const times: Record<string, number[]> = {}
  const answers: Record<string, Answer> = {}
  for (const name of Object.keys(QUERIES)) {
    const found: number[] = []
    for (let round = 0; round < rounds + WARM_UP; round++) {
      const startedMs = performance.now()
      const body = await ask(target, name, endMs)
      if (round >= WARM_UP) found.push(performance.now() - startedMs)
      answers[name] = parsed(body)
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

export const run = async ({ quick, log }: SuiteOptions): Promise<Row[]> => {
  const endMs = lastScrapeMs()
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
  const endMs = lastScrapeMs()
  const { answers } = await measureOurs(dataOf(1, endMs, 600_000), endMs, 1, () => {})
  const rates = answers.rate?.data.result ?? []
  if (rates.length !== 32) throw new Error(`32 series were sent, ${rates.length} answered`)
  // Counters rise by at most 53 a scrape.
  for (const { values = [] } of rates)
    if (!values.every(([, value]) => Number(value) >= 0 && Number(value) <= 53 / 15))
      throw new Error(`a rate of ${values.at(-1)?.[1]} was never sent`)
}
