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

/** Likewise by draws of whole subjects, as many as there are. */
function drawSubjects(subjects: readonly string[], random: Random): Uint32Array {
  const names = [...new Set(subjects)]
  const drawn = drawQuestions(names.length, random)
  const countOf = new Map(names.map((name, i) => [name, drawn[i] ?? 0]))
  return Uint32Array.from(subjects, (subject) => countOf.get(subject) ?? 0)
}

/** The same resamples for every figure, so that differences between routers are paired. */
export class Resamples {
  readonly byQuestion: readonly Uint32Array[]
  readonly bySubject: readonly Uint32Array[]

  constructor(subjects: readonly string[], count: number, random: Random) {
    this.byQuestion = Array.from({ length: count }, () => drawQuestions(subjects.length, random))
    this.bySubject = Array.from({ length: count }, () => drawSubjects(subjects, random))
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
