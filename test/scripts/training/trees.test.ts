import { describe, expect, it } from 'vitest'
import { type BoostOptions, boost, marginsOf, softmaxRows } from '../../../scripts/training/gbdt.ts'
import { binColumns, MISSING_BIN } from '../../../scripts/training/gbdt-bins.ts'
import { seeded } from '../../../scripts/training/seeded.ts'
import { TreeEnsemble } from '../../../src/kernels/trees.ts'
import '../../kernels/load.ts'

const OPTIONS: BoostOptions = {
  rounds: 30,
  depthMax: 3,
  learningRate: 0.2,
  leafWeightMin: 1,
  penalty: 1,
  rowShare: 0.8,
  featureShare: 1,
  seed: 42,
}

/** Two features: the class is whether the first is above 0.3, or unknown; the second is noise. */
const table = (rows: number) => {
  const random = seeded(42)
  const values = Float32Array.from({ length: rows * 2 }, () => random())
  for (let row = 0; row < rows; row += 10) values[row * 2] = Number.NaN
  const labels = Uint8Array.from({ length: rows }, (_, row) => {
    const x = values[row * 2] ?? 0
    return Number.isNaN(x) || x > 0.3 ? 1 : 0
  })
  return { values, features: 2, labels, classes: 2 }
}

describe('bins', () => {
  it('hold the values between their edges, and NaN apart', () => {
    const values = Float32Array.of(3, 1, 1, Number.NaN, 2, 3)
    const { bins, edges } = binColumns(values, 1)
    expect([...(edges[0] ?? [])]).toEqual([1.5, 2.5])
    expect([...bins]).toEqual([2, 0, 0, MISSING_BIN, 1, 2])
  })

  it('have no edge where a column is constant or never known', () => {
    const values = Float32Array.of(7, Number.NaN, 7, Number.NaN)
    expect(binColumns(values, 2).edges.map((own) => own.length)).toEqual([0, 0])
  })
})

describe('boosting', () => {
  it('learns a threshold, and which way unknown values go', () => {
    const learnt = table(2_000)
    const shares = softmaxRows(marginsOf(boost(learnt, OPTIONS), learnt), 2)
    const right = learnt.labels.filter((label, row) => (shares[row * 2 + label] ?? 0) > 0.5).length
    expect(right / learnt.labels.length).toBeGreaterThan(0.99)
  })

  it('gives trees that the kernels walk to the same margins', () => {
    const learnt = table(500)
    const model = boost(learnt, OPTIONS)
    const ensemble = new TreeEnsemble(model)
    const margins = ensemble.margins(learnt.values)
    ensemble.close()
    const ours = marginsOf(model, learnt)
    expect(Math.max(...margins.map((margin, i) => Math.abs(margin - (ours[i] ?? 0))))).toBeLessThan(
      1e-12,
    )
  })

  it('gives the same trees for the same seed, and others for another', () => {
    const learnt = table(500)
    const noisy = { ...learnt, labels: learnt.labels.map((label, i) => (i % 7 === 0 ? 1 : label)) }
    expect(boost(noisy, OPTIONS)).toEqual(boost(noisy, OPTIONS))
    expect(boost(noisy, { ...OPTIONS, seed: 43 })).not.toEqual(boost(noisy, OPTIONS))
  })

  it('follows the heavier rows where two contradict', () => {
    const values = new Float32Array(200).map((_, i) => i % 2)
    const labels = Uint8Array.from(values, (x, i) => (i < 100 ? x : 1 - x))
    const weights = Float64Array.from(values, (_, i) => (i < 100 ? 3 : 1))
    const model = boost({ values, features: 1, labels, classes: 2, weights }, OPTIONS)
    const shares = softmaxRows(
      marginsOf(model, { values: Float32Array.of(0, 1), features: 1, labels, classes: 2 }),
      2,
    )
    expect(shares[0]).toBeCloseTo(0.75, 1)
    expect(shares[3]).toBeCloseTo(0.75, 1)
  })

  it('keeps a direction that the data contradict in places', () => {
    const random = seeded(42)
    const count = 1_000
    const values = Float32Array.from({ length: count }, () => random())
    // Rises, but for a dip.
    const labels = Uint8Array.from(values, (x) =>
      random() < (x > 0.4 && x < 0.6 ? 0.1 : x) ? 1 : 0,
    )
    const learnt = { values, features: 1, labels, classes: 2 }
    const steps = Float32Array.from({ length: 101 }, (_, i) => i / 100)
    const marginsAt = (directions: Int8Array): number[] => {
      const all = marginsOf(boost({ ...learnt, directions }, OPTIONS), { ...learnt, values: steps })
      return [...all].filter((_, i) => i % 2 === 1)
    }
    const isRising = (margins: number[]) =>
      margins.every((margin, i) => i === 0 || margin >= (margins[i - 1] ?? 0) - 1e-9)
    expect(isRising(marginsAt(Int8Array.of(-1, 1)))).toBe(true)
    expect(isRising(marginsAt(Int8Array.of(0, 0)))).toBe(false)
  })

  it('has the shares of the classes where nothing can be split', () => {
    const values = new Float32Array(4).fill(1)
    const model = boost(
      { values, features: 1, labels: Uint8Array.of(0, 0, 0, 1), classes: 2 },
      OPTIONS,
    )
    expect(model.trees).toEqual([])
    expect(model.base.map(Math.exp)).toEqual([4 / 6, 2 / 6].map((x) => expect.closeTo(x, 12)))
  })
})
