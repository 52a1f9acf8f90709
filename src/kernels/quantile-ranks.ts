/** Which order statistics give which quantiles. */
export interface Wanted {
  /** Ranks from 0, ascending, each once. */
  readonly ranks: Uint32Array
  /** For each quantile, in its own place: where its lower rank stands in `ranks`. */
  readonly lower: Uint32Array
  /** And how far it lies on the way to the rank above, in [0, 1). */
  readonly fraction: Float64Array
}

/** Places of qs in ascending order of q; undefined where they ascend already. */
function ascending(qs: readonly number[]): number[] | undefined {
  for (let i = 1; i < qs.length; i++) {
    if ((qs[i] ?? 0) < (qs[i - 1] ?? 0)) {
      return qs.map((_q, place) => place).sort((a, b) => (qs[a] ?? 0) - (qs[b] ?? 0))
    }
  }
  return undefined
}

/**
 * With h = q·(m − 1): the ranks ⌊h⌋ and, where h is no integer, ⌊h⌋ + 1 (numpy's `linear`).
 *
 * @param qs each in [0, 1]        @param count m ≥ 1
 */
export function wantedOf(qs: readonly number[], count: number): Wanted {
  const order = ascending(qs)
  const ranks = new Uint32Array(2 * qs.length)
  const lower = new Uint32Array(qs.length)
  const fraction = new Float64Array(qs.length)
  let length = 0
  for (let i = 0; i < qs.length; i++) {
    const place = order ? (order[i] ?? 0) : i
    const position = (qs[place] ?? 0) * (count - 1)
    const rank = Math.floor(position)
    // The ranks so far end with this quantile's lower rank, with its upper one, or below both.
    if (length > 0 && ranks[length - 1] === rank) lower[place] = length - 1
    else if (length > 1 && ranks[length - 2] === rank) lower[place] = length - 2
    else {
      lower[place] = length
      ranks[length++] = rank
    }
    fraction[place] = position - rank
    if (position > rank && ranks[length - 1] === rank) ranks[length++] = rank + 1
  }
  return { ranks: ranks.subarray(0, length), lower, fraction }
}

/** numpy's `_lerp`; ±Inf at one end alone gives that infinity. */
export function between(low: number, high: number, t: number): number {
  if (t === 0 || low === high) return low
  const step = high - low
  if (!Number.isFinite(step)) {
    return Number.isFinite(low) && Number.isFinite(high) ? low * (1 - t) + high * t : low + high
  }
  return t < 0.5 ? low + step * t : high - step * (1 - t)
}

/** The quantiles, from the order statistics at `ranks[index]`. */
export function interpolate(
  { lower, fraction }: Wanted,
  statistic: (index: number) => number,
): Float64Array<ArrayBuffer> {
  const found = new Float64Array(lower.length)
  for (let i = 0; i < found.length; i++) {
    const index = lower[i] ?? 0
    const t = fraction[i] ?? 0
    const low = statistic(index)
    found[i] = t > 0 ? between(low, statistic(index + 1), t) : low
  }
  return found
}
