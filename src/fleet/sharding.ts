/** FNV-1a over UTF-16 code units, 64 bits: spreads UUIDs evenly, and is stable across versions. */
const fnv1a64 = (text: string): bigint => {
  let hash = 0xcbf29ce484222325n
  for (let index = 0; index < text.length; index++) {
    hash ^= BigInt(text.charCodeAt(index))
    hash = BigInt.asUintN(64, hash * 0x100000001b3n)
  }
  return hash
}

/**
 * Jump consistent hash: the shard in [0, shards) that owns a VM. Growing from n to m shards moves
 * only (m − n)/m of the VMs, all of them to new shards.
 *
 * Source: Lamping & Veach 2014, arXiv:1406.2294.
 */
export const shardOf = (vmId: string, shards: number): number => {
  let key = fnv1a64(vmId)
  let bucket = -1
  let next = 0
  while (next < shards) {
    bucket = next
    key = BigInt.asUintN(64, key * 2862933555777941757n + 1n)
    next = Math.floor(((bucket + 1) * 2 ** 31) / (Number(key >> 33n) + 1))
  }
  return bucket
}

/** The name of a shard's Durable Object. */
export const shardName = (organisationId: string, shard: number): string =>
  `${organisationId}/${shard}`
