import type { Behaviour, Faults, Script } from './behaviour.ts'

const PLAIN: Behaviour = {}

/** Source: mulberry32 by Tommy Ettinger, public domain. @returns [0, 1) */
const uniformOf = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Says how each request is answered: as its queue has it, else by chance, else as always. */
export class Director {
  #always: Behaviour
  readonly #initial: Behaviour
  #queues = new Map<string, Behaviour[]>()
  #faults: Faults | null = null
  #uniform = uniformOf(0)

  constructor(always: Behaviour = PLAIN) {
    this.#initial = always
    this.#always = always
  }

  /** Takes the place of what was said before. */
  setScript({ always, queues }: Script): void {
    this.#always = { ...this.#initial, ...always }
    this.#queues = new Map(
      Object.entries(queues ?? {}).map(([name, behaviours]) => [name, behaviours.toReversed()]),
    )
  }

  setFaults(faults: Faults): void {
    this.#faults = faults.rate === 0 ? null : faults
    this.#uniform = uniformOf(faults.seed)
  }

  next(provider: string, model: string): Behaviour {
    const always = this.#always
    if (this.#queues.size > 0) {
      for (const name of [`${provider}/${model}`, `${provider}/*`, '*']) {
        const behaviour = this.#queues.get(name)?.pop()
        if (behaviour !== undefined) return { ...always, ...behaviour }
      }
    }
    const faults = this.#faults
    if (faults === null || this.#uniform() >= faults.rate) return always
    const kind = faults.kinds[Math.floor(this.#uniform() * faults.kinds.length)]
    if (kind === undefined) return always
    return { ...always, ...(typeof kind === 'string' ? { fault: kind } : kind) }
  }

  /** Behaviours that no request took. */
  get queued(): number {
    let sum = 0
    for (const queue of this.#queues.values()) sum += queue.length
    return sum
  }
}
