import type { Api, Vm } from './api.ts'
import { storedSamples } from './database.ts'
import type { MetricsAnswer } from './delivery.ts'
import { memoryOf, type Sender, type SeriesLoad, sampleOf } from './series-load.ts'
import { until } from './until.ts'

/** Metric names of a load, see `Sender.labelsOf`. */
const NAMES = 10
/** Samples that are told one by one; the sums stand beside them. */
const EXAMPLES_MAX = 5
/** The newest scrape of a host is complete only when a later one comes. */
const OPEN_SCRAPES = 1

export interface Verdict {
  /** Acknowledged samples that were looked for. */
  samples: number
  /** Of hosts, in their VMs. */
  hostSamples: number
  lost: number
  doubled: number
  wrong: number
  /** Stored though nobody sent it. */
  unknown: number
  /** Stored, and never acknowledged: which is allowed. */
  unacknowledged: number
  examples: string[]
}

interface Matrix {
  data: { result: { metric: Record<string, string>; values?: [number, string][] }[] }
}
interface Vector {
  data: { result: { value: [number, string] }[] }
}

const fault = (
  verdict: Verdict,
  kind: 'lost' | 'doubled' | 'wrong' | 'unknown',
  text: string,
): void => {
  verdict[kind]++
  if (verdict.examples.length < EXAMPLES_MAX) verdict.examples.push(`${kind}: ${text}`)
}

const ask = <T>(api: Api, query: string, timeMs: number): Promise<T> =>
  api.json<T>(`/api/v1/query?${new URLSearchParams({ query, time: String(timeMs / 1_000) })}`)

/** The plain series of one name of a sender, sample by sample. */
const verifyName = async (
  api: Api,
  { options }: SeriesLoad,
  sender: Sender,
  name: number,
  verdict: Verdict,
): Promise<void> => {
  const ticks = [...sender.plain.keys()].sort((a, b) => a - b)
  const first = sender.timeOf(ticks[0] ?? 0)
  const last = sender.timeOf(ticks.at(-1) ?? 0)
  const rangeMs = last - first + 1_000
  const selector = `{__name__="load_${name}",load="${options.name}",sender="${sender.number}"}[${rangeMs}ms]`
  const { data } = await ask<Matrix>(api, selector, last)
  const seen = new Set<string>()
  let stored = 0
  for (const { metric, values = [] } of data.result) {
    const at = `series ${metric.n} of ${sender.host}`
    if (seen.has(metric.n ?? '')) fault(verdict, 'doubled', at)
    seen.add(metric.n ?? '')
    stored += values.length
    const found = new Map<number, number>()
    for (const [seconds, text] of values) {
      const tick = (Math.round(seconds * 1_000) - sender.timeOf(0)) / options.stepMs
      const where = `${at}, tick ${tick}`
      if (found.has(tick)) fault(verdict, 'doubled', where)
      found.set(tick, Number(text))
      const state = sender.plain.get(tick)
      if (state === undefined) fault(verdict, 'unknown', where)
      if (state === 'sent') verdict.unacknowledged++
      const expected = sampleOf(options.seed, sender.number, Number(metric.n), tick)
      if (Number(text) !== expected) fault(verdict, 'wrong', `${where}: ${text}, not ${expected}`)
    }
    for (const [tick, state] of sender.plain) {
      if (state !== 'acknowledged') continue
      verdict.samples++
      if (!found.has(tick)) fault(verdict, 'lost', `${at}, tick ${tick}`)
    }
  }
  const expected = Math.ceil((options.series - name) / NAMES)
  for (let missing = data.result.length; missing < expected; missing++)
    fault(verdict, 'lost', `a whole series load_${name} of ${sender.host}`)
  // What functions over time count is what the raw answer holds.
  const counted = await ask<Vector>(api, `sum(count_over_time(${selector}))`, last)
  const count = Number(counted.data.result[0]?.value[1] ?? 0)
  if (count !== stored) fault(verdict, 'doubled', `count_over_time says ${count}, not ${stored}`)
}

/** The VM that a sender's host metrics made: each acknowledged scrape is one sample of it. */
const verifyHost = async (
  api: Api,
  databaseUrl: string,
  sender: Sender,
  stepMs: number,
  verdict: Verdict,
): Promise<void> => {
  const answer = await api.request(`/api/v1/vms/${sender.host}`)
  if (!answer.ok) return fault(verdict, 'lost', `the VM of ${sender.host}`)
  const vm = (await answer.json()) as Vm
  const acknowledged = [...sender.hostTicks].flatMap(([tick, state]) =>
    state === 'acknowledged' ? [tick] : [],
  )
  const wanted = acknowledged.sort((a, b) => a - b).slice(0, -OPEN_SCRAPES)
  const read = async () => {
    const from = sender.timeOf(0) - 1
    const to = sender.timeOf(Math.max(...sender.hostTicks.keys())) + 1
    return api.json<MetricsAnswer & { columns: { memory_usage: (number | null)[] } }>(
      `/api/v1/vms/${vm.id}/metrics?from=${from}&to=${to}&resolution=raw`,
    )
  }
  const lastTime = sender.timeOf(wanted.at(-1) ?? 0)
  // Scrapes settle for some seconds before they are samples.
  await until(
    `the last scrapes of ${sender.host}`,
    async () => (await read()).columns.timestamp.includes(lastTime),
    40_000,
  ).catch(() => {})
  const { columns } = await read()
  const found = new Map<number, number | null>()
  columns.timestamp.forEach((timestamp, row) => {
    const tick = (timestamp - sender.timeOf(0)) / stepMs
    const where = `VM ${sender.host}, tick ${tick}`
    if (found.has(tick)) fault(verdict, 'doubled', where)
    found.set(tick, columns.memory_usage[row] ?? null)
    if (!sender.hostTicks.has(tick)) fault(verdict, 'unknown', where)
    const memory = columns.memory_usage[row] ?? Number.NaN
    if (!(Math.abs(memory - memoryOf(sender.number, tick)) < 1e-6))
      fault(verdict, 'wrong', `${where}: memory ${memory}, not ${memoryOf(sender.number, tick)}`)
  })
  for (const tick of wanted) {
    verdict.hostSamples++
    if (!found.has(tick)) fault(verdict, 'lost', `VM ${sender.host}, tick ${tick}`)
  }
  await until(
    `all samples of ${sender.host} in PostgreSQL`,
    async () =>
      (await storedSamples(databaseUrl, vm.id)) >= (await read()).columns.timestamp.length,
    60_000,
  ).catch(() => {})
  const [stored, told] = [await storedSamples(databaseUrl, vm.id), (await read()).columns.timestamp]
  // One more scrape may have settled between the two questions.
  if (Math.abs(stored - told.length) > OPEN_SCRAPES)
    fault(
      verdict,
      stored < told.length ? 'lost' : 'doubled',
      `PostgreSQL has ${stored} samples of ${sender.host}, not ${told.length}`,
    )
}

/** Asks the service for everything that a load sent, and PostgreSQL for what its hosts became. */
export const verify = async (api: Api, load: SeriesLoad, databaseUrl: string): Promise<Verdict> => {
  const verdict: Verdict = {
    samples: 0,
    hostSamples: 0,
    lost: 0,
    doubled: 0,
    wrong: 0,
    unknown: 0,
    unacknowledged: 0,
    examples: [],
  }
  for (const sender of load.senders) {
    for (let name = 0; name < Math.min(NAMES, load.options.series); name++)
      await verifyName(api, load, sender, name, verdict)
    await verifyHost(api, databaseUrl, sender, load.options.stepMs, verdict)
  }
  return verdict
}
