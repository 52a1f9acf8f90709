import { beforeAll, describe, expect, it } from 'vitest'
import { transform } from '../../src/kernels/elementwise.ts'
import { Histogram } from '../../src/kernels/histogram.ts'
import { Arena, ArenaExhaustedError } from '../../src/kernels/memory.ts'
import { getKernels } from '../../src/kernels/module.ts'
import { quantiles } from '../../src/kernels/quantile.ts'
import { minMax, sum, sumCompensated, summary } from '../../src/kernels/reduce.ts'
import { RowIndex } from '../../src/kernels/row-index.ts'
import { cosine, distances, dots, topK } from '../../src/kernels/similarity.ts'
import { dotsQuantised, quantiseRows } from '../../src/kernels/similarity-i8.ts'
import { random } from './cases.ts'
import { BUILDS, useBuild } from './load.ts'

const memory = () => new WebAssembly.Memory({ initial: 1, maximum: 1040 })

describe.each(BUILDS)('%s', (build) => {
  beforeAll(() => {
    useBuild(build)
  })

  describe('a million mixed requests', () => {
    it('leave the memory as large as the first ten thousand made it', () => {
      const arena = new Arena(memory(), 0)
      const uniform = random()
      const round = (requests: number) => {
        for (let i = 0; i < requests; i++) {
          arena.lease((lease) => {
            lease.allocate(uniform() * 256)
            lease.allocate(2 ** (uniform() * 20))
            if (i % 3 === 0) lease.allocate(2 ** (uniform() * 22))
          })
        }
      }
      round(10_000)
      const sizeBytes = arena.memoryBytes
      round(1_000_000 - 10_000)
      expect(arena.memoryBytes).toBe(sizeBytes)
      expect(arena.liveBlocks).toBe(0)
    })

    it('leave it flat also when hundreds are open at a time, in no order', () => {
      const arena = new Arena(memory(), 0)
      const uniform = random()
      const open = Array.from({ length: 200 }, () => arena.openLease())
      const round = (requests: number) => {
        for (let i = 0; i < requests; i++) {
          const slot = Math.floor(uniform() * open.length)
          open[slot]?.close()
          const lease = arena.openLease()
          lease.allocate(2 ** (4 + uniform() * 13))
          open[slot] = lease
        }
      }
      round(20_000)
      const sizeBytes = arena.memoryBytes
      round(300_000)
      // A new record of one class now and then; never the sum of all.
      expect(arena.memoryBytes).toBeLessThanOrEqual(sizeBytes * 1.25)
      for (const lease of open) lease.close()
      expect(arena.liveBlocks).toBe(0)
    })
  })

  describe('requests at the same time', () => {
    it('never see what others write, whatever they wait for', async () => {
      const { arena } = getKernels()
      const uniform = random()
      const request = async (id: number) => {
        const lease = arena.openLease()
        try {
          const blocks: { pointer: number; length: number }[] = []
          for (let step = 0; step < 8; step++) {
            const length = 1 + Math.floor(uniform() * 5000)
            const pointer = lease.allocate(length * 8)
            arena.f64(pointer, length).fill(id)
            blocks.push({ pointer, length })
            await new Promise((resolve) => setTimeout(resolve, uniform() * 3))
            // Kernels and other leases have run meanwhile, and memory may have grown.
            for (const block of blocks) {
              if (!arena.f64(block.pointer, block.length).every((x) => x === id))
                return 'overwritten'
            }
            if (summary(Float64Array.of(id, id)).sum !== 2 * id) return 'wrong'
          }
          return 'kept'
        } finally {
          lease.close()
        }
      }
      const outcomes = await Promise.all(Array.from({ length: 100 }, (_, id) => request(id)))
      expect(outcomes.filter((outcome) => outcome !== 'kept')).toEqual([])
      expect(arena.liveBlocks).toBe(0)
    })

    it('compute the same from blocks that others left full of numbers', () => {
      const { arena } = getKernels()
      const uniform = random()
      const values = Float64Array.from({ length: 3001 }, () => uniform() * 100)
      const narrow = new Float32Array(values.subarray(0, 3000))
      const query = narrow.subarray(0, 30)
      const everything = () => {
        const histogram = new Histogram()
        histogram.insert(values)
        const index = new RowIndex(narrow, 30)
        const found = index.search(query, 5)
        index.free()
        return {
          sums: [sum(values), sumCompensated(values), sum(narrow)],
          range: minMax(values),
          summary: summary(values),
          quantiles: quantiles(values, [0, 0.5, 0.99, 1]),
          histogram: histogram.toBytes(),
          series: transform(values, [
            { op: 'rollingMean', window: 7 },
            { op: 'ewma', weight: 0.3 },
            { op: 'diff' },
            { op: 'normalize' },
          ]),
          scores: [
            cosine(query, narrow, 30),
            dots(query, narrow, 30),
            distances(query, narrow, 30),
          ],
          best: topK(values, 9),
          rounded: dotsQuantised(quantiseRows(query, 30), quantiseRows(narrow, 30)),
          found,
        }
      }
      const leave = (byte: number) => {
        const leases = Array.from({ length: 6 }, () => arena.openLease())
        for (const lease of leases) {
          for (let sizeBytes = 256; sizeBytes <= 1 << 20; sizeBytes *= 2) {
            arena.u8(lease.allocate(sizeBytes), sizeBytes).fill(byte)
          }
        }
        for (const lease of leases) lease.close()
      }
      leave(0)
      const want = everything()
      // As f64: NaN, a huge number, a subnormal.
      for (const byte of [0xff, 0x7e, 0x01]) {
        leave(byte)
        expect(everything()).toEqual(want)
      }
    })
  })

  describe('memory at its bound', () => {
    it('joins free neighbours while a held block lies between them', () => {
      const arena = new Arena(memory(), 0, 1 << 20)
      const small = Array.from({ length: 1024 }, () => arena.openLease())
      for (const lease of small) lease.allocate(512)
      const kept = small[300]
      for (const lease of small) if (lease !== kept) lease.close()
      arena.lease((lease) => expect(lease.allocate(1 << 19)).toBeGreaterThan(0))
      arena.lease((lease) => {
        for (let i = 0; i < 3; i++) lease.allocate(1 << 17)
      })
      expect(() => arena.lease((lease) => lease.allocate(1 << 20))).toThrow(ArenaExhaustedError)
      kept?.close()
      arena.lease((lease) => expect(lease.allocate(1 << 20)).toBeGreaterThan(0))
      expect(arena.liveBlocks).toBe(0)
    })

    it('hands no byte out twice, in any order of sizes', () => {
      const arena = new Arena(memory(), 0, 1 << 20)
      const uniform = random()
      const blocks = new Map<number, { end: number; lease: ReturnType<Arena['openLease']> }>()
      let refused = 0
      for (let i = 0; i < 20_000; i++) {
        if (blocks.size > 0 && uniform() < 0.5) {
          const chosen = [...blocks.keys()][Math.floor(uniform() * blocks.size)] ?? 0
          blocks.get(chosen)?.lease.close()
          blocks.delete(chosen)
          continue
        }
        const sizeBytes = Math.ceil(2 ** (uniform() * 19))
        const lease = arena.openLease()
        try {
          const pointer = lease.allocate(sizeBytes)
          for (const [start, { end }] of blocks) {
            if (pointer < end && start < pointer + sizeBytes) throw new Error('shared')
          }
          blocks.set(pointer, { end: pointer + sizeBytes, lease })
        } catch (error) {
          if (!(error instanceof ArenaExhaustedError)) throw error
          refused++
        }
      }
      expect(refused).toBeGreaterThan(0)
      expect(arena.memoryBytes).toBeLessThanOrEqual((1 << 20) + 2 * 65_536)
    })

    it.each([2 ** 31 + 1, 2 ** 32, 2 ** 32 + 1, 2 ** 40, Number.POSITIVE_INFINITY, Number.NaN])(
      'refuses %d bytes',
      (sizeBytes) => {
        const arena = new Arena(memory(), 0)
        expect(() => arena.lease((lease) => lease.allocate(sizeBytes))).toThrow(ArenaExhaustedError)
        expect(arena.liveBlocks).toBe(0)
      },
    )

    it('keeps half for requests: blocks that are held have the other', () => {
      const arena = new Arena(memory(), 0, 1 << 20)
      const held = [arena.hold(200_000), arena.hold(200_000)]
      expect(() => arena.hold(1)).toThrow(ArenaExhaustedError)
      arena.lease((lease) => lease.allocate(1 << 19))
      held[0]?.free()
      held[0]?.free()
      arena.hold(1).free()
      expect(() => arena.hold(300_000)).toThrow(ArenaExhaustedError)
      held[1]?.free()
      arena.hold(1 << 19).free()
      expect(arena.liveBlocks).toBe(0)
    })

    it('is not beyond what the module may have', () => {
      const { arena } = getKernels()
      expect(() => arena.lease((lease) => lease.allocate(arena.bytesMax + 1))).toThrow(
        ArenaExhaustedError,
      )
      arena.lease((lease) => lease.allocate(arena.bytesMax))
      expect(arena.memoryBytes).toBeLessThanOrEqual(1040 * 65_536)
    })
  })
})
