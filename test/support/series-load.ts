import { setTimeout as sleep } from 'node:timers/promises'
import { random } from '../../bench/ingest/fleet-series.ts'
import { type SentSeries, snappy, writeRequest } from './remote-write.ts'

/** A request that is not answered by then is sent again, as Prometheus does (`remote_timeout`). */
const ANSWER_TIMEOUT_MS = 30_000
const INTERNAL_MAX = 3
/** Of the ticks, every so many is held back and sent when so many later ones went before it. */
const LATE_EVERY = 7
const LATE_BY = 40
/** Of the requests that were taken, every so many is sent once more. */
const REPEATED_EVERY = 10

export interface LoadOptions {
  readonly url: string
  readonly key: string
  /** Tells the series of this load from others: their label `load`. */
  readonly name: string
  readonly senders: number
  /** Plain series of a sender; half of them name a host, the others nothing that could be one. */
  readonly series: number
  readonly ticksPerRequest: number
  /** Time of a sender's first tick, ms since the epoch. */
  firstMs(sender: number): number
  /** Between two ticks. */
  readonly stepMs: number
  /** Between the beginnings of two requests of a sender; one that is behind catches up. */
  readonly intervalMs: number
  /** Wait before the same request again; a longer Retry-After is kept to. */
  readonly retryMs: number
  /** Share of the failed requests that are given up; the others are sent until they are taken. */
  readonly abandoned: number
  readonly seed: number
}

/** What became of the samples of one tick: `sent` may or may not be stored. */
export type TickState = 'sent' | 'acknowledged'

/** Answers of a load. */
export interface LoadCounts {
  acknowledgedSamples: number
  repeated: number
  abandoned: number
  /** Failures by status; 0: no answer. */
  readonly failures: Map<number, number>
  /** 503 or 429 without Retry-After. */
  withoutRetryAfter: number
  longestFailureMs: number
  /** Answers that no fault around the service explains: status and body, the first few. */
  readonly internal: string[]
}

const HOST_MEMORY_BYTES = 8 * 1024 ** 3

/** The value of a plain series at a tick: no other series or tick of the load is likely to have it. */
export const sampleOf = (seed: number, sender: number, series: number, tick: number): number =>
  Math.floor(random(seed + sender * 7_919 + series * 104_729 + tick * 1_299_709)() * 1e9) / 1_000

/** The host's used memory at a tick, percent. */
export const memoryOf = (sender: number, tick: number): number => ((tick * 13 + sender) % 64) + 1

/** One sender of a load: a remote write queue that keeps the order of its requests. */
export class Sender {
  readonly host: string
  readonly number: number
  /** By tick, of the plain series. */
  readonly plain = new Map<number, TickState>()
  /** By tick, of the host's own metrics. */
  readonly hostTicks = new Map<number, TickState>()
  readonly #options: LoadOptions
  readonly #counts: LoadCounts
  readonly #next: () => number
  readonly #firstMs: number
  #tick = 0
  #held: number[] = []

  constructor(number: number, options: LoadOptions, counts: LoadCounts) {
    this.number = number
    this.host = `${options.name}-${number}`
    this.#options = options
    this.#counts = counts
    this.#next = random(options.seed + number)
    this.#firstMs = options.firstMs(number)
  }

  timeOf(tick: number): number {
    return this.#firstMs + tick * this.#options.stepMs
  }

  labelsOf(series: number): SentSeries['labels'] {
    const instance = series % 2 === 0 ? [['instance', `${this.host}:9100`] as const] : []
    return [
      ['__name__', `load_${series % 10}`],
      ...instance,
      ['load', this.#options.name],
      ['n', String(series)],
      ['sender', String(this.number)],
    ]
  }

  /** What node_exporter says of the host: its memory, and a processor that is idle half of the time. */
  #hostSeries(ticks: readonly number[]): SentSeries[] {
    const one = (
      name: string,
      labels: SentSeries['labels'],
      value: (tick: number) => number,
    ): SentSeries => ({
      labels: [['__name__', name], ...labels],
      samples: ticks.map((tick) => ({ timestamp: this.timeOf(tick), value: value(tick) })),
    })
    const instance = ['instance', `${this.host}:9100`] as const
    const available = (tick: number) => HOST_MEMORY_BYTES * (1 - memoryOf(this.number, tick) / 100)
    return [
      one('node_cpu_seconds_total', [['cpu', '0'], instance, ['mode', 'idle']], (tick) => tick),
      one('node_cpu_seconds_total', [['cpu', '0'], instance, ['mode', 'user']], (tick) => tick),
      one('node_memory_MemAvailable_bytes', [instance], available),
      one('node_memory_MemTotal_bytes', [instance], () => HOST_MEMORY_BYTES),
    ]
  }

  /** The next ticks, in order for the host; of the plain series some are late. */
  #request(): { body: Uint8Array; plain: number[]; host: number[]; samples: number } {
    const { ticksPerRequest, series, seed } = this.#options
    const host = Array.from({ length: ticksPerRequest }, () => this.#tick++)
    const isHeld = (tick: number) => tick % LATE_EVERY === LATE_EVERY - 1
    const isDue = (tick: number) => tick < this.#tick - LATE_BY
    const plain = [...host.filter((tick) => !isHeld(tick)), ...this.#held.filter(isDue)]
    this.#held = [...this.#held.filter((tick) => !isDue(tick)), ...host.filter(isHeld)]
    const all = Array.from({ length: series }, (_, index) => ({
      labels: this.labelsOf(index),
      samples: plain.map((tick) => ({
        timestamp: this.timeOf(tick),
        value: sampleOf(seed, this.number, index, tick),
      })),
    }))
    const sent = [...all, ...this.#hostSeries(host)]
    const samples = sent.reduce((sum, { samples }) => sum + (samples?.length ?? 0), 0)
    return { body: snappy(writeRequest(sent)), plain, host, samples }
  }

  /** @returns null where it was taken, else the status and the wait that was asked for */
  async #post(body: Uint8Array): Promise<{ status: number; waitMs: number } | null> {
    const { url, key } = this.#options
    let response: Response
    try {
      response = await fetch(`${url}/api/v1/write`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${key}`,
          'content-type': 'application/x-protobuf',
          'content-encoding': 'snappy',
          'x-prometheus-remote-write-version': '0.1.0',
        },
        body: body.slice(),
        signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
      })
      await response.clone().arrayBuffer()
    } catch {
      // Nobody knows whether it was stored.
      return { status: 0, waitMs: 0 }
    }
    if (response.status === 204) return null
    if (response.status < 500 && response.status !== 429)
      throw new Error(`a request was refused: ${response.status} ${await response.text()}`)
    const retryAfter = response.headers.get('retry-after')
    if (retryAfter === null) this.#counts.withoutRetryAfter++
    const { internal } = this.#counts
    if (response.status === 500 && internal.length < INTERNAL_MAX)
      internal.push(`${new Date().toISOString()} ${await response.text()}`)
    return { status: response.status, waitMs: Number(retryAfter ?? 0) * 1_000 }
  }

  /** Sends until it is taken or given up. @throws Error when samples are refused for good */
  async #deliver(body: Uint8Array, signal: AbortSignal): Promise<boolean> {
    const { retryMs, abandoned } = this.#options
    const startedMs = performance.now()
    for (;;) {
      const failure = await this.#post(body)
      if (failure === null) return true
      const { failures } = this.#counts
      failures.set(failure.status, (failures.get(failure.status) ?? 0) + 1)
      const waitedMs = performance.now() - startedMs
      this.#counts.longestFailureMs = Math.max(this.#counts.longestFailureMs, waitedMs)
      if (signal.aborted || this.#next() < abandoned) return false
      await sleep(Math.max(retryMs, failure.waitMs), null, { signal }).catch(() => {})
    }
  }

  /** Sends until the signal comes. @throws Error when samples are refused for good */
  async run(signal: AbortSignal): Promise<void> {
    const startedMs = performance.now()
    for (let request = 1; !signal.aborted; request++) {
      const { body, plain, host, samples } = this.#request()
      for (const tick of plain) this.plain.set(tick, 'sent')
      for (const tick of host) this.hostTicks.set(tick, 'sent')
      if (await this.#deliver(body, signal)) {
        for (const tick of plain) this.plain.set(tick, 'acknowledged')
        for (const tick of host) this.hostTicks.set(tick, 'acknowledged')
        this.#counts.acknowledgedSamples += samples
        if (request % REPEATED_EVERY === 0 && (await this.#post(body)) === null)
          this.#counts.repeated++
      } else this.#counts.abandoned++
      const waitMs = Math.max(
        startedMs + request * this.#options.intervalMs - performance.now(),
        // Nothing is measured before its time.
        this.timeOf(this.#tick + this.#options.ticksPerRequest) - Date.now(),
      )
      if (waitMs > 0) await sleep(waitMs, null, { signal }).catch(() => {})
    }
  }
}

/** Several senders side by side that remember what was acknowledged. */
export class SeriesLoad {
  readonly options: LoadOptions
  readonly senders: readonly Sender[]
  readonly counts: LoadCounts = {
    acknowledgedSamples: 0,
    repeated: 0,
    abandoned: 0,
    failures: new Map(),
    withoutRetryAfter: 0,
    longestFailureMs: 0,
    internal: [],
  }
  readonly #ending = new AbortController()
  #running: Promise<unknown> = Promise.resolve()

  constructor(options: LoadOptions) {
    this.options = options
    this.senders = Array.from(
      { length: options.senders },
      (_, number) => new Sender(number, options, this.counts),
    )
  }

  start(): void {
    this.#running = Promise.all(this.senders.map((sender) => sender.run(this.#ending.signal)))
    // Told by `stop`.
    this.#running.catch(() => {})
  }

  /** Ends after the requests that are under way. @throws Error when samples were refused for good */
  async stop(): Promise<void> {
    this.#ending.abort()
    await this.#running
  }
}
