import { type BreakerState, CircuitBreaker } from '../resilience/circuit-breaker.ts'
import { ConcurrencyLimit } from '../resilience/concurrency-limit.ts'
import { outliersOf } from '../resilience/outlier.ts'
import { WeightedPool } from '../resilience/weighted-pool.ts'
import { err, ok, type Result } from '../result.ts'
import type { UpstreamFault } from './faults.ts'
import type { Credential } from './providers/types.ts'

/** Models of a provider whose state is kept; the one used longest ago is forgotten first. */
export const MODELS_MAX = 1_024
/** A key rests so long where the provider does not say. */
const RATE_LIMITED_MS = 1_000
const KEY_REST_MS_MAX = 300_000
/** A key that was refused is tried again then, and later each time: quotas are filled up, keys are put right. */
const REFUSED_KEY_MS = 5_000
const REFUSED_KEY_MS_MAX = 60_000
/** An outlier among the keys rests so long. */
const EJECTED_MS = 30_000
/** Calls of a key after which it is compared with the others, and its counts are halved. */
const COMPARE_CALLS = 64
/** Providers take far more at once than one isolate asks: the limit is there for when they do not. */
const LIMIT = { initial: 2_048, min: 4, max: 16_384 }

interface Key {
  readonly credential: Credential
  readonly weight: number
  successes: number
  failures: number
  /** Times in a row that the provider did not take it. */
  refusals: number
  /** The provider does not take it, or it fails more than the others. */
  outUntilMs: number
}

/** What is known of one model of the provider; rate limits are a key's for a model. */
interface ModelState {
  readonly breaker: CircuitBreaker
  readonly pool: WeightedPool<Key>
}

/** One call that a provider may be given. It ends with one of the three; more are ignored. */
export interface Admission {
  readonly credential: Credential
  /** @param ms time that tells of the provider's load, as that to the first token; null where none does */
  succeeded(nowMs: number, ms: number | null): void
  failed(nowMs: number, fault: UpstreamFault): void
  /** It says nothing of the provider: the client left, or another call was faster. */
  dropped(): void
}

export interface Refusal {
  readonly reason: 'breaker-open' | 'at-limit' | 'keys-resting'
  /** When it may be another; null where nobody knows. */
  readonly retryAfterMs: number | null
}

export interface ModelHealth {
  readonly model: string
  readonly state: BreakerState
  readonly errorRatio: number
}

export interface HealthSnapshot {
  readonly state: BreakerState
  readonly inFlight: number
  readonly limit: number
  readonly keys: number
  readonly keysResting: number
  readonly refused: number
  readonly models: readonly ModelHealth[]
}

/** Whether the fault says that the provider itself cannot be reached, whatever model is asked for. */
const isUnreachable = (fault: UpstreamFault): boolean =>
  fault.reason === 'connection' || (fault.reason === 'timeout' && fault.stage === 'headers')

/** Whether the provider answered as it should, however the request was. */
const isAnswer = ({ reason }: UpstreamFault): boolean =>
  reason === 'request' || reason === 'context-exceeded' || reason === 'model-unknown'

/**
 * What an isolate knows of one provider: a breaker for its address and one for each model, an adaptive limit
 * of calls at one time, and its keys in turn, which rest for a model whose rate limit they reached. All state is memory: a new isolate learns it anew.
 */
export class ProviderHealth {
  readonly #address = new CircuitBreaker()
  readonly #models = new Map<string, ModelState>()
  readonly #limit = new ConcurrencyLimit(LIMIT)
  readonly #keys: readonly Key[]
  #refused = 0

  /** @param keys at least one; a server without keys has one of scheme `none` */
  constructor(keys: readonly { readonly credential: Credential; readonly weight: number }[]) {
    this.#keys = keys.map((key) => ({
      ...key,
      successes: 0,
      failures: 0,
      refusals: 0,
      outUntilMs: Number.NEGATIVE_INFINITY,
    }))
  }

  /**
   * Asks for one call of a model.
   *
   * @param own the client's credential, which is used in place of the provider's keys
   */
  admit(model: string, nowMs: number, own: Credential | null = null): Result<Admission, Refusal> {
    const { breaker, pool } = this.#stateOf(model)
    if (this.#address.state(nowMs) === 'open' || breaker.state(nowMs) === 'open')
      return this.#refuse('breaker-open', this.#retryAfterMs(breaker, nowMs))
    const isOut = ({ outUntilMs }: Key): boolean => outUntilMs > nowMs
    const key = own === null ? pool.next(nowMs, isOut) : null
    if (own === null && key === null) {
      const backAtMs = pool.backAtMs(nowMs, ({ outUntilMs }) => outUntilMs) ?? nowMs
      return this.#refuse('keys-resting', backAtMs - nowMs)
    }
    if (!this.#limit.admit()) return this.#refuse('at-limit', null)
    if (!this.#address.admit(nowMs)) {
      this.#limit.dropped()
      return this.#refuse('breaker-open', null)
    }
    if (!breaker.admit(nowMs)) {
      this.#address.dropped()
      this.#limit.dropped()
      return this.#refuse('breaker-open', null)
    }
    return ok(this.#admission({ breaker, pool }, key, own ?? key?.credential ?? NO_CREDENTIAL))
  }

  /** The worse of the address' and the model's. */
  stateOf(model: string, nowMs: number): BreakerState {
    const states = [
      this.#address.state(nowMs),
      this.#models.get(model)?.breaker.state(nowMs) ?? 'closed',
    ]
    if (states.includes('open')) return 'open'
    return states.includes('half-open') ? 'half-open' : 'closed'
  }

  /** Opens a breaker on another isolate's word. @param model null for the address */
  openUntil(model: string | null, untilMs: number, nowMs: number): void {
    const breaker = model === null ? this.#address : this.#stateOf(model).breaker
    breaker.openUntil(untilMs, nowMs)
  }

  /** Breakers that are open and until when; `model` is null for the address. */
  open(nowMs: number): readonly { readonly model: string | null; readonly untilMs: number }[] {
    const own = this.#address.retryAtMs(nowMs)
    const models = [...this.#models].flatMap(([model, { breaker }]) => {
      const untilMs = breaker.retryAtMs(nowMs)
      return untilMs === null ? [] : [{ model, untilMs }]
    })
    return own === null ? models : [{ model: null, untilMs: own }, ...models]
  }

  snapshot(nowMs: number): HealthSnapshot {
    return {
      state: this.#address.state(nowMs),
      inFlight: this.#limit.inFlight,
      limit: this.#limit.limit,
      keys: this.#keys.length,
      keysResting: this.#keys.filter(({ outUntilMs }) => outUntilMs > nowMs).length,
      refused: this.#refused,
      models: [...this.#models].map(([model, { breaker }]) => ({
        model,
        state: breaker.state(nowMs),
        errorRatio: breaker.errorRatio(nowMs),
      })),
    }
  }

  #refuse(reason: Refusal['reason'], retryAfterMs: number | null): Result<never, Refusal> {
    this.#refused++
    return err({ reason, retryAfterMs })
  }

  #retryAfterMs(breaker: CircuitBreaker, nowMs: number): number | null {
    const atMs = Math.max(this.#address.retryAtMs(nowMs) ?? 0, breaker.retryAtMs(nowMs) ?? 0)
    return atMs === 0 ? null : atMs - nowMs
  }

  #stateOf(model: string): ModelState {
    const known = this.#models.get(model)
    if (known !== undefined) {
      this.#models.delete(model)
      this.#models.set(model, known)
      return known
    }
    const pool = new WeightedPool(this.#keys.map((value) => ({ value, weight: value.weight })))
    const state = { breaker: new CircuitBreaker(), pool }
    this.#models.set(model, state)
    if (this.#models.size > MODELS_MAX) {
      const oldest = this.#models.keys().next()
      if (!oldest.done) this.#models.delete(oldest.value)
    }
    return state
  }

  #admission(state: ModelState, key: Key | null, credential: Credential): Admission {
    const { breaker } = state
    let isOver = false
    const once = (end: () => void): void => {
      if (isOver) return
      isOver = true
      end()
    }
    return {
      credential,
      succeeded: (nowMs, ms) =>
        once(() => {
          this.#limit.succeeded(ms)
          this.#address.succeeded(nowMs)
          breaker.succeeded(nowMs)
          if (key === null) return
          key.refusals = 0
          this.#count(key, 'successes', nowMs)
        }),
      failed: (nowMs, fault) => once(() => this.#failed(state, key, fault, nowMs)),
      dropped: () =>
        once(() => {
          this.#limit.dropped()
          this.#address.dropped()
          breaker.dropped()
        }),
    }
  }

  #failed(state: ModelState, key: Key | null, fault: UpstreamFault, nowMs: number): void {
    const { breaker, pool } = state
    // A client whose own limit is reached says nothing of what the others may ask.
    const isBusy =
      (fault.reason === 'rate-limited' && key !== null) ||
      (fault.reason === 'server' && fault.status === 529)
    if (isBusy) this.#limit.refused()
    else this.#limit.dropped()
    if (isUnreachable(fault)) this.#address.failed(nowMs)
    else if (fault.reason === 'cancelled') this.#address.dropped()
    else this.#address.succeeded(nowMs)
    if (fault.reason === 'cancelled') {
      breaker.dropped()
    } else if (fault.reason === 'rate-limited' || fault.reason === 'credential') {
      // It is the key's matter, not the model's.
      breaker.dropped()
      if (key === null) return
      if (fault.reason === 'credential') {
        const restMs = REFUSED_KEY_MS * 2 ** Math.min(key.refusals++, 10)
        key.outUntilMs = nowMs + Math.min(restMs, REFUSED_KEY_MS_MAX)
      } else
        pool.rest(key, nowMs + Math.min(fault.retryAfterMs ?? RATE_LIMITED_MS, KEY_REST_MS_MAX))
    } else if (isAnswer(fault)) {
      breaker.succeeded(nowMs)
    } else {
      breaker.failed(nowMs)
      if (key !== null) this.#count(key, 'failures', nowMs)
    }
  }

  /** Counts a key's calls and now and then leaves out those that fail more than the others. */
  #count(key: Key, what: 'successes' | 'failures', nowMs: number): void {
    key[what]++
    if (this.#keys.length < 2 || key.successes + key.failures < COMPARE_CALLS) return
    for (const i of outliersOf(this.#keys)) {
      const outlier = this.#keys[i]
      if (outlier !== undefined) outlier.outUntilMs = nowMs + EJECTED_MS
    }
    for (const one of this.#keys) {
      one.successes /= 2
      one.failures /= 2
    }
  }
}

const NO_CREDENTIAL: Credential = { scheme: 'none', secret: '' }
