import { setTimeout as sleep } from 'node:timers/promises'

/** A child that runs. */
export interface Running {
  pid: number
  /** Resolves with how it ended, e.g. `SIGKILL` or `status 1`. */
  exited: Promise<string>
  /** Asks it to end and resolves when it has; after the child's own grace period it is killed. */
  stop(): Promise<void>
}

/** Restarts: the first at once, then ever rarer, so that a child that cannot run costs little. */
export interface RestartPolicy {
  firstMs: number
  maxMs: number
  /** A child that ran this long is well: the next restart is a first one again. */
  healthyAfterMs: number
}

export const RESTART: RestartPolicy = { firstMs: 250, maxMs: 15_000, healthyAfterMs: 30_000 }

/** Wait before the next start, after `failures` runs in a row that ended early. */
export const restartDelayMs = (policy: RestartPolicy, failures: number): number =>
  Math.min(policy.maxMs, policy.firstMs * 2 ** Math.min(failures, 20))

export interface SupervisorOptions {
  name: string
  /**
   * Starts the child and resolves when it serves; a rejection is a failed start. `spawned` is told
   * of the process at once, so that a child that is still starting can be stopped too.
   */
  start(spawned: (running: Running) => void): Promise<Running>
  log(text: string): void
  onSpawned?(pid: number): void
  onGone?(): void
  policy?: RestartPolicy
}

/** Keeps one child running until `stop()`. */
export class Supervisor {
  readonly name: string
  readonly #options: SupervisorOptions
  readonly #policy: RestartPolicy
  readonly #stopped = new AbortController()
  #running: Running | null = null
  #starting: Promise<unknown> = Promise.resolve()
  #loop: Promise<void> = Promise.resolve()

  constructor(options: SupervisorOptions) {
    this.name = options.name
    this.#options = options
    this.#policy = options.policy ?? RESTART
  }

  get running(): Running | null {
    return this.#running
  }

  /** Starts the child for the first time and then keeps it. Rejects when the first start fails. */
  async start(): Promise<void> {
    const running = await this.#startOnce()
    this.#loop = this.#keep(running)
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#running?.stop()
    await this.#starting
    await this.#loop
  }

  async #startOnce(): Promise<Running> {
    const { start, onSpawned, onGone } = this.#options
    const started = start((running) => {
      this.#running = running
      onSpawned?.(running.pid)
      if (this.#stopped.signal.aborted) void running.stop()
    })
    this.#starting = started.catch(() => {
      this.#running = null
      onGone?.()
    })
    return started
  }

  async #keep(first: Running): Promise<void> {
    const { log, onGone } = this.#options
    const ending = this.#stopped.signal
    let running: Running | null = first
    let failures = 0
    while (!ending.aborted) {
      if (running !== null) {
        const sinceMs = performance.now()
        const how = await running.exited
        this.#running = null
        onGone?.()
        if (ending.aborted) return
        if (performance.now() - sinceMs >= this.#policy.healthyAfterMs) failures = 0
        log(`ended (${how}); starting it again in ${this.#delayText(failures)}`)
      }
      await sleep(restartDelayMs(this.#policy, failures++), null, { signal: ending }).catch(
        () => {},
      )
      if (ending.aborted) return
      try {
        running = await this.#startOnce()
        log('runs again')
      } catch (error) {
        running = null
        if (ending.aborted) return
        const reason = error instanceof Error ? error.message : String(error)
        log(`cannot start (${reason}); next try in ${this.#delayText(failures)}`)
      }
    }
  }

  #delayText(failures: number): string {
    return `${restartDelayMs(this.#policy, failures) / 1000} s`
  }
}
