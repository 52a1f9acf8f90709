interface Member<T> {
  readonly value: T
  readonly weight: number
  current: number
  restsUntilMs: number
}

/**
 * Members in turn by their weights, those that rest left out: smooth weighted round robin, which spreads a
 * heavy member's turns. Source: nginx, commit 52327e0 of 2012.
 */
export class WeightedPool<T> {
  readonly #members: Member<T>[]

  /** @throws RangeError without members, or on a weight that is not a number above 0 */
  constructor(members: readonly { readonly value: T; readonly weight: number }[]) {
    if (members.length === 0) throw new RangeError('a pool has at least one member')
    if (!members.every(({ weight }) => weight > 0 && Number.isFinite(weight)))
      throw new RangeError('a weight is a number above 0')
    this.#members = members.map(({ value, weight }) => ({
      value,
      weight,
      current: 0,
      restsUntilMs: Number.NEGATIVE_INFINITY,
    }))
  }

  get size(): number {
    return this.#members.length
  }

  /** The next member's turn; null where all rest, or are `out`. */
  next(nowMs: number, isOut: (value: T) => boolean = () => false): T | null {
    let best: Member<T> | null = null
    let total = 0
    for (const member of this.#members) {
      if (member.restsUntilMs > nowMs || isOut(member.value)) continue
      total += member.weight
      member.current += member.weight
      if (best === null || member.current > best.current) best = member
    }
    if (best === null) return null
    best.current -= total
    return best.value
  }

  /** Members that are left out. */
  resting(nowMs: number): number {
    return this.#members.filter(({ restsUntilMs }) => restsUntilMs > nowMs).length
  }

  /** Leaves a member out until then, as one whose rate limit is reached. */
  rest(value: T, untilMs: number): void {
    for (const member of this.#members)
      if (member.value === value) member.restsUntilMs = Math.max(member.restsUntilMs, untilMs)
  }

  /**
   * When the first of them is back; null where one is there.
   *
   * @param outUntilMs of members that are out beside their rest
   */
  backAtMs(
    nowMs: number,
    outUntilMs: (value: T) => number = () => Number.NEGATIVE_INFINITY,
  ): number | null {
    const earliest = Math.min(
      ...this.#members.map(({ value, restsUntilMs }) => Math.max(restsUntilMs, outUntilMs(value))),
    )
    return earliest > nowMs ? earliest : null
  }
}
