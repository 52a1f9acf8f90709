import {
  POINTS_RUNNING_MAX,
  POINTS_RUNNING_PER_ORGANISATION_MAX,
  QUERIES_RUNNING_MAX,
  QUERIES_RUNNING_PER_ORGANISATION_MAX,
  QUERIES_WAITING_MAX,
  QUERIES_WAITING_PER_ORGANISATION_MAX,
  QUERY_WAIT_MS_MAX,
} from './limits.ts'

/** How often who waits looks whether there is room. */
const WAIT_STEP_MS = 10
/** How often a query says that its request is still there. */
const SIGN_INTERVAL_MS = 250
/** Without a sign for this long the request is gone: the platform ends what it ran without a word. */
const LOST_MS = 2_000

/** What the gate has from around it. Timers belong to the request that asks for them, and end with it. */
export interface GateHost {
  /** ms since the epoch */
  now(): number
  wait(ms: number): Promise<void>
  /** Calls `work` again and again. @returns what ends it */
  every(ms: number, work: () => void): () => void
}

/** A query's place among those that run. */
export interface Place {
  /** Counts points (series × steps) that the query has in memory; false, and not counted, where others leave no room. */
  take(points: number): boolean
  /** The same once there is room; false where there is none within QUERY_WAIT_MS_MAX. */
  takeLater(points: number): Promise<boolean>
  /** Gives the place back; again does nothing. */
  end(): void
}

interface Running {
  readonly organisationId: string
  points: number
  seenAt: number
}

interface Waiting {
  readonly organisationId: string
  readonly untilMs: number
}

const pointsOf = (running: readonly Running[]): number =>
  running.reduce((sum, { points }) => sum + points, 0)

/**
 * Bounds the queries that run in an isolate at the same time, and those of one organisation; a few more wait for
 * a short time. No request is woken by another one: each looks for itself.
 */
export class QueryGate {
  readonly #host: GateHost
  readonly #running = new Set<Running>()
  readonly #waiting = new Set<Waiting>()

  constructor(host: GateHost) {
    this.#host = host
  }

  #runningOf(organisationId: string): Running[] {
    return [...this.#running].filter((one) => one.organisationId === organisationId)
  }

  #waitingOf(organisationId: string): number {
    let count = 0
    for (const one of this.#waiting) if (one.organisationId === organisationId) count++
    return count
  }

  #dropLost(): void {
    const now = this.#host.now()
    for (const one of this.#running) if (now - one.seenAt > LOST_MS) this.#running.delete(one)
    for (const one of this.#waiting) if (now > one.untilMs) this.#waiting.delete(one)
  }

  #hasRoom(organisationId: string): boolean {
    this.#dropLost()
    return (
      this.#running.size < QUERIES_RUNNING_MAX &&
      this.#runningOf(organisationId).length < QUERIES_RUNNING_PER_ORGANISATION_MAX
    )
  }

  /** Whether a query may have so many points more; where no other one has any, always. */
  #hasRoomFor(running: Running, points: number): boolean {
    this.#dropLost()
    const all = [...this.#running]
    if (pointsOf(all.filter((one) => one !== running)) === 0) return true
    const own = this.#runningOf(running.organisationId)
    return (
      pointsOf(all) + points <= POINTS_RUNNING_MAX &&
      pointsOf(own) + points <= POINTS_RUNNING_PER_ORGANISATION_MAX
    )
  }

  #admit(organisationId: string): Place {
    const running: Running = { organisationId, points: 0, seenAt: this.#host.now() }
    this.#running.add(running)
    const stop = this.#host.every(SIGN_INTERVAL_MS, () => {
      running.seenAt = this.#host.now()
    })
    const take = (points: number): boolean => {
      const hasRoom = this.#hasRoomFor(running, points)
      if (hasRoom) running.points += points
      return hasRoom
    }
    return {
      take,
      takeLater: async (points) => {
        const { now, wait } = this.#host
        const untilMs = now() + QUERY_WAIT_MS_MAX
        do {
          await wait(WAIT_STEP_MS)
          if (take(points)) return true
        } while (now() < untilMs)
        return false
      },
      end: () => {
        stop()
        this.#running.delete(running)
      },
    }
  }

  /** A place, at once or after QUERY_WAIT_MS_MAX at most; null where there is none, nor room to wait. */
  async enter(organisationId: string): Promise<Place | null> {
    const hasRoom = this.#hasRoom(organisationId)
    const waitingBefore = this.#waitingOf(organisationId)
    if (hasRoom && waitingBefore === 0) return this.#admit(organisationId)
    if (
      this.#waiting.size >= QUERIES_WAITING_MAX ||
      waitingBefore >= QUERIES_WAITING_PER_ORGANISATION_MAX
    )
      return null
    const { now, wait } = this.#host
    const waiting = { organisationId, untilMs: now() + QUERY_WAIT_MS_MAX }
    this.#waiting.add(waiting)
    try {
      do {
        await wait(WAIT_STEP_MS)
        if (this.#hasRoom(organisationId)) return this.#admit(organisationId)
      } while (now() < waiting.untilMs)
      return null
    } finally {
      this.#waiting.delete(waiting)
    }
  }
}
