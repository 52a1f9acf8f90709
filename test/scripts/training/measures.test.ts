import { describe, expect, it } from 'vitest'
import { intervalOf, Resamples } from '../../../scripts/training/bootstrap.ts'
import { calibratedShares, fitCalibration } from '../../../scripts/training/calibration.ts'
import { softmaxRows } from '../../../scripts/training/gbdt.ts'
import { calibrationError, orderOf, routingQuality } from '../../../scripts/training/metrics.ts'
import { seeded } from '../../../scripts/training/seeded.ts'

const judged = (weak: string, strong: string) =>
  [...weak].map((mark, i) => ({ isWeakRight: mark === '+', isStrongRight: strong[i] === '+' }))

/** Of four questions the strong model gains the last two. */
const FOUR = judged('++--', '++++')

describe('the quality of a router', () => {
  it.each([
    { name: 'the best order', scores: [0, 1, 3, 2], apgr: 0.75, cpt50: 0.25, cpt80: 0.4 },
    { name: 'the worst order', scores: [3, 2, 1, 0], apgr: 0.25, cpt50: 0.75, cpt80: 0.9 },
    { name: 'no order', scores: [5, 5, 5, 5], apgr: 0.5, cpt50: 0.5, cpt80: 0.8 },
  ])('is what one computes by hand for $name', ({ scores, apgr, cpt50, cpt80 }) => {
    expect(routingQuality(FOUR, Float64Array.from(scores))).toEqual({
      apgr: expect.closeTo(apgr, 12),
      cpt50: expect.closeTo(cpt50, 12),
      cpt80: expect.closeTo(cpt80, 12),
    })
  })

  it('is above 1 where the strong model’s losses are left to the weak one', () => {
    const pair = judged('-+--', '+-++')
    const gains = Float64Array.of(1, -1, 1, 1)
    expect(routingQuality(pair, gains).apgr).toBeCloseTo((0.5 + 1.5 + 2.5 + 2.5) / 4 / 2, 12)
  })

  it('counts a question as often as a resample has it', () => {
    const scores = Float64Array.of(0, 1, 3, 2)
    const counts = Uint32Array.of(2, 0, 1, 3)
    const repeated = [0, 0, 2, 3, 3, 3]
    const want = routingQuality(
      repeated.map((i) => FOUR[i] ?? { isWeakRight: true, isStrongRight: true }),
      Float64Array.from(repeated, (i) => scores[i] ?? 0),
    )
    const got = routingQuality(FOUR, scores, orderOf(scores), counts)
    expect(got.apgr).toBeCloseTo(want.apgr, 12)
    expect(got.cpt80).toBeCloseTo(want.cpt80, 12)
  })

  it('is not a number where there is no gap', () => {
    expect(routingQuality(judged('+-', '+-'), Float64Array.of(1, 2)).apgr).toBeNaN()
  })
})

describe('the calibration error', () => {
  it('is 0 where events come as often as was said, and the distance where not', () => {
    const probabilities = new Float64Array(10).fill(0.3)
    const happened = Array.from({ length: 10 }, (_, i) => i < 3)
    expect(calibrationError(probabilities, happened)).toBeCloseTo(0, 12)
    expect(calibrationError(probabilities.fill(0.5), happened)).toBeCloseTo(0.2, 12)
  })

  it('takes a certain event into the last bin', () => {
    expect(calibrationError(Float64Array.of(1, 1), [true, false])).toBe(0.5)
  })
})

describe('calibration', () => {
  it('finds the scale and the offsets that margins were distorted with', () => {
    const random = seeded(42)
    const count = 20_000
    const margins = Float64Array.from({ length: count * 2 }, () => 4 * random() - 2)
    const truth = { scale: 0.5, offsets: [0, 0.7] }
    const shares = calibratedShares(margins, truth)
    const labels = Uint8Array.from({ length: count }, (_, i) =>
      random() < (shares[i * 2] ?? 0) ? 0 : 1,
    )
    const { scale, offsets } = fitCalibration(margins, labels, 2)
    expect(scale).toBeCloseTo(0.5, 1)
    expect((offsets[1] ?? 0) - (offsets[0] ?? 0)).toBeCloseTo(0.7, 1)
  })

  it('changes nothing by scale 1 and no offsets', () => {
    const margins = Float64Array.of(1, -2, 0.5, 3)
    expect(calibratedShares(margins, { scale: 1, offsets: [0, 0] })).toEqual(
      softmaxRows(margins, 2),
    )
  })
})

describe('resamples', () => {
  it('draw as many questions as there are', () => {
    const { byQuestion } = new Resamples(['a', 'a', 'b', 'c', 'c', 'c'], 20, seeded(42))
    for (const counts of byQuestion) expect(counts.reduce((a, b) => a + b, 0)).toBe(6)
  })

  it('draw as many subjects as there are, and of each as many questions as it has', () => {
    const subjects = ['a', 'b', 'c', 'a', 'b', 'c', 'a', 'b', 'c']
    const { bySubject } = new Resamples(subjects, 200, seeded(42))
    const drawsOf = bySubject.map((counts) =>
      ['a', 'b', 'c'].map((name) =>
        counts.reduce((sum, count, i) => sum + (subjects[i] === name ? count : 0), 0),
      ),
    )
    for (const draws of drawsOf) {
      expect(draws.reduce((a, b) => a + b, 0)).toBe(9)
      expect(draws.every((count) => count % 3 === 0)).toBe(true)
    }
    // Subjects are left out, and questions of those that were drawn are too.
    expect(drawsOf.some((draws) => draws.includes(0))).toBe(true)
    expect(bySubject.some((counts, i) => drawsOf[i]?.[0] === 3 && counts[0] !== counts[3])).toBe(
      true,
    )
  })

  it('bound a figure by the middle 95 % of what was resampled', () => {
    const resampled = Array.from({ length: 1_001 }, (_, i) => i / 1_000)
    expect(intervalOf(0.5, [...resampled, Number.NaN])).toEqual({
      value: 0.5,
      low: 0.025,
      high: 0.975,
    })
  })
})
