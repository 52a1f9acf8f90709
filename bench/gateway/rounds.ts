import { readUsage } from '../load/usage.ts'
import type { Spread } from '../report.ts'
import { Connection, requestOf } from './client.ts'
import type { Target } from './targets.ts'

export interface Case {
  /** Of the body, but for the model. */
  readonly body: Readonly<Record<string, unknown>>
  readonly connections: number
  /** Of each target in each round. */
  readonly requests: number
  readonly rounds: number
}

/** What one target did in one round. */
export interface Round {
  /** Ascending. */
  readonly totalMs: readonly number[]
  readonly firstTokenMs: readonly number[]
  readonly wallMs: number
  readonly cpuMs: number
}

export type Rounds = Readonly<Record<string, readonly Round[]>>

const ascending = (values: number[]): number[] => values.sort((left, right) => left - right)

export const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN

const spreadOf = (values: readonly number[]): Spread => {
  const sorted = ascending([...values])
  return { median: at(sorted, 0.5), p5: at(sorted, 0.05) }
}

/** Connections of one target that stay open from round to round. */
class Lane {
  readonly #connections: readonly Connection[]
  readonly #request: Buffer
  readonly #pid: number

  constructor({ port, path, headers, model, pid }: Target, { body, connections }: Case) {
    this.#connections = Array.from({ length: connections }, () => new Connection(port))
    this.#request = requestOf(path, headers, { model, ...body })
    this.#pid = pid
  }

  async round(requests: number): Promise<Round> {
    const totalMs: number[] = []
    const firstTokenMs: number[] = []
    const cpuBefore = readUsage(this.#pid).cpuSeconds
    const startedMs = performance.now()
    let left = requests
    await Promise.all(
      this.#connections.map(async (connection) => {
        while (left-- > 0) {
          const answer = await connection.send(this.#request)
          if (answer.status !== 200) throw new Error(`answered ${answer.status}`)
          totalMs.push(answer.totalMs)
          firstTokenMs.push(answer.firstTokenMs)
        }
      }),
    )
    return {
      totalMs: ascending(totalMs),
      firstTokenMs: ascending(firstTokenMs),
      wallMs: performance.now() - startedMs,
      cpuMs: (readUsage(this.#pid).cpuSeconds - cpuBefore) * 1_000,
    }
  }

  close(): void {
    for (const connection of this.#connections) connection.close()
  }
}

/**
 * Asks every target in every round, in reversed order each time, so that what else the machine does falls on
 * all of them. The first round warms up and is left out.
 *
 * @throws Error on an answer other than 200
 */
export const measureRounds = async (
  targets: Readonly<Record<string, Target>>,
  of: Case,
): Promise<Rounds> => {
  const names = Object.keys(targets)
  const lanes = Object.entries(targets).map(
    ([name, target]) => [name, new Lane(target, of)] as const,
  )
  const rounds: Record<string, Round[]> = Object.fromEntries(names.map((name) => [name, []]))
  try {
    for (let round = 0; round <= of.rounds; round++) {
      for (const [name, lane] of round % 2 === 0 ? lanes : lanes.toReversed()) {
        const done = await lane.round(of.requests)
        if (round > 0) rounds[name]?.push(done)
      }
    }
  } finally {
    for (const [, lane] of lanes) lane.close()
  }
  return rounds
}

/** Of each round by how much a target's figure is above the direct one. */
export const addedTo = (
  direct: readonly Round[],
  target: readonly Round[],
  figure: (round: Round) => number,
): Spread =>
  spreadOf(
    target.map((round, i) => {
      const base = direct[i]
      return figure(round) - (base === undefined ? Number.NaN : figure(base))
    }),
  )

export const figureOf = (target: readonly Round[], figure: (round: Round) => number): Spread =>
  spreadOf(target.map(figure))
