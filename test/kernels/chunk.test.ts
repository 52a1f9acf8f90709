import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  CHUNK_SAMPLES_MAX,
  chunkSpan,
  decodeChunk,
  decodeChunks,
  decodeColumns,
  encodeChunk,
  encodeColumns,
} from '../../src/kernels/chunk.ts'
import { random, SIZES } from './cases.ts'
import { BUILDS, kernels, useBuild } from './load.ts'
import { measuredSeries, missingSeries, piecesOf } from './series-data.ts'

const bitsOf = (values: Float64Array) =>
  new BigUint64Array(values.buffer, values.byteOffset, values.length)

const regular = (n: number, stepMs = 15_000) =>
  Float64Array.from({ length: n }, (_, i) => 1_700_000_000_000 + i * stepMs)

const EFFORTS = ['fast', 'small'] as const

/** Encodes at both efforts, decodes and compares bit for bit. */
const expectExact = (timestamps: Float64Array, values: Float64Array): void => {
  const none = timestamps.length === 0
  const span = {
    ok: true,
    count: timestamps.length,
    from: none ? Number.NaN : Math.min(...timestamps),
    to: none ? Number.NaN : Math.max(...timestamps),
  }
  for (const effort of EFFORTS) {
    const bytes = encodeChunk(timestamps, values, { effort })
    const found = decodeChunk(bytes)
    if (!found.ok) throw new Error(`${effort}: ${found.error}`)
    expect(found.timestamps).toEqual(timestamps)
    expect(bitsOf(found.values)).toEqual(bitsOf(values))
    expect(chunkSpan(bytes)).toEqual(span)
  }
}

/** What no decimal holds: NaN with payloads (the stale marker first), −0, infinities, subnormals. */
const ODD_BITS = [
  0x7ff0000000000002n,
  0x7ff8000000000001n,
  0xfff8000000000000n,
  0xffffffffffffffffn,
  0x8000000000000000n,
  0x7ff0000000000000n,
  0xfff0000000000000n,
  1n,
  0x8000000000000001n,
  0x000fffffffffffffn,
  0x7fefffffffffffffn,
]

const COLUMNS: Record<string, (i: number, uniform: () => number) => number> = {
  'a unit that changes': (i, uniform) => Math.round(uniform() * 100) * (i < 70 ? 0.123456789 : 1.7),
  'one value': () => 0.1,
  'few values': (_, uniform) => [0, 20, 21.5][Math.floor(uniform() * 3)] ?? 0,
  'a counter': (i) => i * 17 + (i % 3),
  'a counter beyond 2^52': (i) => 2 ** 52 + i * 4096,
  hundredths: (_, uniform) => Math.round(uniform() * 10_000) / 100,
  'means of fifteen': (_, uniform) => Math.round(uniform() * 1500) / 15,
  'multiples of an odd unit': (_, uniform) => Math.round(uniform() * 1500) * 1.7333328726666668,
  'sums of tenths': (i) => [...Array(i % 9).keys()].reduce((total) => total + 0.1, 0),
  noise: (_, uniform) => (uniform() - 0.5) * 2 ** Math.floor(uniform() * 600 - 300),
  'mostly zero': (i, uniform) => (i % 50 === 7 ? Math.round(uniform() * 1e6) : 0),
}

describe.each(BUILDS)('chunks (%s)', (build) => {
  it.each(Object.entries(COLUMNS))('give %s back, bit for bit', (_, valueAt) => {
    useBuild(build)
    const uniform = random(42)
    for (const n of [...SIZES, 120, 4096]) {
      expectExact(
        regular(n),
        Float64Array.from({ length: n }, (__, i) => valueAt(i, uniform)),
      )
    }
  })

  it('keep NaN payloads, −0, infinities and subnormals, alone and among decimals', () => {
    useBuild(build)
    const odd = new Float64Array(BigUint64Array.from(ODD_BITS).buffer)
    expectExact(regular(odd.length), odd)
    for (const [at, bits] of ODD_BITS.entries()) {
      const values = Float64Array.from({ length: 200 }, (_, i) => i / 10)
      bitsOf(values)[at * 17] = bits
      expectExact(regular(200), values)
      expectExact(regular(200), values.fill(0.5, 0, at * 17).fill(0.5, at * 17 + 1))
    }
  })

  it('keep times in any order, repeated, and at the ends of their range', () => {
    useBuild(build)
    const uniform = random(42)
    const edge = Number.MAX_SAFE_INTEGER
    const times = [
      [0],
      [edge, -edge, 0, edge, edge],
      [5, 5, 5],
      [3, 2, 1],
      Array.from({ length: 500 }, () => Math.round((uniform() - 0.5) * 2 * edge)),
      Array.from({ length: 500 }, (_, i) => 1.7e12 + i * 15_000 + Math.round(uniform() * 20)),
      Array.from({ length: 500 }, (_, i) => 1.7e12 + i * 60_000 + (i > 250 ? 3_600_000 : 0)),
    ]
    for (const time of times) {
      const timestamps = Float64Array.from(time)
      expectExact(timestamps, timestamps.map(Math.sin))
    }
  })

  it('give any doubles at any times back', () => {
    useBuild(build)
    const sample = fc.tuple(fc.maxSafeInteger(), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }))
    fc.assert(
      fc.property(fc.array(sample, { maxLength: 80 }), (samples) => {
        const values = BigUint64Array.from(samples, ([, bits]) => bits)
        expectExact(
          Float64Array.from(samples, ([time]) => time),
          new Float64Array(values.buffer),
        )
      }),
      { seed: 42, numRuns: 300 },
    )
  })

  it('hold several columns', () => {
    useBuild(build)
    const uniform = random(42)
    const columns = Object.values(COLUMNS).map((valueAt) =>
      Float64Array.from({ length: 300 }, (_, i) => valueAt(i, uniform)),
    )
    const timestamps = regular(300)
    const bytes = encodeColumns(timestamps, columns)
    const found = decodeColumns([bytes, bytes], columns.length)
    if (!found.ok) throw new Error(found.error)
    expect(found.timestamps.subarray(300)).toEqual(timestamps)
    for (const [i, column] of columns.entries()) {
      expect(found.columns[i]?.subarray(0, 300)).toEqual(column)
      expect(found.columns[i]?.subarray(300)).toEqual(column)
    }
    expect(decodeColumns([bytes], 2)).toEqual({ ok: false, error: 'other-columns', chunk: 0 })
    expect(decodeChunk(bytes)).toMatchObject({ ok: false, error: 'other-columns' })
  })

  it('are decoded many at a time, in the order given', () => {
    useBuild(build)
    const parts = [3, 0, 120, 1].map((n) => ({ timestamps: regular(n), values: regular(n, 7) }))
    const found = decodeChunks(parts.map((part) => encodeChunk(part.timestamps, part.values)))
    expect(found).toEqual({
      ok: true,
      timestamps: Float64Array.from(parts.flatMap((part) => [...part.timestamps])),
      values: Float64Array.from(parts.flatMap((part) => [...part.values])),
    })
    expect(decodeChunks([])).toMatchObject({ ok: true, values: new Float64Array(0) })
  })

  it('cut off anywhere, or with a byte more, are refused', () => {
    useBuild(build)
    const uniform = random(42)
    for (const valueAt of Object.values(COLUMNS)) {
      const values = Float64Array.from({ length: 60 }, (_, i) => valueAt(i, uniform))
      for (const effort of EFFORTS) {
        const times = regular(60).map((t, i) => t + (i % 7))
        const bytes = encodeChunk(times, values, { effort })
        for (let end = 0; end < bytes.length; end++) {
          expect(decodeChunk(bytes.subarray(0, end)).ok).toBe(false)
        }
        expect(decodeChunk(Uint8Array.of(...bytes, 0)).ok).toBe(false)
      }
    }
  })

  it('with any byte changed give an answer, and nothing is written outside it', () => {
    useBuild(build)
    const uniform = random(42)
    for (const valueAt of Object.values(COLUMNS)) {
      const values = Float64Array.from({ length: 200 }, (_, i) => valueAt(i, uniform))
      const times = regular(200).map((t) => t + Math.round(uniform() * 5))
      const good = encodeChunk(regular(5), Float64Array.of(1, 2, 3, 4, 5))
      for (let k = 0; k < 400; k++) {
        const spoilt = encodeChunk(times, values, { effort: EFFORTS[k % 2] ?? 'fast' })
        spoilt[Math.floor(uniform() * spoilt.length)] = uniform() * 256
        const found = decodeChunks([good, spoilt, good])
        if (found.ok) expect(found.values.subarray(0, 5)).toEqual(Float64Array.of(1, 2, 3, 4, 5))
        else expect(found.chunk).toBe(1)
      }
    }
    expect(kernels.arena.liveBlocks).toBe(0)
  })
})

describe('the host', () => {
  it.each([
    ['a time that is not whole', [0.5], [1]],
    ['a time that is no number', [Number.NaN], [1]],
    ['a time beyond 2^53', [2 ** 53], [1]],
    ['columns of different lengths', [1], [1, 2]],
    ['too many samples', new Array(CHUNK_SAMPLES_MAX + 1).fill(0), []],
  ])('refuses %s', (_, times, values) => {
    expect(() => encodeChunk(Float64Array.from(times), Float64Array.from(values))).toThrow(
      RangeError,
    )
  })

  it('tells an unknown version from a corrupt chunk', () => {
    expect(decodeChunk(Uint8Array.of(2, 0))).toMatchObject({ error: 'unknown-version' })
    expect(decodeChunk(Uint8Array.of(33))).toMatchObject({ error: 'corrupt' })
    expect(chunkSpan(new Uint8Array(0))).toMatchObject({ error: 'corrupt' })
  })
})

describe.skipIf(missingSeries)(`measured series ${missingSeries || ''}`, () => {
  it('come back bit for bit from every size of chunk', () => {
    for (const series of measuredSeries()) {
      for (const size of [120, 480, 2000]) {
        for (const { timestamps, values } of piecesOf(series, size)) {
          expectExact(timestamps, values)
        }
      }
    }
  })

  it.each([
    ['fast', 120, 1.7],
    ['fast', 480, 1.5],
    ['fast', 2000, 1.5],
    ['small', 120, 1.55],
    ['small', 480, 1.35],
    ['small', 2000, 1.3],
  ] as const)(
    'at effort %s, %i samples a chunk, take at most %d bytes a sample',
    (effort, size, most) => {
      let bytes = 0
      let samples = 0
      for (const series of measuredSeries()) {
        for (const { timestamps, values } of piecesOf(series, size)) {
          bytes += encodeChunk(timestamps, values, { effort }).length
          samples += values.length
        }
      }
      expect(bytes / samples).toBeLessThanOrEqual(most)
    },
  )
})
