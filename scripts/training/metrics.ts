/** Questions with what both models made of them. */
export interface Judged {
  readonly isWeakRight: boolean
  readonly isStrongRight: boolean
}

/**
 * Quality of a router as it sends more and more to the strong model, those with the greatest score
 * first. Equal scores share their place: what they gain is averaged over them.
 */
export interface RoutingQuality {
  /** Mean over all shares of calls of the performance gap recovered; random has 0.5. */
  readonly apgr: number
  /** Least share of strong calls that recovers 50 % and 80 % of the gap. */
  readonly cpt50: number
  readonly cpt80: number
}

/** Indices from the greatest score down; of equals the first. */
export const orderOf = (scores: Float64Array): Uint32Array =>
  Uint32Array.from(scores, (_, i) => i).sort(
    (a, b) => (scores[b] as number) - (scores[a] as number) || a - b,
  )

/**
 * PGR(x) = (accuracy at share x − the weak model's) / (the strong one's − the weak one's).
 *
 * @param scores f64[n]: greater is sent to the strong model earlier
 * @param order orderOf(scores)
 * @param counts how often each question is taken, e.g. in a resample; once where absent
 * @returns NaN where both models are equally good
 * Source: Ong et al. 2024, arXiv:2406.18665.
 */
export function routingQuality(
  judged: readonly Judged[],
  scores: Float64Array,
  order = orderOf(scores),
  counts?: Uint32Array,
): RoutingQuality {
  const gains = Float64Array.from(
    judged,
    ({ isWeakRight, isStrongRight }, i) =>
      (Number(isStrongRight) - Number(isWeakRight)) * (counts?.[i] ?? 1),
  )
  const gap = gains.reduce((a, b) => a + b, 0)
  const total = counts ? counts.reduce((a, b) => a + b, 0) : judged.length
  let area = 0
  let recovered = 0
  let taken = 0
  let cpt50 = Number.NaN
  let cpt80 = Number.NaN
  for (let start = 0; start < order.length; ) {
    const score = scores[order[start] as number]
    let gain = 0
    let calls = 0
    for (; start < order.length && scores[order[start] as number] === score; start++) {
      gain += gains[order[start] as number] as number
      calls += counts?.[order[start] as number] ?? 1
    }
    if (calls === 0) continue
    // Along the line through equal scores.
    const shareOf = (goal: number): number => {
      const part = gain > 0 ? Math.max(0, Math.min(1, (goal - recovered) / gain)) : 1
      return (taken + part * calls) / total
    }
    if (Number.isNaN(cpt50) && recovered + gain >= 0.5 * gap) cpt50 = shareOf(0.5 * gap)
    if (Number.isNaN(cpt80) && recovered + gain >= 0.8 * gap) cpt80 = shareOf(0.8 * gap)
    area += (recovered + gain / 2) * calls
    recovered += gain
    taken += calls
  }
  return { apgr: gap > 0 ? area / gap / total : Number.NaN, cpt50, cpt80 }
}

/**
 * Expected calibration error: mean distance of a probability from how often the event came, over bins
 * of equal width, weighted by their examples. Source: Guo et al. 2017, arXiv:1706.04599.
 */
export function calibrationError(
  probabilities: Float64Array,
  happened: readonly boolean[],
  counts?: Uint32Array,
  bins = 15,
): number {
  const sums = Array.from({ length: bins }, () => ({ probability: 0, events: 0 }))
  probabilities.forEach((p, i) => {
    const bin = sums[Math.min(bins - 1, Math.floor(p * bins))]
    if (!bin) return
    const count = counts?.[i] ?? 1
    bin.probability += p * count
    bin.events += happened[i] ? count : 0
  })
  const total = counts ? counts.reduce((a, b) => a + b, 0) : probabilities.length
  return sums.reduce((sum, bin) => sum + Math.abs(bin.probability - bin.events), 0) / total
}
