import { describe, expect, it } from 'vitest'
import { LivePoints } from '../../src/fleet/live-points.ts'

const row = Float64Array.of(1, Number.NaN, 3, 4, 5, 6, 7)

describe('live points', () => {
  it('are taken once, ascending, with null where a metric is missing', () => {
    const points = new LivePoints()
    for (const time of [3, 1, 2]) points.add('a', time, row, 0)
    points.add('b', 9, row, 0)
    const taken = points.take('a')
    expect(taken.timestamp).toEqual([1, 2, 3])
    expect(taken.cpu_usage).toEqual([1, 1, 1])
    expect(taken.memory_usage).toEqual([null, null, null])
    expect(points.take('a').timestamp).toEqual([])
    expect(points.take('b').timestamp).toEqual([9])
  })

  it('are bounded for one VM and for all of them, and free again once taken', () => {
    const points = new LivePoints()
    for (let time = 0; time < 700; time++) points.add('a', time, row, 0)
    expect(points.take('a').timestamp).toHaveLength(600)
    for (let vm = 0; vm < 200; vm++)
      for (let time = 0; time < 600; time++) points.add(`vm-${vm}`, time, row, 0)
    const kept = () =>
      Array.from({ length: 200 }, (_, vm) => points.take(`vm-${vm}`).timestamp.length)
    expect(kept().reduce((sum, count) => sum + count)).toBe(100_000)
    points.add('vm-199', 1, row, 0)
    expect(points.take('vm-199').timestamp).toEqual([1])
  })
})
