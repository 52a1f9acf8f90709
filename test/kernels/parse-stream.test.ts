import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { getKernels } from '../../src/kernels/module.ts'
import { parseNumbers } from '../../src/kernels/parse.ts'
import { NumberStream, type StreamState } from '../../src/kernels/parse-stream.ts'
import { random } from './cases.ts'
import { BUILDS, useBuild } from './load.ts'

const utf8 = new TextEncoder()

/** The array behind its bracket, arriving in pieces that end at `cuts`. */
const readInPieces = (text: string, cuts: readonly number[]) => {
  const bytes = utf8.encode(text)
  const values: number[] = []
  const groups: number[] = []
  const stream = new NumberStream(text.indexOf('[') + 1, (given) => {
    groups.push(given.length)
    values.push(...getKernels().arena.f64(given.pointer, given.length))
  })
  let found: StreamState = { state: 'open' }
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    found = stream.read(bytes.subarray(0, Math.min(cut, bytes.length)), false)
  }
  found = stream.read(bytes, true)
  return { found, values, groups, count: stream.count }
}

describe.each(BUILDS)('an array whose text comes in pieces, %s', (build) => {
  beforeAll(() => {
    useBuild(build)
  })

  const uniform = random()
  const numbers = Array.from({ length: 30_000 }, (_, i) =>
    i % 7 === 0 ? null : i % 3 === 0 ? Math.round(uniform() * 100) : uniform() * 1e3,
  )
  const text = ` [${numbers.join(',').replaceAll(',,', ',null,').replace(/^,/, 'null,')}] , "x"`
  const want = numbers.map((x) => x ?? Number.NaN)

  it.each([
    { name: 'at once', cuts: [] },
    { name: 'byte by byte at first', cuts: Array.from({ length: 2000 }, (_, i) => i) },
    { name: 'of 1000 bytes', cuts: Array.from({ length: 500 }, (_, i) => 1000 * i) },
    { name: 'of 65,537 bytes', cuts: Array.from({ length: 10 }, (_, i) => 65_537 * i) },
  ])('is read $name, in whole groups but for the last', ({ cuts }) => {
    const { found, values, groups, count } = readInPieces(text, cuts)
    expect(found).toEqual({ state: 'done', end: text.indexOf(']') + 1 })
    expect(values).toEqual(want)
    expect(count).toBe(want.length)
    for (const length of groups.slice(0, -1)) expect(length % 1024).toBe(0)
    expect(getKernels().arena.liveBlocks).toBe(0)
  })

  it('is read where no comma comes for long', () => {
    const wide = `[1,${' '.repeat(200_000)}2${' '.repeat(100_000)},${' '.repeat(70_000)}3 ]`
    for (const cuts of [[], [100, 100_000, 200_000, 290_000, 300_004]]) {
      expect(readInPieces(wide, cuts)).toMatchObject({
        found: { state: 'done', end: wide.length },
        values: [1, 2, 3],
      })
    }
  })

  it('has its faults where the whole text has them', () => {
    const element = fc.oneof(
      { weight: 20, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }).map(String) },
      { weight: 1, arbitrary: fc.constantFrom('', 'null', '1e999', '"x"', 'nul', '1 2', '-', '[') },
    )
    const array = fc
      .array(element, { minLength: 1, maxLength: 30 })
      .map((parts) => `[${parts.join(',')}`)
    const end = fc.constantFrom(']', '', ' ]', ',]', ']]', '}')
    fc.assert(
      fc.property(array, end, fc.array(fc.nat(400), { maxLength: 5 }), (start, close, cuts) => {
        const candidate = start + close
        fc.pre(!/^\[\s*\]/.test(candidate))
        const whole = parseNumbers(utf8.encode(candidate))
        const { found, values } = readInPieces(candidate, cuts)
        if (whole.ok) {
          expect(found).toEqual({ state: 'done', end: whole.end })
          expect(values).toEqual([...whole.values])
        } else {
          expect(found).toEqual({ state: 'fault', error: whole.error, offset: whole.offset })
        }
      }),
      { numRuns: 3000, seed: 42 },
    )
  })
})
