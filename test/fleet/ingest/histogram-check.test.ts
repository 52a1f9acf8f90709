import type { PbfWriter } from 'pbf'
import { describe, expect, it } from 'vitest'
import { histogramFault } from '../../../src/fleet/ingest/histogram-check.ts'
import { message, nativeHistogram } from '../../support/remote-write.ts'

const span = (offset: number, length: number) =>
  message((pbf) => {
    pbf.writeSVarintField(1, offset)
    pbf.writeVarintField(2, length)
  })
const fault = (write: (pbf: PbfWriter) => void) => histogramFault(message(write))

describe('the check of a native histogram', () => {
  it('takes what Prometheus sends, and an empty one', () => {
    expect(histogramFault(nativeHistogram(5))).toBeNull()
    expect(histogramFault(new Uint8Array(0))).toBeNull()
  })

  it.each([-4, 0, 8, -53])('takes schema %i', (schema) => {
    expect(fault((pbf) => pbf.writeSVarintField(4, schema))).toBeNull()
  })

  it.each([-5, 9, -52, 1000])('does not take schema %i', (schema) => {
    expect(fault((pbf) => pbf.writeSVarintField(4, schema))).toBe(`schema ${schema} is not known`)
  })

  it.each([
    { side: 'negative', spans: 8, deltas: 9, counts: 10 },
    { side: 'positive', spans: 11, deltas: 12, counts: 13 },
  ])('compares spans with buckets ($side)', ({ side, spans, deltas, counts }) => {
    const two = (pbf: PbfWriter) => {
      pbf.writeBytesField(spans, span(-3, 1))
      pbf.writeBytesField(spans, span(4, 1))
    }
    expect(
      fault((pbf) => {
        two(pbf)
        pbf.writePackedSVarint(deltas, [1, -1])
      }),
    ).toBeNull()
    expect(
      fault((pbf) => {
        two(pbf)
        pbf.writePackedDouble(counts, [1.5, 2])
      }),
    ).toBeNull()
    expect(
      fault((pbf) => {
        two(pbf)
        pbf.writePackedSVarint(deltas, [1])
      }),
    ).toBe(`${side} spans have 2 buckets, 1 are given`)
    expect(
      fault((pbf) => {
        two(pbf)
        pbf.writePackedSVarint(deltas, [1])
        pbf.writePackedDouble(counts, [1])
      }),
    ).toBe(`${side} buckets are both whole and fractional`)
  })

  it('bounds buckets and spans', () => {
    const many = Array.from({ length: 10_001 }, () => 0)
    expect(fault((pbf) => pbf.writePackedSVarint(12, many))).toMatch(/10001 positive buckets/)
    expect(fault((pbf) => pbf.writePackedDouble(16, many))).toMatch(/10001 bounds/)
    expect(
      fault((pbf) => {
        for (const _ of many) pbf.writeBytesField(8, span(0, 0))
      }),
    ).toBe('the message is damaged')
  })

  it('does not take what is cut off', () => {
    const whole = nativeHistogram(5)
    for (let size = 1; size < whole.length; size++) {
      const found = histogramFault(whole.subarray(0, size))
      if (found !== null) expect(typeof found).toBe('string')
    }
    expect(histogramFault(Uint8Array.from([0x62, 9, 1]))).toBe('a length leads behind the message')
  })
})
