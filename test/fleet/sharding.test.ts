import { describe, expect, it } from 'vitest'
import { shardOf } from '../../src/fleet/sharding.ts'

const ids = Array.from(
  { length: 4_000 },
  (_, n) =>
    `${n.toString(16).padStart(8, '0')}-0000-4000-8000-${(n * 7919).toString(16).padStart(12, '0')}`,
)

describe('sharding', () => {
  it('spreads VMs evenly', () => {
    const counts = new Array<number>(8).fill(0)
    for (const id of ids) counts[shardOf(id, 8)] = (counts[shardOf(id, 8)] ?? 0) + 1
    expect(Math.min(...counts)).toBeGreaterThan(400)
    expect(Math.max(...counts)).toBeLessThan(600)
  })

  it('moves VMs only to the new shard when one is added', () => {
    const moved = ids.filter((id) => shardOf(id, 8) !== shardOf(id, 9))
    expect(moved.every((id) => shardOf(id, 9) === 8)).toBe(true)
    expect(moved.length / ids.length).toBeCloseTo(1 / 9, 1)
  })
})
