import { chunkSpan, decodeChunk, encodeChunk, encodeColumns } from '../../src/kernels/chunk.ts'
import { type FuzzTarget, guard, kernels, must } from './target.ts'

const SAMPLES = 90

/** A column of every kind that an encoder chooses, with misfits and with corrections among them. */
const COLUMNS: readonly ((i: number) => number)[] = [
  () => 0.25,
  (i) => i * 17 + (i % 3),
  (i) => ((i * 7919) % 1000) / 15,
  (i) => (i % 9 === 8 ? Number.NaN : ((i * 31) % 40) / 100),
  (i) => [...Array(i % 9).keys()].reduce((total) => total + 0.1, 0),
  (i) => ((i * 7919) % 100) * (i < SAMPLES / 2 ? 0.123456789 : 1.7),
  (i) => Math.sin(i * 12.9898) * 43758.5453,
  (i) => (i % 20 === 7 ? 1e6 : 0),
]

const bitsOf = (values: Float64Array) => Buffer.from(values.buffer, 0, values.byteLength)

export const chunk = (): FuzzTarget => {
  const check = guard(kernels(), () => decodeChunk(Uint8Array.of(0)))
  const times = [
    Float64Array.from({ length: SAMPLES }, (_, i) => 1.7e12 + i * 15_000),
    Float64Array.from({ length: SAMPLES }, (_, i) => 1.7e12 + i * 15_000 + ((i * 7919) % 13)),
  ]
  const corpus = COLUMNS.flatMap((valueAt) =>
    times.flatMap((timestamps) =>
      (['fast', 'small'] as const).map((effort) =>
        encodeChunk(
          timestamps,
          timestamps.map((_, i) => valueAt(i)),
          { effort },
        ),
      ),
    ),
  )
  const [timestamps = new Float64Array(0)] = times
  const several = encodeColumns(timestamps, [timestamps, timestamps])
  must(decodeChunk(several).ok === false, 'two columns are taken for one')
  return {
    corpus,
    decode(input) {
      const found = decodeChunk(input)
      check()
      if (!found.ok) {
        must(found.chunk === 0, 'the fault lies in another chunk')
        return false
      }
      const span = chunkSpan(input)
      must(span.ok && span.count === found.values.length, 'the span counts other samples')
      if (!found.timestamps.every((time) => Number.isSafeInteger(time))) return true
      // What was taken is a column like any other.
      const again = decodeChunk(encodeChunk(found.timestamps, found.values))
      must(
        again.ok && bitsOf(again.values).equals(bitsOf(found.values)),
        'the column does not come back',
      )
      return true
    },
  }
}
