import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Heads } from '../../../src/fleet/series/heads.ts'
import { IdentityTable } from '../../../src/fleet/series/identity-table.ts'
import { encodeLabels } from '../../../src/fleet/series/labels.ts'
import { type Segment, SegmentBuilder, SegmentReader } from '../../../src/fleet/series/segment.ts'
import {
  type PackedSeries,
  packSelected,
  unpackSelected,
} from '../../../src/fleet/series/selection.ts'
import { decodeSeriesBatch, encodeSeriesBatch } from '../../../src/fleet/series/series-batch.ts'
import { decodeJournalRow, encodeJournalRow } from '../../../src/fleet/series/series-journal.ts'
import type { SelectedSeries } from '../../../src/fleet/series/shard-api.ts'

const STALE = 0x7ff0000000000002n
const bitsOf = (values: Float64Array) => [...new BigUint64Array(values.slice().buffer)]
const valuesOf = (bits: readonly bigint[]) => new Float64Array(new BigUint64Array(bits).buffer)
const anyBits = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.constant(STALE))
const time = fc.integer({ min: 0, max: 2 ** 53 - 1 })
const options = { seed: 42, numRuns: 500 }

const packable = ({ head, ...series }: SelectedSeries): PackedSeries => ({
  ...series,
  head: {
    count: head.timestamps.length,
    copy: (timestamps, bits, at) => {
      timestamps.set(head.timestamps, at)
      bits.set(new Int32Array(head.values.buffer, 0, 2 * head.values.length), 2 * at)
    },
  },
})

describe('a journal row', () => {
  it('gives back numbers, times and the bits of values', () => {
    const row = fc.record({ number: fc.integer({ min: 0, max: 2 ** 32 - 1 }), time, bits: anyBits })
    fc.assert(
      fc.property(fc.array(row), (rows) => {
        const samples = {
          numbers: Uint32Array.from(rows, ({ number }) => number),
          timestamps: Float64Array.from(rows, ({ time }) => time),
          values: valuesOf(rows.map(({ bits }) => bits)),
        }
        const decoded = decodeJournalRow(encodeJournalRow(samples, 0, rows.length).buffer)
        expect([...decoded.numbers]).toEqual([...samples.numbers])
        expect([...decoded.timestamps]).toEqual([...samples.timestamps])
        expect(bitsOf(decoded.values)).toEqual(bitsOf(samples.values))
      }),
      options,
    )
  })

  it('takes ten bytes for a sample of a scrape', () => {
    const count = 2_000
    const samples = {
      numbers: Uint32Array.from({ length: count }, (_, n) => n + 1),
      timestamps: new Float64Array(count).fill(1_790_000_000_000),
      values: new Float64Array(count),
    }
    expect(encodeJournalRow(samples, 0, count).length).toBeLessThan(10.01 * count + 16)
  })

  it('is refused where it ends too early', () => {
    const samples = {
      numbers: Uint32Array.of(5, 300),
      timestamps: Float64Array.of(1, 2 ** 40),
      values: Float64Array.of(1, 2),
    }
    const { buffer } = encodeJournalRow(samples, 0, 2)
    for (let length = 0; length < buffer.byteLength; length++)
      expect(() => decodeJournalRow(buffer.slice(0, length))).toThrow(RangeError)
  })
})

describe('a batch of series', () => {
  const labels = encodeLabels([['__name__', 'up']])
  const bytes = encodeSeriesBatch(
    Uint32Array.of(1, 2, 3, 4, 5, 6, 7, 8),
    {
      sampleSeries: Uint32Array.of(1, 0, 1),
      timestamps: Float64Array.of(10, 20, 30),
      values: valuesOf([STALE, 0n, 1n]),
    },
    [{ series: 1, labels, role: 7, vm: 'vm-ä' }],
  )

  it('gives back what was put in', () => {
    const decoded = decodeSeriesBatch(bytes)
    if (!decoded.ok) throw new Error(decoded.error)
    const { identity, sampleSeries, timestamps, values, descriptionOf } = decoded.value
    expect([...identity]).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect([...sampleSeries]).toEqual([1, 0, 1])
    expect([...timestamps]).toEqual([10, 20, 30])
    expect(bitsOf(values)).toEqual([STALE, 0n, 1n])
    expect(descriptionOf(0)).toBeNull()
    expect(descriptionOf(1)).toEqual({ labels, role: 7, vm: 'vm-ä' })
  })

  it('is refused, and never read beyond its end, whatever the bytes', () => {
    const change = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255))
    fc.assert(
      fc.property(fc.array(change, { maxLength: 6 }), fc.nat(bytes.length), (changes, length) => {
        const broken = bytes.slice(0, length)
        for (const [at, byte] of changes) if (at < length) broken[at] = byte
        const decoded = decodeSeriesBatch(broken)
        if (length < bytes.length && changes.length === 0) expect(decoded.ok).toBe(false)
        if (!decoded.ok) return
        const { sampleSeries, identity } = decoded.value
        expect(sampleSeries.every((series) => series < identity.length / 4)).toBe(true)
      }),
      { seed: 42, numRuns: 5_000 },
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        expect(decodeSeriesBatch(noise).ok).toBe(false)
      }),
      options,
    )
  })
})

describe('heads', () => {
  it('hold what a list per series would, in blocks that go round', () => {
    const heads = new Heads()
    heads.reserve(7)
    const model = new Map<number, Array<[number, bigint]>>()
    let seed = 42
    const random = (below: number) => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
      return Math.floor((seed / 2 ** 32) * below)
    }
    for (let step = 0; step < 40_000; step++) {
      const slot = random(7)
      const list = model.get(slot) ?? []
      model.set(slot, list)
      if (random(200) === 0) {
        heads.release(slot)
        list.length = 0
        continue
      }
      const bits = step % 100 === 0 ? STALE : BigInt(step)
      heads.append(slot, step, new Int32Array(new BigUint64Array([7n, bits]).buffer), 1)
      list.push([step, bits])
    }
    let samples = 0
    for (const [slot, list] of model) {
      const { timestamps, values } = heads.read(slot)
      expect([...timestamps]).toEqual(list.map(([time]) => time))
      expect(bitsOf(values)).toEqual(list.map(([, bits]) => bits))
      samples += list.length
      for (const [from, to] of [
        [0, 50_000],
        [39_000, 39_500],
        [39_990, 50_000],
        [50_000, 60_000],
        [0, -1],
      ] as const) {
        const part = heads.partIn(slot, from, to)
        const times = new Float64Array(part.end - part.first + 1)
        const words = new Float64Array(times.length)
        heads.copyPart(slot, part, times, new Int32Array(words.buffer), 1)
        const inside = list.filter(([time]) => time >= from && time <= to)
        expect([...times]).toEqual([0, ...inside.map(([time]) => time)])
        expect(bitsOf(words)).toEqual([0n, ...inside.map(([, bits]) => bits)])
      }
    }
    expect(heads.samples).toBe(samples)
    expect(heads.sizeBytes).toBeLessThan(2 * 1024 * 1024)
  })
})

describe('the table of identities', () => {
  it('finds what was added by its place, and nothing else', () => {
    const table = new IdentityTable()
    const identityOf = (n: number) => Uint32Array.of(n % 16, n, ~n, 7)
    for (let n = 0; n < 5_000; n++) expect(table.add(identityOf(n), 0)).toBe(n)
    for (let n = 0; n < 5_000; n++) expect(table.find(identityOf(n), 0)).toBe(n)
    expect(table.find(identityOf(5_000), 0)).toBe(-1)
  })
})

describe('a segment', () => {
  it('gives back the chunks of each series, split where it is full', () => {
    const segments: Segment[] = []
    const builder = new SegmentBuilder((segment) => segments.push(segment))
    for (let number = 1; number <= 50; number++)
      for (let part = 0; part < 2; part++)
        builder.add(number, new Uint8Array(5_000 + part).fill(number), number, number + 10)
    builder.end()
    expect(segments.length).toBeGreaterThan(1)
    const readers = segments.map(({ bytes }) => new SegmentReader(bytes.buffer))
    for (let number = 1; number <= 50; number++) {
      const chunks = readers.flatMap((reader) => [...reader.chunksOf(number)])
      expect(chunks.map((chunk) => [chunk.length, chunk[0]])).toEqual([
        [5_000, number],
        [5_001, number],
      ])
    }
    expect(segments[0]).toMatchObject({ first: 1, from: 1 })
    expect(segments.at(-1)).toMatchObject({ last: 50, to: 60 })
    expect(readers.flatMap((reader) => [...reader.chunksOf(51)])).toEqual([])
  })
})

describe('a selection', () => {
  it('is the same when it was packed and unpacked', () => {
    const selected = [
      {
        labels: Uint8Array.of(1, 2, 3),
        chunks: [Uint8Array.of(4), Uint8Array.of(5, 6)],
        head: { timestamps: Float64Array.of(1, 2), values: valuesOf([STALE, 9n]) },
        histograms: [{ timestamp: -5, bytes: Uint8Array.of(7) }],
      },
      {
        labels: Uint8Array.of(8),
        chunks: [],
        head: { timestamps: new Float64Array(0), values: new Float64Array(0) },
        histograms: [{ timestamp: 1_790_000_000_123, bytes: new Uint8Array(0) }],
      },
      ...[1, 2].map((n) => ({
        labels: Uint8Array.of(n),
        chunks: [],
        head: { timestamps: new Float64Array(0), values: new Float64Array(0) },
        histograms: [],
        evaluated: {
          values: Float64Array.of(n, Number.NaN, 3),
          present: Uint8Array.of(1, 0, n),
          samples: n - 1,
        },
      })),
    ]
    const unpacked = unpackSelected(packSelected(selected.map(packable)))
    expect(unpacked).toEqual(selected)
    expect(bitsOf(unpacked[0]?.head.values ?? new Float64Array(0))).toEqual([STALE, 9n])
    expect(unpackSelected(packSelected([]))).toEqual([])
  })
})
