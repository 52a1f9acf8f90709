import { HOUR_MS } from './minute-buffer.ts'
import { HourState } from './usage-statistics.ts'

/** Whole hours of the sliding window: the current one so far and the 23 before it. */
export const WINDOW_HOURS = 24

/** Start of the first hour of the window that ends in the hour of `now`, both ms since the epoch. */
export const windowStartOf = (now: number): number =>
  now - (now % HOUR_MS) - (WINDOW_HOURS - 1) * HOUR_MS

/** Values of one hour that no stored hour has yet. */
interface Waiting {
  readonly cpu: number[]
  readonly memory: number[]
  /** How many of them, from the front, the window has. */
  folded: number
}

/**
 * The sliding 24 h of one VM, one sketch a metric. The hours that it is made of are stored; here stand
 * only the values that came since, until a checkpoint puts them into their hours. Pure but for the kernels.
 */
export class VmWindow {
  #state = new HourState()
  /** Of the first hour, ms; NaN before the first slide. */
  #start = Number.NaN
  #waiting: Map<number, Waiting> | null = null

  /** Takes the cpu and memory of a sample; NaN where one is missing. @param hour start of the sample's hour, ms */
  add(hour: number, cpu: number, memory: number): void {
    this.#waiting ??= new Map()
    let waiting = this.#waiting.get(hour)
    if (!waiting) {
      waiting = { cpu: [], memory: [], folded: 0 }
      this.#waiting.set(hour, waiting)
    }
    waiting.cpu.push(cpu)
    waiting.memory.push(memory)
  }

  /** Whether it ends in the hour of `now`. */
  isAt(now: number): boolean {
    return this.#start === windowStartOf(now)
  }

  /** Runs what came through the kernels. A window that was never slid takes nothing. */
  fold(): void {
    if (!this.#waiting || Number.isNaN(this.#start)) return
    for (const [hour, waiting] of this.#waiting) {
      if (hour >= this.#start) addTo(this.#state, waiting, waiting.folded)
      waiting.folded = waiting.cpu.length
    }
  }

  /**
   * Makes the window anew from what is stored and what came since: a maximum cannot be subtracted, sums
   * do not drift, and a scale that only the hour that left needed goes with it.
   *
   * @param hours that are stored, from the one that begins the window on, ascending
   * @returns whether the number of its samples changed
   */
  slide(now: number, hours: Iterable<HourState>): boolean {
    const before = this.#state.sampleCount
    this.#state = new HourState()
    this.#start = windowStartOf(now)
    for (const hour of hours) this.#state.merge(hour)
    for (const waiting of this.#waiting?.values() ?? []) waiting.folded = 0
    this.fold()
    return this.#state.sampleCount !== before
  }

  /** The window's statistics; call `fold` first, and `slide` where it is not at the present hour. */
  get state(): HourState {
    return this.#state
  }

  /** Starts of the hours that lack what came since the last checkpoint. */
  get waitingHours(): readonly number[] {
    return this.#waiting ? [...this.#waiting.keys()] : []
  }

  /** Adds to an hour what came of it since the last checkpoint. */
  complete(start: number, hour: HourState): void {
    const waiting = this.#waiting?.get(start)
    if (waiting) addTo(hour, waiting, 0)
  }

  /** Forgets what came since: the stored hours have it. */
  settle(): void {
    this.fold()
    this.#waiting = null
  }
}

const addTo = (state: HourState, { cpu, memory }: Waiting, from: number): void => {
  if (from === cpu.length) return
  state.sampleCount += cpu.length - from
  state.cpu.add(Float64Array.from(from === 0 ? cpu : cpu.slice(from)))
  state.memory.add(Float64Array.from(from === 0 ? memory : memory.slice(from)))
}
