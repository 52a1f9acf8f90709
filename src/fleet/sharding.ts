/** FNV-1a over UTF-16 code units, 32 bits. Stable across versions: where data lives depends on it. */
const fnv1a = (text: string): number => {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  return hash
}

/** Finaliser of MurmurHash3: every bit of the input moves every bit of the output. */
const mix = (value: number): number => {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

/**
 * The shard in [0, shards) that owns a VM: the one with the highest weight for it. Growing from n to
 * m shards moves only (m − n)/m of the VMs, all of them to new shards.
 *
 * Source: rendezvous hashing, Thaler & Ravishankar 1998, doi:10.1109/90.663936.
 */
export const shardOf = (vmId: string, shards: number): number => {
  const hash = fnv1a(vmId)
  let owner = 0
  let highest = -1
  for (let shard = 0; shard < shards; shard++) {
    const weight = mix(hash ^ mix(shard + 1))
    if (weight > highest) {
      highest = weight
      owner = shard
    }
  }
  return owner
}

/** The name of a shard's Durable Object. */
export const shardName = (organisationId: string, shard: number): string =>
  `${organisationId}/${shard}`
