import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { random } from '../../bench/ingest/fleet-series.ts'
import { freePort } from '../../local/checks.ts'
import { signalProcess } from '../../scripts/processes.ts'
import { databaseUrlOf } from './database.ts'
import { type ProxyProcess, startProxyProcess } from './proxy-process.ts'
import { type LoadCounts, SeriesLoad } from './series-load.ts'
import { type Verdict, verify } from './series-verify.ts'
import { makeFolder, type Stack, startStack } from './stack.ts'

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
/** From the end of a round's starts to its kill. */
const KILL_AFTER_MS_MAX = 1_200
const STEP_MS = 1_000

/** So small that each second of load seals, compacts and flushes. */
const SETTINGS = {
  GJALLAR_SETTING_SHARDS_PER_ORGANISATION: '2',
  GJALLAR_SETTING_SERIES_CUT_SAMPLES: '1500',
  GJALLAR_SETTING_FLUSH_INTERVAL_MS: '200',
  GJALLAR_SETTING_LIVE_INTERVAL_MS: '100',
}

/** What is killed in a round; the stack dies with all its children. */
export const VICTIMS = ['worker', 'postgres', 'proxy', 'stack'] as const
export type Victim = (typeof VICTIMS)[number]

export interface Rounds {
  readonly kills: ReadonlyMap<Victim, number>
  readonly counts: LoadCounts
  readonly verdict: Verdict
  readonly tookMs: number
}

export interface RoundsOptions {
  readonly rounds: number
  readonly seed: number
  readonly senders?: number
  readonly series?: number
  /** Whom to kill in a round; at random by the seed where absent. */
  readonly victimsOf?: (round: number) => readonly Victim[]
  log(text: string): void
}

/** The ticks of odd senders begin shortly before a midnight that is over, the others' some hours ago. */
const firstOf = (now: number) => (sender: number) => {
  if (sender % 2 === 0) return now - 6 * HOUR_MS
  const midnight = Math.floor((now - 6 * HOUR_MS) / DAY_MS) * DAY_MS
  return midnight - 100 * STEP_MS
}

/** One stack with a Neon proxy that can be killed alone, started again and again on the same folder. */
class Victims {
  readonly folder: string
  readonly #proxyPort: number
  #stack: Stack
  #proxy: ProxyProcess

  private constructor(folder: string, proxyPort: number, stack: Stack, proxy: ProxyProcess) {
    this.folder = folder
    this.#proxyPort = proxyPort
    this.#stack = stack
    this.#proxy = proxy
  }

  static async start(): Promise<Victims> {
    const folder = await makeFolder()
    const proxyPort = await freePort()
    const stack = await Victims.#startStack(folder, proxyPort)
    const proxy = await startProxyProcess(proxyPort, await databaseUrlOf(folder))
    await stack.ready()
    return new Victims(folder, proxyPort, stack, proxy)
  }

  static #startStack(
    stateFolder: string,
    proxyPort: number,
    given?: { readonly port: number; readonly key: string },
  ): Promise<Stack> {
    return startStack({
      stateFolder,
      waitFor: 'worker',
      ...(given ? { port: given.port } : {}),
      env: {
        ...SETTINGS,
        GJALLAR_SETTING_NEON_PROXY: `127.0.0.1:${proxyPort}`,
        ...(given ? { GJALLAR_DEV_KEY: given.key } : {}),
      },
    })
  }

  get stack(): Stack {
    return this.#stack
  }

  async kill(victim: Victim): Promise<void> {
    if (victim === 'proxy') {
      await this.#proxy.kill()
      return
    }
    if (victim === 'stack') {
      signalProcess(this.#stack.pid, 'SIGKILL')
      await this.#stack.exited
      return
    }
    await this.#stack.kill(victim, 'SIGKILL')
  }

  /** The others come by themselves. */
  async revive(victim: Victim): Promise<void> {
    if (victim === 'stack')
      this.#stack = await Victims.#startStack(this.folder, this.#proxyPort, this.#stack)
    if (victim === 'proxy')
      this.#proxy = await startProxyProcess(this.#proxyPort, await databaseUrlOf(this.folder))
  }

  async stop(): Promise<void> {
    await this.#proxy.kill().catch(() => {})
    await this.#stack.stop()
    await rm(this.folder, { recursive: true, force: true })
  }
}

/**
 * Kills processes at random moments while senders write, and asks afterwards for every sample.
 *
 * @throws Error when the stack does not come back, or samples were refused for good
 */
export const runRounds = async (options: RoundsOptions): Promise<Rounds> => {
  const { rounds, seed, senders = 3, series = 40, log } = options
  const startedMs = performance.now()
  const next = random(seed)
  const pick = (): readonly Victim[] => {
    const victim = VICTIMS[Math.floor(next() * VICTIMS.length)] ?? 'worker'
    if (victim === 'stack' || next() < 0.7) return [victim]
    // Two at once.
    return victim === 'worker' ? ['worker', 'postgres'] : ['worker', victim]
  }
  const kills = new Map<Victim, number>(VICTIMS.map((victim) => [victim, 0]))
  const running = await Victims.start()
  try {
    const load = new SeriesLoad({
      url: running.stack.url,
      key: running.stack.key,
      name: `killed-${seed}`,
      senders,
      series,
      ticksPerRequest: 2,
      firstMs: firstOf(Date.now()),
      stepMs: STEP_MS,
      intervalMs: 60,
      retryMs: 40,
      abandoned: 0.02,
      seed,
    })
    load.start()
    for (let round = 0; round < rounds; round++) {
      await sleep(next() * KILL_AFTER_MS_MAX)
      const victims = options.victimsOf?.(round) ?? pick()
      await Promise.all(victims.map((victim) => running.kill(victim)))
      for (const victim of victims) {
        kills.set(victim, (kills.get(victim) ?? 0) + 1)
        await running.revive(victim)
      }
      await running.stack.ready()
      log(
        `round ${round + 1}: ${victims.join(' and ')}; ${load.counts.acknowledgedSamples} samples acknowledged`,
      )
    }
    await sleep(KILL_AFTER_MS_MAX)
    await load.stop()
    const verdict = await verify(running.stack.api, load, await databaseUrlOf(running.folder))
    return { kills, counts: load.counts, verdict, tookMs: performance.now() - startedMs }
  } finally {
    await running.stop()
  }
}
