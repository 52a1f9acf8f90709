import { RATE_MAX } from '../ingest.ts'
import { METRICS } from '../types.ts'
import { contributionOf, GREATEST, KIND, KIND_NONE, QUANTUM, SLOT } from './host-quantities.ts'
import { HOST_ROLE, HOST_ROLES } from './host-roles.ts'

/**
 * Samples of scrapes become samples of VMs: increases of counters and levels of gauges are summed over
 * processors, filesystems, interfaces and disks, moment by moment.
 *
 * Agents read their parts one after the other: moments closer than SCRAPE_SPREAD_MS are one scrape, its row
 * stands at the first of them, and each metric is the mean over the moments that have it.
 */
export const SCRAPE_SPREAD_MS = 500
/** A scrape is complete this long after its last piece came, when a later scrape has begun. */
export const SETTLE_MS = 5_000
/** The newest scrape of a host that went silent is complete after this long. */
export const LAST_SCRAPE_MS = 60_000
/** Moments that wait, per VM; beyond it the oldest scrapes are taken as complete. */
export const PENDING_MOMENTS_MAX = 128

interface Moment {
  readonly timestamp: number
  /** When its last piece came, ms since the epoch. */
  arrivedAt: number
  /** f64[HOST_ROLES], in quanta; NaN where nothing came. */
  readonly sums: Float64Array
}

const share = (part: number, rest: number): number =>
  part + rest > 0 ? (100 * part) / (part + rest) : Number.NaN

/** The first of two that is not NaN. */
const either = (value: number, other: number): number => (Number.isNaN(value) ? other : value)

const percentOf = (value: number): number => Math.min(100, Math.max(0, value))
const rateOf = (value: number): number => (value <= RATE_MAX ? value : Number.NaN)

/**
 * The metrics of one moment, f64[7]. What a host says itself goes before what is computed.
 *
 * cpu: busy / (busy + idle), waiting for I/O being idle. memory: 1 − available / total; without
 * `available`: free, buffers and cache. disk: used / (used + available) over all filesystems, as `df`;
 * without the sizes the fullest one. network, iops: sum of the rates since each series' sample before.
 */
const metricsOf = (sums: Float64Array, metrics: Float64Array): void => {
  const at = (role: number): number => (sums[role] as number) / (QUANTUM[role] as number)
  const R = HOST_ROLE
  const waiting = at(R.cpuWaitPercent)
  const cpu = either(
    either(
      share(at(R.cpuBusySeconds), at(R.cpuIdleSeconds)),
      share(at(R.cpuBusyRatio), at(R.cpuIdleRatio)),
    ),
    100 - at(R.cpuIdlePercent) - either(waiting, 0),
  )
  const total = at(R.memoryTotal)
  const available = either(at(R.memoryAvailable), at(R.memoryReclaimable))
  const memory = either(
    either(share(total - available, available), share(at(R.memoryUsed), at(R.memoryUnused))),
    at(R.memoryPercent),
  )
  const used = either(
    at(R.filesystemUsed),
    at(R.filesystemSize) - either(at(R.filesystemFree), at(R.filesystemAvailable)),
  )
  metrics[0] = percentOf(either(at(R.own), cpu))
  metrics[1] = percentOf(either(at(R.own + 1), memory))
  metrics[2] = percentOf(
    either(at(R.own + 2), either(share(used, at(R.filesystemAvailable)), at(R.filesystemPercent))),
  )
  for (let metric = 3; metric < METRICS.length; metric++) {
    const own = rateOf(at(R.own + metric))
    metrics[metric] = either(own, rateOf(at(R.networkIn + metric - 3)))
  }
}

/** One sample of a VM. */
export interface HostSample {
  /** ms since the epoch. */
  readonly timestamp: number
  /** A row of METRICS, NaN where missing. */
  readonly values: Float64Array
}

const sampleOf = (scrape: readonly Moment[]): HostSample | null => {
  const values = new Float64Array(METRICS.length)
  const counts = new Uint32Array(METRICS.length)
  const metrics = new Float64Array(METRICS.length)
  let found = 0
  for (const moment of scrape) {
    metricsOf(moment.sums, metrics)
    for (let metric = 0; metric < metrics.length; metric++) {
      const value = metrics[metric] as number
      if (Number.isNaN(value)) continue
      values[metric] = (values[metric] as number) + value
      counts[metric] = (counts[metric] as number) + 1
      found++
    }
  }
  if (found === 0) return null
  // 0 / 0 is NaN: missing.
  for (let metric = 0; metric < values.length; metric++)
    values[metric] = (values[metric] as number) / (counts[metric] as number)
  return { timestamp: scrape[0]?.timestamp ?? Number.NaN, values }
}

const LAYOUT_VERSION = 1
/** version · time of the newest finished scrape · moments */
const HEADER = 3
/** timestamp · arrivedAt · sums */
const MOMENT = 2 + HOST_ROLES

/**
 * The host metrics of one VM that are being put together. The same samples, in the same order within
 * each series, give the same rows, however the series are interleaved and split over requests.
 */
export class HostAccumulator {
  readonly #moments = new Map<number, Moment>()
  /** Where the newest finished scrape began; −Infinity before the first. */
  #finished = Number.NEGATIVE_INFINITY

  /** Moments that wait. */
  get pending(): number {
    return this.#moments.size
  }

  /**
   * Adds a sample of a series with a role.
   *
   * @param role one of HOST_ROLE
   * @param timestamp ms since the epoch     @param value as the series has it; NaN and ±Inf add nothing
   * @param previousTimestamp, previousValue the series' sample before; NaN where there is none, and then
   * a counter adds nothing yet
   * @param arrivedAt when it came, ms since the epoch
   * @returns whether it counts: a piece of the newest finished scrape came too late
   */
  add(
    role: number,
    timestamp: number,
    value: number,
    previousTimestamp: number,
    previousValue: number,
    arrivedAt: number = timestamp,
  ): boolean {
    const kind = KIND[role] ?? KIND_NONE
    if (kind === KIND_NONE) return false
    if (timestamp >= this.#finished && timestamp < this.#finished + SCRAPE_SPREAD_MS) return false
    const amount = contributionOf(role, timestamp, value, previousTimestamp, previousValue)
    if (Number.isNaN(amount)) return false
    let moment = this.#moments.get(timestamp)
    if (!moment) {
      moment = { timestamp, arrivedAt, sums: new Float64Array(HOST_ROLES).fill(Number.NaN) }
      this.#moments.set(timestamp, moment)
    }
    if (arrivedAt > moment.arrivedAt) moment.arrivedAt = arrivedAt
    const slot = SLOT[role] as number
    const sum = moment.sums[slot] as number
    if (Number.isNaN(sum)) moment.sums[slot] = amount
    else moment.sums[slot] = kind === GREATEST ? Math.max(sum, amount) : sum + amount
    return true
  }

  /**
   * Takes out the scrapes that are complete: oldest first, up to the first that is not.
   *
   * @param upTo now, ms since the epoch, by the clock of `arrivedAt`
   */
  finish(upTo: number, settleMs: number = SETTLE_MS): HostSample[] {
    const samples: HostSample[] = []
    // Pieces that came by a clock that was set back since would wait as long as it was ahead.
    for (const moment of this.#moments.values())
      if (moment.arrivedAt > upTo) moment.arrivedAt = upTo
    const scrapes = this.#scrapes()
    for (const [position, scrape] of scrapes.entries()) {
      const lastPiece = Math.max(...scrape.map((moment) => moment.arrivedAt))
      const quiet = position === scrapes.length - 1 ? LAST_SCRAPE_MS : settleMs
      if (upTo - lastPiece < quiet && this.#moments.size <= PENDING_MOMENTS_MAX) break
      const sample = sampleOf(scrape)
      if (sample) samples.push(sample)
      for (const { timestamp } of scrape) this.#moments.delete(timestamp)
      this.#finished = Math.max(this.#finished, scrape[0]?.timestamp ?? this.#finished)
    }
    return samples
  }

  /** The moments that wait, by scrape, oldest first. */
  #scrapes(): Moment[][] {
    const scrapes: Moment[][] = []
    for (const moment of [...this.#moments.values()].sort((a, b) => a.timestamp - b.timestamp)) {
      const begun = scrapes.at(-1)
      const start = begun?.[0]?.timestamp ?? Number.NEGATIVE_INFINITY
      if (begun && moment.timestamp - start < SCRAPE_SPREAD_MS) begun.push(moment)
      else scrapes.push([moment])
    }
    return scrapes
  }

  /** Everything that `fromBytes` needs to go on from here. */
  toBytes(): Uint8Array<ArrayBuffer> {
    const state = new Float64Array(HEADER + this.#moments.size * MOMENT)
    state.set([LAYOUT_VERSION, this.#finished, this.#moments.size])
    let offset = HEADER
    for (const { timestamp, arrivedAt, sums } of this.#moments.values()) {
      state.set([timestamp, arrivedAt], offset)
      state.set(sums, offset + 2)
      offset += MOMENT
    }
    return new Uint8Array(state.buffer)
  }

  /** @throws RangeError when the bytes are not those of `toBytes` */
  static fromBytes(bytes: Uint8Array): HostAccumulator {
    const state = new Float64Array(bytes.slice().buffer, 0, Math.floor(bytes.length / 8))
    const count = state[2] ?? Number.NaN
    if (state[0] !== LAYOUT_VERSION || bytes.length !== 8 * (HEADER + count * MOMENT))
      throw new RangeError('these bytes are no state of host metrics')
    const accumulator = new HostAccumulator()
    accumulator.#finished = state[1] ?? accumulator.#finished
    for (let offset = HEADER; offset < state.length; offset += MOMENT) {
      const timestamp = state[offset] ?? 0
      accumulator.#moments.set(timestamp, {
        timestamp,
        arrivedAt: state[offset + 1] ?? timestamp,
        sums: state.slice(offset + 2, offset + MOMENT),
      })
    }
    return accumulator
  }
}
