import { message, varint, writeRaw } from '../../support/remote-write.ts'

interface Native {
  /** Buckets from index 0 on: (1/2, 1], (1, 2], … at schema 0. */
  readonly counts: readonly number[]
  readonly schema?: number
  readonly sum?: number
  readonly zeros?: number
  readonly negative?: readonly number[]
}

const deltas = (counts: readonly number[]): number[] =>
  counts.map((count, index) => count - (counts[index - 1] ?? 0))

/** `prometheus.Histogram` of integer counts. */
export const nativeHistogram = (
  timestamp: number,
  { counts, schema = 0, sum = 1, zeros = 0, negative = [] }: Native,
): Uint8Array =>
  message((pbf) => {
    pbf.writeVarintField(
      1,
      [...counts, ...negative].reduce((a, b) => a + b, zeros),
    )
    pbf.writeDoubleField(3, sum)
    pbf.writeSVarintField(4, schema)
    pbf.writeDoubleField(5, 0.001)
    pbf.writeVarintField(6, zeros)
    const side = (spans: number, field: number, of: readonly number[]) => {
      if (of.length === 0) return
      const span = message((inner) => {
        inner.writeSVarintField(1, 0)
        inner.writeVarintField(2, of.length)
      })
      pbf.writeBytesField(spans, span)
      pbf.writePackedSVarint(field, deltas(of))
    }
    side(8, 9, negative)
    side(11, 12, counts)
    pbf.writeTag(15, 0)
    writeRaw(pbf, varint(BigInt(timestamp)))
  })
