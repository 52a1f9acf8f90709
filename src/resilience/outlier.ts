export interface PeerCounts {
  readonly successes: number
  readonly failures: number
}

/** Calls of a peer below which nothing is said of it. */
const CALLS_MIN = 20
/** How far, in share of failures, it must surely be behind the middle of the others. */
const MARGIN = 0.1
/** Two-sided 95 %. */
const Z = 1.96
/** Most of the peers that are left out at one time. */
const EJECTED_SHARE_MAX = 0.5

/** Lower end of Wilson's 95 % interval of a share. Source: Wilson 1927, doi:10.1080/01621459.1927.10502953. */
export const wilsonLower = (hits: number, n: number): number => {
  if (n === 0) return 0
  const share = hits / n
  const spread = Z * Math.sqrt((share * (1 - share) + (Z * Z) / (4 * n)) / n)
  return Math.max(0, (share + (Z * Z) / (2 * n) - spread) / (1 + (Z * Z) / n))
}

const failureShare = ({ successes, failures }: PeerCounts): number =>
  successes + failures === 0 ? 0 : failures / (successes + failures)

/**
 * Peers that fail so much more than the others that it is no chance: the lower end of its share's 95 %
 * interval is above the others' median by a tenth. Envoy's rule of standard deviations needs five hosts to
 * find one; this one needs two.
 *
 * @returns indices, the worst first, at most half of the peers
 */
export const outliersOf = (peers: readonly PeerCounts[]): readonly number[] => {
  const isCounted = (peer: PeerCounts): boolean => peer.successes + peer.failures >= CALLS_MIN
  const found = peers.flatMap((peer, i) => {
    const others = peers.filter((other, j) => j !== i && isCounted(other)).map(failureShare)
    if (!isCounted(peer) || others.length === 0) return []
    const middle = others.sort((a, b) => a - b)[(others.length - 1) >> 1] ?? 0
    const lower = wilsonLower(peer.failures, peer.successes + peer.failures)
    return lower > middle + MARGIN ? [{ i, lower }] : []
  })
  return found
    .sort((a, b) => b.lower - a.lower)
    .slice(0, Math.floor(peers.length * EJECTED_SHARE_MAX))
    .map(({ i }) => i)
}
