import { type BackoffPolicy, backoffMs } from './backoff.ts'
import type { Client, Outcome, Refusal } from './client.ts'
import type { MachineIdentity } from './identity.ts'
import { BoundedQueue } from './queue.ts'
import { hasMetrics, type Reading, type Sample, sampleBetween } from './sample.ts'

/** An hour at one sample a second; about 0.5 MB. Older samples are dropped, and counted. */
export const QUEUED_SAMPLES_MAX = 3_600
/** Samples of one request: a backlog of an hour goes out in eight. */
export const BATCH_SAMPLES_MAX = 500
/** Away for long, the agent tries again every 15 s on average. */
export const RETRY: BackoffPolicy = { baseMs: 500, maxMs: 30_000 }
/** How often the log repeats that the service is still away, and lists refused samples. */
const LOG_EVERY_MS = 60_000

/** Clock, randomness and I/O of the agent. */
export interface AgentEnvironment {
  read(): Promise<Reading>
  nowMs(): number
  random(): number
  /** Resolves after `ms`, or early when the agent is told to end. */
  sleep(ms: number): Promise<void>
  log(line: string): void
}

export interface AgentOptions {
  identity: MachineIdentity
  intervalMs: number
  queuedSamplesMax?: number
}

/**
 * Reads the machine every interval and delivers the samples in order. Sampling and sending are two
 * loops over one bounded queue, so a slow or absent service never delays a reading.
 */
export class Agent {
  readonly queue: BoundedQueue<Sample>
  readonly #client: Client
  readonly #environment: AgentEnvironment
  readonly #options: AgentOptions
  #ending = false
  #vmId: string | null = null
  #failures = 0
  #awaySinceMs: number | null = null
  #awayLoggedMs = 0
  #refusedLoggedMs = Number.NEGATIVE_INFINITY
  #refusedUnlogged = 0
  #batchMax = BATCH_SAMPLES_MAX
  #dropAnnounced = false
  #delivered = 0

  constructor(client: Client, environment: AgentEnvironment, options: AgentOptions) {
    this.#client = client
    this.#environment = environment
    this.#options = options
    this.queue = new BoundedQueue(options.queuedSamplesMax ?? QUEUED_SAMPLES_MAX)
  }

  get delivered(): number {
    return this.#delivered
  }

  /** Runs until `end()`, then sends once more what waits. */
  async run(): Promise<void> {
    await Promise.all([this.#sampleLoop(), this.#sendLoop()])
    if (this.#vmId !== null && this.queue.length > 0) await this.sendBatch()
  }

  end(): void {
    this.#ending = true
  }

  async #sampleLoop(): Promise<void> {
    const { read, nowMs, sleep } = this.#environment
    let before = await read()
    let dueMs = nowMs()
    while (!this.#ending) {
      // Due times step by whole intervals, so the cadence does not drift with the reading's cost.
      dueMs = Math.max(dueMs + this.#options.intervalMs, nowMs())
      await sleep(dueMs - nowMs())
      if (this.#ending) return
      const now = await read()
      const sample = sampleBetween(before, now)
      before = now
      if (hasMetrics(sample)) this.#enqueue(sample)
    }
  }

  #enqueue(sample: Sample): void {
    this.queue.push(sample)
    if (this.queue.dropped > 0 && !this.#dropAnnounced) {
      this.#dropAnnounced = true
      this.#environment.log(
        `The queue is at its bound of ${this.queue.max} samples: the oldest are dropped until the service answers`,
      )
    }
  }

  async #sendLoop(): Promise<void> {
    const { sleep } = this.#environment
    while (!this.#ending) {
      if (this.#vmId === null) {
        if (!(await this.#register())) continue
      }
      if (this.queue.length === 0) {
        await sleep(Math.min(this.#options.intervalMs, 1_000) / 4)
        continue
      }
      await this.sendBatch()
    }
  }

  /** Finds or creates this machine's VM. False = wait was taken, try again. */
  async #register(): Promise<boolean> {
    const { identity } = this.#options
    const found = await this.#client.findVm(identity.name)
    if (found.kind !== 'done') return this.#failed(found)
    const outcome =
      found.value === null ? await this.#client.createVm(identity) : await this.#adopt(found.value)
    if (outcome.kind !== 'done') return this.#failed(outcome)
    if (outcome.value === null)
      return this.#failed({
        kind: 'retry',
        detail: 'the name was taken meanwhile',
        retryAfterMs: null,
      })
    this.#vmId = outcome.value.id
    this.#reached()
    this.#environment.log(
      `${found.value === null ? 'Registered' : 'Found'} VM "${identity.name}" (${this.#vmId})`,
    )
    return true
  }

  /** Brings a VM that is already known in line with the machine as it is now. */
  async #adopt(vm: {
    id: string
    status: string
    cpu_cores: number
    memory_mb: number
    disk_gb: number
  }): Promise<Outcome<{ id: string } | null>> {
    const { cpu_cores, memory_mb, disk_gb } = this.#options.identity
    if (vm.cpu_cores !== cpu_cores || vm.memory_mb !== memory_mb || vm.disk_gb !== disk_gb) {
      const updated = await this.#client.updateVm(vm.id, { cpu_cores, memory_mb, disk_gb })
      if (updated.kind !== 'done') return updated
    }
    if (vm.status === 'stopped') {
      // An agent that reports is a machine that runs. A refusal means that somebody else started it.
      const started = await this.#client.startVm(vm.id)
      if (started.kind !== 'done' && started.kind !== 'refused') return started
    }
    return { kind: 'done', value: { id: vm.id } }
  }

  /** Sends the oldest batch and settles it: delivered, put back, or given up with a reason. */
  async sendBatch(): Promise<void> {
    const batch = this.queue.take(this.#batchMax)
    const outcome = await this.#client.sendSamples(this.#vmId ?? '', batch)
    switch (outcome.kind) {
      case 'done':
        this.#delivered += outcome.value.accepted
        this.#reached()
        this.#report(batch, outcome.value.refused, outcome.value.refusedTotal)
        this.#batchMax = BATCH_SAMPLES_MAX
        return
      case 'too-large':
        if (batch.length > 1) {
          this.queue.putBack(batch)
          this.#batchMax = Math.ceil(batch.length / 2)
          return
        }
        this.#environment.log('The service finds a single sample too large; it is dropped')
        return
      case 'refused':
        // The same bytes would be refused again, so keeping them would block all later samples.
        this.#environment.log(`The service refused ${batch.length} samples (${outcome.detail})`)
        return
      default:
        this.queue.putBack(batch)
        await this.#failed(outcome)
    }
  }

  #report(batch: readonly Sample[], refused: readonly Refusal[], total: number): void {
    if (total === 0) return
    if (refused.some((refusal) => refusal.reason === 'unknown-vm')) {
      // The VM was deleted: register anew, and the samples that were refused for it go again.
      this.#vmId = null
      this.queue.putBack(
        refused.flatMap(({ reason, index }) => {
          const sample = batch[index]
          return reason === 'unknown-vm' && sample !== undefined ? [sample] : []
        }),
      )
    }
    this.#refusedUnlogged += total
    const nowMs = this.#environment.nowMs()
    if (nowMs - this.#refusedLoggedMs < LOG_EVERY_MS) return
    const first = refused[0]
    const example = first === undefined ? '' : `, e.g. ${first.reason}: ${first.detail}`
    this.#environment.log(`${this.#refusedUnlogged} samples refused${example}`)
    this.#refusedUnlogged = 0
    this.#refusedLoggedMs = nowMs
  }

  async #failed(outcome: Exclude<Outcome<unknown>, { kind: 'done' }>): Promise<false> {
    const { nowMs, log, random, sleep } = this.#environment
    const now = nowMs()
    const detail = outcome.kind === 'too-large' ? 'the request is too large' : outcome.detail
    if (this.#awaySinceMs === null || now - this.#awayLoggedMs >= LOG_EVERY_MS) {
      this.#awaySinceMs ??= now
      this.#awayLoggedMs = now
      const waiting = `${this.queue.length} of at most ${this.queue.max} samples wait`
      log(
        outcome.kind === 'unauthorised'
          ? `The service refuses the key (${detail}). Give one with the scope "write": --key gjl_… or GJALLAR_KEY. ${waiting}`
          : `The service does not take samples (${detail}); trying again. ${waiting}`,
      )
    }
    const retryAfter = outcome.kind === 'retry' ? outcome.retryAfterMs : null
    await sleep(backoffMs(RETRY, this.#failures++, random, retryAfter))
    return false
  }

  #reached(): void {
    this.#failures = 0
    if (this.#awaySinceMs === null) return
    const seconds = Math.round((this.#environment.nowMs() - this.#awaySinceMs) / 1000)
    this.#environment.log(
      `The service answers again after ${seconds} s; ${this.queue.dropped} samples dropped so far`,
    )
    this.#awaySinceMs = null
    this.#dropAnnounced = false
  }
}
