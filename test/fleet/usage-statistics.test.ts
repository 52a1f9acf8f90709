import '../kernels/load.ts'
import { describe, expect, it } from 'vitest'
import { HourState, storedHour } from '../../src/fleet/usage-statistics.ts'

describe('statistics of an hour', () => {
  it('are read as they are stored without making sketches of them', () => {
    const state = new HourState()
    state.sampleCount = 4
    state.cpu.add(Float64Array.of(1, 2.5, Number.NaN, 97))
    const { sampleCount, cpu, memory } = storedHour(state.toBytes().slice().buffer)
    expect(sampleCount).toBe(4)
    expect(cpu).toEqual({ count: 3, sum: 100.5, max: 97, sketch: state.cpu.sketch.toBytes() })
    expect(memory).toEqual({
      count: 0,
      sum: 0,
      max: Number.NEGATIVE_INFINITY,
      sketch: state.memory.sketch.toBytes(),
    })
  })
})
