import { beforeAll, describe, expect, it } from 'vitest'
import { getKernels } from '../../src/kernels/module.ts'
import { type Bracket, BracketPass } from '../../src/kernels/quantile-pass.ts'
import { random } from './cases.ts'
import { BUILDS, useBuild } from './load.ts'

const INFINITE = Number.POSITIVE_INFINITY

/** What a pass says of each bracket, and what the candidates at its ranks are; both as ranks among all. */
function ranksIn(values: Float64Array | Float32Array, brackets: Bracket[], bits: 8 | 16) {
  const kernels = getKernels()
  const pass = BracketPass.of(kernels, brackets, values instanceof Float32Array, undefined, bits)
  if (!pass) throw new Error('more brackets than a pass takes')
  return kernels.arena.lease((lease) => {
    const room = values.length + 8192
    const pointer = lease.allocate(room * 8)
    const end = pass.over(values, pointer, room, false)
    if (end === undefined) throw new Error('no room, or a NaN')
    const count = (end - pointer) / 8
    const candidates = kernels.arena.f64(pointer, count).slice().sort()
    return brackets.map((_bracket, i) => {
      const [from, to, shift] = pass.ranksOf(i, count)
      return { first: from + shift, values: [...candidates.slice(from, to)] }
    })
  })
}

describe.each(BUILDS)('a pass of brackets, %s', (build) => {
  beforeAll(() => {
    useBuild(build)
  })

  const uniform = random()
  const shapes: Record<string, () => number> = {
    'within an octave': () => 70 + uniform(),
    'of all magnitudes': () => Math.exp(uniform() * 200 - 100),
    'of many infinities': () => (uniform() < 0.1 ? INFINITE : 70 + uniform()),
    'of few values': () => Math.floor(uniform() * 9) + 1,
  }
  it.each(Object.keys(shapes))('claims no rank that another value has, among values %s', (name) => {
    for (let round = 0; round < 15; round++) {
      const wide = Float64Array.from({ length: 1500 + round }, () => shapes[name]?.() ?? 0)
      for (const values of [wide, new Float32Array(wide)]) {
        const sorted = Float64Array.from(values).sort()
        const at = (): number => sorted[Math.floor(uniform() * sorted.length)] ?? 0
        const brackets = [0, 1].map(() => {
          const ends = [at(), at()]
          return { low: Math.min(...ends), high: Math.max(...ends) }
        })
        if (brackets.every(({ low }) => low === INFINITE)) continue
        brackets.push({ low: at(), high: INFINITE }, { low: INFINITE, high: INFINITE })
        for (const bits of [8, 16] as const) {
          for (const claimed of ranksIn(values, brackets, bits)) {
            const { first } = claimed
            expect(claimed.values).toEqual([...sorted.slice(first, first + claimed.values.length)])
          }
        }
      }
    }
  })

  it('has all values of a bracket, also of one that holds nothing but infinities', () => {
    const values = Float64Array.from({ length: 4373 }, (_, i) =>
      i % 10 === 0 ? INFINITE : 70 + ((i * 7919) % 4373) / 4373,
    )
    const sorted = values.slice().sort()
    const brackets = [
      { low: 70.2, high: 70.201 },
      { low: INFINITE, high: INFINITE },
      { low: 70.21, high: 70.22 },
    ]
    for (const bits of [8, 16] as const) {
      const found = ranksIn(values, brackets, bits)
      brackets.forEach(({ low, high }, i) => {
        const inside = sorted.filter((x) => low <= x && x <= high)
        expect(found[i]?.values).toEqual(expect.arrayContaining([...inside]))
        const first = found[i]?.first ?? Number.NaN
        expect(found[i]?.values).toEqual([
          ...sorted.slice(first, first + (found[i]?.values.length ?? 0)),
        ])
      })
    }
  })
})
