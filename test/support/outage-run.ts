import { setTimeout as sleep } from 'node:timers/promises'
import { commitsPerSecond, type DetachedStack, type Held, heldSamples } from './outage.ts'
import { SeriesLoad } from './series-load.ts'
import { type Verdict, verify } from './series-verify.ts'

/** Seconds of load before PostgreSQL goes, and after it came back. */
const BEFORE_SECONDS = 10
const HOLDINGS_MAX = 10
const SENDERS = 8

export interface OutageOptions {
  readonly outageSeconds: number
  readonly samplesPerSecond: number
  /** Seconds in which transactions are counted, from the moment PostgreSQL is there again. */
  readonly watchSeconds: number
  readonly seed: number
  log(text: string): void
}

export interface Outage {
  readonly load: SeriesLoad
  /** Acknowledged while PostgreSQL was gone. */
  readonly acknowledged: number
  /** Looked at from time to time while it was gone, and once after all. */
  readonly held: readonly Held[]
  readonly heldAfter: Held
  /** PostgreSQL's transactions in each second before it went, and after it came back. */
  readonly commitsBefore: readonly number[]
  readonly commitsAfter: readonly number[]
  readonly verdict: Verdict
}

/**
 * Takes PostgreSQL away under a steady load of scrapes, each sender's with a host of its own, and gives it back.
 *
 * @throws Error when samples were refused for good
 */
export const runOutage = async (
  { stack, databaseUrl, takeAway, giveBack }: DetachedStack,
  { outageSeconds, samplesPerSecond, watchSeconds, seed, log }: OutageOptions,
): Promise<Outage> => {
  const startMs = Date.now()
  const load = new SeriesLoad({
    url: stack.url,
    key: stack.key,
    name: `outage-${seed}`,
    senders: SENDERS,
    series: Math.round(samplesPerSecond / SENDERS),
    ticksPerRequest: 1,
    firstMs: () => startMs,
    stepMs: 1_000,
    intervalMs: 1_000,
    retryMs: 100,
    abandoned: 0,
    seed,
  })
  load.start()
  const commitsBefore = await commitsPerSecond(databaseUrl, BEFORE_SECONDS)
  log(`transactions a second before: ${commitsBefore.join(' ')}`)
  await takeAway()
  const acknowledgedBefore = load.counts.acknowledgedSamples
  const held: Held[] = []
  for (let part = 0; part < HOLDINGS_MAX; part++) {
    await sleep((outageSeconds * 1_000) / HOLDINGS_MAX)
    const found = await heldSamples(stack.stateFolder)
    held.push(found)
    const acknowledged = load.counts.acknowledgedSamples - acknowledgedBefore
    log(`PostgreSQL is gone: ${acknowledged} samples acknowledged; held: ${JSON.stringify(found)}`)
  }
  const acknowledged = load.counts.acknowledgedSamples - acknowledgedBefore
  await giveBack()
  const commitsAfter = await commitsPerSecond(databaseUrl, watchSeconds)
  log(`transactions a second afterwards: ${commitsAfter.join(' ')}`)
  await load.stop()
  const verdict = await verify(stack.api, load, databaseUrl)
  const heldAfter = await heldSamples(stack.stateFolder)
  return { load, acknowledged, held, heldAfter, commitsBefore, commitsAfter, verdict }
}
