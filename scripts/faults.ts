/**
 * What the service withstands while samples are written, and whether every acknowledged one is there afterwards
 * exactly once with its value: `node scripts/faults.ts [--rounds 50] [--series 40] [--outage SECONDS] [--seed 42]`.
 *
 * Each round kills the worker, PostgreSQL, the Neon proxy or the whole stack with SIGKILL at a random moment, while
 * three senders write `--series` series each.
 * With `--outage`, and without rounds unless they are asked for, PostgreSQL is gone for so long at 1,000
 * samples/s. Ends with 1 where a sample is lost, doubled or wrong.
 */
import { parseArgs } from 'node:util'
import { runRounds } from '../test/support/fault-rounds.ts'
import { startDetachedStack } from '../test/support/outage.ts'
import { runOutage } from '../test/support/outage-run.ts'
import type { LoadCounts } from '../test/support/series-load.ts'
import type { Verdict } from '../test/support/series-verify.ts'

const SAMPLES_PER_SECOND = 1_000
/** Shards back off for up to a minute. */
const WATCH_SECONDS = 75

const { values } = parseArgs({
  options: {
    rounds: { type: 'string' },
    series: { type: 'string', default: '40' },
    outage: { type: 'string', default: '0' },
    seed: { type: 'string', default: '42' },
  },
})
const [outageSeconds, seed] = [Number(values.outage), Number(values.seed)]
const series = Number(values.series)
const rounds = Number(values.rounds ?? (outageSeconds > 0 ? 0 : 50))
if (![rounds, series, outageSeconds, seed].every(Number.isSafeInteger))
  throw new Error('--rounds, --series, --outage and --seed are whole numbers')

const tell = (counts: LoadCounts, verdict: Verdict): void => {
  console.log({ ...counts, failures: Object.fromEntries(counts.failures) })
  console.log(verdict)
  const { lost, doubled, wrong, unknown } = verdict
  if (lost + doubled + wrong + unknown > 0) process.exitCode = 1
}

if (rounds > 0) {
  const { kills, counts, verdict, tookMs } = await runRounds({
    rounds,
    seed,
    series,
    log: console.log,
  })
  console.log({ kills: Object.fromEntries(kills), seconds: Math.round(tookMs / 1_000) })
  tell(counts, verdict)
}

if (outageSeconds > 0) {
  const detached = await startDetachedStack({ GJALLAR_SETTING_SERIES_CUT_SAMPLES: '20000' })
  try {
    const { load, heldAfter, verdict } = await runOutage(detached, {
      outageSeconds,
      samplesPerSecond: SAMPLES_PER_SECOND,
      watchSeconds: WATCH_SECONDS,
      seed,
      log: console.log,
    })
    console.log({ heldAfter })
    tell(load.counts, verdict)
  } finally {
    await detached.stop()
  }
}
