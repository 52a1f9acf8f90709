import { type Random, wholeBelow } from './seeded.ts'

/** A figure with the bounds between which 95 % of resamples lie. */
export interface Interval {
  readonly value: number
  readonly low: number
  readonly high: number
}

/** How often each question is drawn, u32[n]: n draws of questions. */
const drawQuestions = (count: number, random: Random): Uint32Array => {
  const counts = new Uint32Array(count)
  for (let i = 0; i < count; i++) {
    const drawn = wholeBelow(random, count)
    counts[drawn] = (counts[drawn] ?? 0) + 1
  }
  return counts
}

/**
 * Likewise by draws of subjects, as many as there are, and of as many questions as each one drawn has.
 * Source: Davison & Hinkley 1997, §3.8.
 */
function drawSubjects(rowsOf: ReadonlyMap<string, readonly number[]>, random: Random): Uint32Array {
  const groups = [...rowsOf.values()]
  const counts = new Uint32Array(groups.reduce((sum, { length }) => sum + length, 0))
  for (let i = 0; i < groups.length; i++) {
    const rows = groups[wholeBelow(random, groups.length)] ?? []
    for (let j = 0; j < rows.length; j++) {
      const row = rows[wholeBelow(random, rows.length)] ?? 0
      counts[row] = (counts[row] ?? 0) + 1
    }
  }
  return counts
}

/** The same resamples for every figure, so that differences between routers are paired. */
export class Resamples {
  readonly byQuestion: readonly Uint32Array[]
  readonly bySubject: readonly Uint32Array[]

  constructor(subjects: readonly string[], count: number, random: Random) {
    this.byQuestion = Array.from({ length: count }, () => drawQuestions(subjects.length, random))
    const rowsOf = Map.groupBy(subjects.keys(), (row) => subjects[row] ?? '')
    this.bySubject = Array.from({ length: count }, () => drawSubjects(rowsOf, random))
  }
}

const round = (value: number): number => Math.round(value * 1e4) / 1e4

/**
 * Percentile interval of resampled figures; those that are not finite are left out.
 * Source: Efron & Tibshirani 1993, chapter 13.
 */
export function intervalOf(value: number, resampled: readonly number[]): Interval {
  const sorted = resampled.filter(Number.isFinite).sort((a, b) => a - b)
  const at = (share: number): number =>
    round(sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN)
  return { value: round(value), low: at(0.025), high: at(0.975) }
}
