import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatValue } from '../../src/fleet/query/format.ts'
import { pointsText, stepTexts } from '../../src/kernels/points.ts'
import { random } from './cases.ts'
import { BUILDS, useBuild } from './load.ts'

const ascii = new TextDecoder()

const valuesAsText = (values: Float64Array): string[] => {
  const texts = stepTexts(Array.from(values, (_, step) => `${step}`))
  const present = new Uint8Array(values.length).fill(1)
  const points = JSON.parse(`[${ascii.decode(pointsText(texts, values, present))}]`)
  return points.map(([step, text]: [number, string], index: number) => {
    expect(step).toBe(index)
    return text
  })
}

const expectSame = (values: Float64Array): void => {
  expect(valuesAsText(values)).toEqual(Array.from(values, formatValue))
}

describe.each(BUILDS)('points as JSON (%s)', (build) => {
  it('are those of the steps that have a value', () => {
    useBuild(build)
    const texts = stepTexts(['-253402300799.999', '0', '1700000000.001'])
    const points = (...present: number[]) =>
      ascii.decode(
        pointsText(texts, Float64Array.of(1, -2.5, Number.NaN), Uint8Array.from(present)),
      )
    expect(points(1, 1, 1)).toBe('[-253402300799.999,"1"],[0,"-2.5"],[1700000000.001,"NaN"]')
    expect(points(0, 1, 2)).toBe('[0,"-2.5"]')
    expect(points(0, 0, 0)).toBe('')
  })

  it('have the text of every power of two and of ten, and of their neighbours', () => {
    useBuild(build)
    const bits = new BigInt64Array(1)
    const value = new Float64Array(bits.buffer)
    const around = (x: number): number[] =>
      [-2n, -1n, 0n, 1n, 2n].map((ulps) => {
        value[0] = x
        bits[0] = (bits[0] ?? 0n) + ulps
        return value[0]
      })
    const twos = Array.from({ length: 2_098 }, (_, n) => 2 ** (n - 1_074))
    const tens = Array.from({ length: 632 }, (_, n) => Number(`1e${n - 323}`))
    const halves = Array.from({ length: 70 }, (_, n) => 2 ** n + 0.5)
    expectSame(Float64Array.from([...twos, ...tens, ...halves].flatMap(around)))
  })

  it('have the text of special, small and large numbers', () => {
    useBuild(build)
    const { MIN_VALUE, MAX_VALUE, MAX_SAFE_INTEGER, NaN: nan, POSITIVE_INFINITY: infinity } = Number
    const some = [0, 1, 0.1, 0.3, 1.5, 1e-6, 1.5e-7, 123456789e-15, 1e21, 1.5e21, 123e18, 9.5e20]
    const known = [5e-324, 2.2250738585072014e-308, 9007199254740994, 1.7976931348623157e308]
    const all = [...some, ...known, MIN_VALUE, MAX_VALUE, MAX_SAFE_INTEGER, nan, infinity]
    expectSame(Float64Array.from(all.flatMap((x) => [x, -x])))
  })

  it('have the text of any bits', () => {
    useBuild(build)
    const bits = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
    const sets = fc.array(bits, { minLength: 200, maxLength: 200 })
    fc.assert(
      fc.property(sets, (words) => expectSame(new Float64Array(new BigUint64Array(words).buffer))),
      { seed: 42, numRuns: 200 },
    )
  })

  it('have the text of quotients, roots and whole numbers of every length', () => {
    useBuild(build)
    const next = random(42)
    const values = Float64Array.from({ length: 100_000 }, (_, n) => {
      const whole = Math.floor(next() * 10 ** (n % 17))
      return (
        [whole, whole / 1e3, Math.sqrt(whole), whole / (1 + Math.floor(next() * 300))][n % 4] ?? 0
      )
    })
    expectSame(values)
  })
})

describe('the host', () => {
  it('refuses columns of other lengths and texts without room', () => {
    const texts = stepTexts(['1'])
    const two = Float64Array.of(1, 2)
    expect(() => pointsText(texts, two, Uint8Array.of(1, 1))).toThrow(RangeError)
    expect(() => pointsText(texts, two.subarray(1), Uint8Array.of(1, 1))).toThrow(RangeError)
    expect(() => stepTexts(['1'.repeat(28)])).toThrow(RangeError)
  })
})
