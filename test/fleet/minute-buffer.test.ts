import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MINUTE_SAMPLES_MAX, MinuteBuffer } from '../../src/fleet/minute-buffer.ts'

const row = (first: number) => new Float64Array([first, 1, 2, 3, 4, 5, Number.NaN])

describe('minute buffer', () => {
  it('keeps samples sorted whatever order they came in', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 59_999 }), { maxLength: 200 }), (times) => {
        const buffer = new MinuteBuffer()
        for (const time of times) buffer.insert(time, row(time), 0)
        const expected = [...new Set(times)].sort((a, b) => a - b)
        expect([...buffer.timestamps]).toEqual(expected)
        expect([...buffer.column(0)]).toEqual(expected)
      }),
      { seed: 42 },
    )
  })

  it('tells a repeated sample from a contradicting one, and keeps the first', () => {
    const buffer = new MinuteBuffer()
    expect(buffer.insert(1, row(10), 0)).toBe('inserted')
    expect(buffer.insert(1, row(10), 0)).toBe('duplicate')
    expect(buffer.insert(1, row(11), 0)).toBe('conflict')
    expect([...buffer.column(0)]).toEqual([10])
  })

  it('comes back from its bytes unchanged and still accepts samples', () => {
    const buffer = new MinuteBuffer()
    for (let time = 0; time < 130; time++) buffer.insert(time, row(time / 3), 0)
    const copy = MinuteBuffer.fromBytes(buffer.toBytes())
    expect(copy.toBytes()).toEqual(buffer.toBytes())
    expect(copy.insert(129, row(43), 0)).toBe('duplicate')
    expect(copy.insert(500, row(1), 0)).toBe('inserted')
  })

  it('does not read bytes of a wrong length', () => {
    expect(() => MinuteBuffer.fromBytes(new MinuteBuffer().toBytes().slice(0, 7))).toThrow()
    const bytes = new Uint8Array(16)
    bytes[0] = 3
    expect(() => MinuteBuffer.fromBytes(bytes)).toThrow(RangeError)
  })

  it('is bounded', () => {
    const buffer = new MinuteBuffer()
    for (let time = 0; time < MINUTE_SAMPLES_MAX; time++) buffer.insert(time, row(1), 0)
    expect(buffer.insert(MINUTE_SAMPLES_MAX, row(1), 0)).toBe('full')
    expect(buffer.insert(5, row(1), 0)).toBe('duplicate')
  })
})
