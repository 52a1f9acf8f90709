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

/**
 * PGR(x) = (accuracy at share x − the weak model's) / (the strong one's − the weak one's).
 *
 * @param scores f64[n]: greater is sent to the strong model earlier
 * @returns NaN where both models are equally good
 * Source: Ong et al. 2024, arXiv:2406.18665.
 */
export function routingQuality(judged: readonly Judged[], scores: Float64Array): RoutingQuality {
  const order = Uint32Array.from(judged, (_, i) => i).sort(
    (a, b) => (scores[b] as number) - (scores[a] as number) || a - b,
  )
  const gains = judged.map(
    ({ isWeakRight, isStrongRight }) => Number(isStrongRight) - Number(isWeakRight),
  )
  const gap = gains.reduce((a, b) => a + b, 0)
  let area = 0
  let recovered = 0
  let cpt50 = Number.NaN
  let cpt80 = Number.NaN
  for (let start = 0; start < order.length; ) {
    let end = start
    let gain = 0
    while (end < order.length && scores[order[end] as number] === scores[order[start] as number]) {
      gain += gains[order[end++] as number] as number
    }
    const each = gain / (end - start)
    for (; start < end; start++) {
      area += recovered + each / 2
      recovered += each
      const share = (start + 1) / order.length
      if (Number.isNaN(cpt50) && recovered >= 0.5 * gap) cpt50 = share
      if (Number.isNaN(cpt80) && recovered >= 0.8 * gap) cpt80 = share
    }
  }
  return { apgr: area / gap / order.length, cpt50, cpt80 }
}

/**
 * Expected calibration error: mean distance of a probability from how often the event came, over bins
 * of equal width, weighted by their examples. Source: Guo et al. 2017, arXiv:1706.04599.
 */
export function calibrationError(
  probabilities: Float64Array,
  happened: readonly boolean[],
  bins = 15,
): number {
  const sums = Array.from({ length: bins }, () => ({ probability: 0, events: 0 }))
  probabilities.forEach((p, i) => {
    const bin = sums[Math.min(bins - 1, Math.floor(p * bins))]
    if (!bin) return
    bin.probability += p
    bin.events += happened[i] ? 1 : 0
  })
  const total = sums.reduce((sum, bin) => sum + Math.abs(bin.probability - bin.events), 0)
  return total / probabilities.length
}
