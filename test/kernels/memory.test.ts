import { beforeAll, describe, expect, it } from 'vitest'
import { Histogram } from '../../src/kernels/histogram.ts'
import { Arena, ArenaExhaustedError, Lease } from '../../src/kernels/memory.ts'
import { getKernels } from '../../src/kernels/module.ts'
import { quantiles } from '../../src/kernels/quantile.ts'
import { summary } from '../../src/kernels/reduce.ts'
import { random } from './cases.ts'
import { BUILDS, useBuild } from './load.ts'

const memory = () => new WebAssembly.Memory({ initial: 1, maximum: 1024 })

describe.each(BUILDS)('%s', (build) => {
  beforeAll(() => {
    useBuild(build)
  })

  describe('arena', () => {
    it('aligns every block to 16 bytes', () => {
      const arena = new Arena(memory(), 1001)
      const lease = new Lease(arena)
      for (const sizeBytes of [0, 1, 15, 17, 255, 257, 1000, 65_537]) {
        expect(lease.allocate(sizeBytes) % 16).toBe(0)
      }
      lease.close()
      expect(arena.liveBlocks).toBe(0)
    })

    it('keeps interleaved leases apart', () => {
      const arena = new Arena(memory(), 0)
      const leases = Array.from({ length: 20 }, () => new Lease(arena))
      const blocks = leases.flatMap((lease, owner) =>
        [100, 3000, 100_000].map((length) => ({ owner, length, at: lease.allocate(length * 8) })),
      )
      for (const { owner, length, at } of blocks) arena.f64(at, length).fill(owner)
      for (const [i, lease] of leases.entries()) {
        if (i % 2 === 0) lease.close()
      }
      const late = new Lease(arena)
      arena.f64(late.allocate(3000 * 8), 3000).fill(-1)
      for (const { owner, length, at } of blocks) {
        if (owner % 2 === 0) continue
        expect(arena.f64(at, length).every((x) => x === owner)).toBe(true)
      }
    })

    it('gives views that reach memory after it grew', () => {
      const arena = new Arena(memory(), 0)
      const lease = new Lease(arena)
      const first = lease.copyIn(Float64Array.of(1, 2, 3))
      const before = arena.f64(first, 3)
      lease.allocate(10_000_000)
      expect(before.length).toBe(0)
      expect([...arena.f64(first, 3)]).toEqual([1, 2, 3])
    })

    it('refuses what would pass its bound, and serves again after leases close', () => {
      const arena = new Arena(memory(), 0, 1 << 20)
      const lease = new Lease(arena)
      lease.allocate(600_000)
      expect(() => lease.allocate(600_000)).toThrow(ArenaExhaustedError)
      expect(() => lease.allocate(2 ** 31)).toThrow(ArenaExhaustedError)
      lease.close()
      for (let i = 0; i < 40; i++) arena.lease((small) => small.allocate(256 << (i % 12)))
      expect(arena.lease((all) => all.allocate(1 << 20))).toBeGreaterThanOrEqual(0)
      expect(arena.memoryBytes).toBeLessThanOrEqual((1 << 20) + 65_536)
    })

    it('closes the lease when its work throws', () => {
      const { arena } = getKernels()
      expect(() =>
        arena.lease((lease) => {
          lease.allocate(100)
          throw new Error('work failed')
        }),
      ).toThrow('work failed')
      expect(arena.liveBlocks).toBe(0)
    })

    it('stays flat over many mixed requests', () => {
      const { arena } = getKernels()
      const uniform = random()
      const values = Float64Array.from({ length: 4096 }, () => uniform())
      const histogram = new Histogram()
      const round = (count: number) => {
        for (let i = 0; i < count; i++) {
          const part = values.subarray(0, Math.floor(uniform() * 4096))
          if (i % 3 === 0) summary(part)
          else if (i % 3 === 1) quantiles(part, [0.5, 0.99])
          else histogram.insert(part)
        }
      }
      round(2000)
      const sizeBytes = arena.memoryBytes
      round(20_000)
      expect(arena.memoryBytes).toBe(sizeBytes)
      expect(arena.liveBlocks).toBe(0)
    })
  })
})
