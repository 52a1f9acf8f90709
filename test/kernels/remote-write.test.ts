import type { PbfWriter } from 'pbf'
import prom from 'prometheus-remote-write/prom.js'
import { describe, expect, it } from 'vitest'
import { nodeExporterSeries } from '../../bench/kernels/remote-write-inputs.ts'
import { decodeLabels, encodeLabels, type Label } from '../../src/fleet/series/labels.ts'
import { decodeRemoteWrite, type RemoteWriteVersion } from '../../src/kernels/remote-write.ts'
import { identityOf } from '../../src/kernels/series-identity.ts'
import {
  message,
  nativeHistogram,
  type SentSeries,
  snappy,
  timeSeries,
  varint,
  writeRaw,
  writeRequest,
  writeRequest2,
} from '../support/remote-write.ts'
import { kernels } from './load.ts'

const BOUNDS = { nameBytesMax: 100, valueBytesMax: 200, labelsMax: 10 }
const STALE = 0x7ff0000000000002n
const utf8 = new TextEncoder()

const decode = (body: Uint8Array, version: RemoteWriteVersion = 1) =>
  decodeRemoteWrite(snappy(body), version, BOUNDS)

const columns = (body: Uint8Array, version: RemoteWriteVersion = 1) => {
  const found = decode(body, version)
  if (!found.ok) throw new Error(`${found.error} at byte ${found.offset}`)
  return found
}

const labelsOf = ({ labels, labelEnds }: ReturnType<typeof columns>): Label[][] =>
  [...labelEnds].map((end, i) => decodeLabels(labels.subarray(labelEnds[i - 1] ?? 0, end)))

const bitsOf = (values: Float64Array): bigint[] => [...new BigUint64Array(values.buffer)]
const up = (...labels: Label[]): SentSeries => ({
  labels: [['__name__', 'up'], ...labels],
  samples: [{ value: 1, timestamp: 1000 }],
})

/** Both versions from one list of series. */
const VERSIONS = [
  { name: '1.0', version: 1, write: writeRequest },
  { name: '2.0', version: 2, write: writeRequest2 },
] as const

describe.each(VERSIONS)('remote write, both versions: $name', ({ version, write }) => {
  it('gives labels, identities and samples of a scrape back', () => {
    const sent = nodeExporterSeries(1500)
    const found = columns(write(sent), version)
    expect(found.seriesCount).toBe(sent.length)
    expect(found.refused).toEqual([])
    expect(labelsOf(found)).toEqual(sent.map(({ labels }) => labels))
    expect([...found.positions]).toEqual(sent.map((_, i) => i))
    expect([...found.sampleSeries]).toEqual(sent.map((_, i) => i))
    expect([...found.values]).toEqual(sent.map(({ samples }) => samples?.[0]?.value))
    expect([...found.timestamps]).toEqual(sent.map(({ samples }) => samples?.[0]?.timestamp))
    expect([...found.identity]).toEqual(
      sent.flatMap(({ labels }) => [...identityOf(encodeLabels(labels))]),
    )
    expect(kernels.arena.liveBlocks).toBe(0)
  })

  it('keeps the bits of values and the order of samples', () => {
    const bits = [STALE, 0x7ff8000000000001n, 0xfff8000000000001n, 1n, 1n << 63n, 0x7ff0n << 48n]
    const samples = bits.map((value, i) => ({ value, timestamp: 50 - i }))
    const found = columns(write([up(), { ...up(['b', '2']), samples }]), version)
    expect(bitsOf(found.values).slice(1)).toEqual(bits)
    expect([...found.sampleSeries]).toEqual([0, 1, 1, 1, 1, 1, 1])
    expect([...found.timestamps]).toEqual([1000, 50, 49, 48, 47, 46, 45])
  })

  it('reads timestamps of every length, before the epoch too', () => {
    const timestamps = [0n, 1n, 127n, 128n, (1n << 42n) - 1n, 1n << 49n, 1n << 53n, -1n, -1n << 53n]
    const samples = timestamps.map((timestamp) => ({ value: 1, timestamp }))
    const found = columns(write([{ ...up(), samples }]), version)
    expect([...found.timestamps].map(BigInt)).toEqual(timestamps)
  })

  it('refuses samples at times that no clock shows, and stores the others of the series', () => {
    const edges = [(1n << 53n) + 1n, -(1n << 53n) - 1n, (1n << 63n) - 1n, -1n << 63n]
    const samples = [5n, ...edges, 6n].map((timestamp) => ({ value: 1, timestamp }))
    const found = columns(write([up(['a', 'b']), { ...up(), samples }]), version)
    expect([...found.timestamps]).toEqual([1000, 5, 6])
    expect(found.refused).toMatchObject([{ position: 1, reason: 'bad-timestamp', samples: 4 }])
  })

  it('refuses histograms and exemplars at such times too', () => {
    const histograms = [nativeHistogram(2 ** 53), nativeHistogram(2 ** 53 + 2)]
    const exemplars = [{ labels: [], value: 1, timestamp: -(2 ** 60) }]
    const found = columns(write([{ ...up(), histograms, exemplars }]), version)
    expect(found.parts).toMatchObject([{ kind: 'histogram', timestamp: 2 ** 53 }])
    expect(found.refused).toMatchObject([
      { reason: 'bad-timestamp', samples: 0, histograms: 1, exemplars: 1 },
    ])
  })

  it.each([
    {
      fault: 'unsorted',
      label: 2,
      labels: [
        ['b', '1'],
        ['a', '2'],
      ],
    },
    {
      fault: 'repeated',
      label: 2,
      labels: [
        ['b', '1'],
        ['b', '1'],
      ],
    },
    {
      fault: 'repeated',
      label: 2,
      labels: [
        ['b', ''],
        ['b', '1'],
      ],
    },
    { fault: 'empty-name', label: 1, labels: [['', '1']] },
    { fault: 'long-name', label: 1, labels: [['x'.repeat(101), '1']] },
    { fault: 'long-value', label: 1, labels: [['a', 'x'.repeat(201)]] },
    {
      fault: 'too-many-labels',
      label: 10,
      labels: Array.from({ length: 10 }, (_, i) => [`l${i}`, 'x']),
    },
  ] as { fault: string; label: number; labels: Label[] }[])(
    'refuses a series whose labels are $fault, with its samples, and no other',
    ({ fault, label, labels }) => {
      const faulty: SentSeries = {
        ...up(...labels),
        histograms: [nativeHistogram(5)],
        exemplars: [{ labels: [], value: 1, timestamp: 1 }],
      }
      const found = columns(write([up(), faulty, up(['z', '1'])]), version)
      expect(labelsOf(found)).toEqual([
        [['__name__', 'up']],
        [
          ['__name__', 'up'],
          ['z', '1'],
        ],
      ])
      expect([...found.positions]).toEqual([0, 2])
      expect([...found.sampleSeries]).toEqual([0, 1])
      expect(found.parts).toEqual([])
      expect(found.refused).toEqual([
        { position: 1, reason: fault, label, samples: 1, histograms: 1, exemplars: 1 },
      ])
    },
  )

  it.each([
    { name: 'no labels', labels: [] },
    { name: 'no metric name', labels: [['a', 'b']] },
    {
      name: 'an empty metric name',
      labels: [
        ['__name__', ''],
        ['a', 'b'],
      ],
    },
  ] as { name: string; labels: Label[] }[])('refuses a series with $name', ({ labels }) => {
    const found = columns(write([{ ...up(), labels }]), version)
    expect(found.seriesCount).toBe(0)
    expect(found.refused).toMatchObject([{ position: 0, reason: 'no-metric-name', samples: 1 }])
  })

  it('leaves labels without a value out', () => {
    const found = columns(write([up(['a', ''], ['b', '1'], ['c', ''])]), version)
    expect(labelsOf(found)).toEqual([
      [
        ['__name__', 'up'],
        ['b', '1'],
      ],
    ])
  })

  it('leaves a series without samples out', () => {
    const found = columns(write([{ ...up(), samples: [] }, up(['a', 'b'])]), version)
    expect(labelsOf(found)).toEqual([
      [
        ['__name__', 'up'],
        ['a', 'b'],
      ],
    ])
    expect([...found.positions]).toEqual([1])
    expect(found.refused).toEqual([])
  })

  it('reads labels of every length and script', () => {
    for (const size of [1, 15, 16, 17, 100, 123, 124, 125, 127, 128, 129, 199]) {
      const labels: Label[] = [
        ['__name__', 'x'.repeat(size)],
        ['größe', 'é'.repeat(size >> 1) || 'e'],
        ['名前', '\u{1f600}'.repeat(size >> 2) || '\uffff'],
      ]
      const found = columns(write([{ ...up(), labels }]), version)
      expect(labelsOf(found)).toEqual([labels])
    }
  })

  it('gives histograms as they came, exemplars with their series', () => {
    const histograms = [nativeHistogram(1234), nativeHistogram(-5)]
    const exemplars = [{ labels: [['trace_id', 'abc']] as const, value: 3, timestamp: 77 }]
    const found = columns(
      write([up(), { ...up(['h', '1']), samples: [], histograms, exemplars }]),
      version,
    )
    expect(found.parts.filter(({ kind }) => kind === 'histogram')).toEqual([
      { kind: 'histogram', series: 1, timestamp: 1234, bytes: histograms[0] },
      { kind: 'histogram', series: 1, timestamp: -5, bytes: histograms[1] },
    ])
    expect(found.parts.filter(({ kind }) => kind === 'exemplar')).toMatchObject([
      { series: 1, timestamp: 77 },
    ])
  })

  it('refuses texts that are not UTF-8', () => {
    const wrong = [
      [0x80],
      [0xff],
      [0xc0, 0xaf],
      [0xc2],
      [0xe0, 0x9f, 0xbf],
      [0xed, 0xa0, 0x80],
      [0xf0, 0x8f, 0xbf, 0xbf],
      [0xf4, 0x90, 0x80, 0x80],
      [0xf8, 0x88, 0x80, 0x80, 0x80],
      [0xe2, 0x82],
      [0x61, 0xff, 0x62, 0xff],
    ]
    for (const bytes of wrong) {
      const marked = write([up(['a', `<${'~'.repeat(bytes.length)}`]), up(['b', '1'])])
      const at = marked.findIndex((byte, i) => byte === 0x3c && marked[i + 1] === 0x7e)
      marked.set(bytes, at + 1)
      const found = columns(marked, version)
      expect(found.refused).toMatchObject([{ position: 0, reason: 'invalid-utf8', samples: 1 }])
      expect(labelsOf(found)).toEqual([
        [
          ['__name__', 'up'],
          ['b', '1'],
        ],
      ])
    }
  })

  it('takes no message that is cut off anywhere between its fields', () => {
    const whole = write([up(['a', 'b']), { ...up(), histograms: [nativeHistogram(5)] }])
    const starts = new Set<number>()
    for (let size = 0; size < whole.length; size++) {
      const found = decode(whole.subarray(0, size), version)
      if (found.ok) starts.add(size)
      else {
        expect(found.error).toBe('message-cut-off')
        expect(found.offset).toBeLessThanOrEqual(size)
      }
    }
    // Whole fields of the request: with none, and behind each that is not the last.
    expect(starts.size).toBe(version === 1 ? 2 : 7)
  })

  it('passes over fields that it does not know', () => {
    const unknown = message((pbf) => {
      pbf.writeVarintField(100, 2 ** 40)
      pbf.writeFixed64Field(101, 7)
      pbf.writeFixed32Field(102, 7)
      pbf.writeStringField(103, 'x'.repeat(300))
    })
    const series = version === 1 ? 1 : 5
    const body = message((pbf) => {
      writeRaw(pbf, unknown)
      if (version === 2) writeRaw(pbf, write([up()]))
      pbf.writeBytesField(
        series,
        message((inner) => {
          writeRaw(inner, unknown)
          if (version === 1) writeRaw(inner, timeSeries(up()))
          else inner.writePackedVarint(1, [1, 2])
          writeRaw(inner, unknown)
        }),
      )
      writeRaw(pbf, unknown)
    })
    expect(columns(body, version).seriesCount).toBe(1)
  })

  it.each([
    { name: 'a group', bytes: [0xa3, 6], error: 'bad-tag' },
    { name: "a group's end", bytes: [0xa4, 6], error: 'bad-tag' },
    { name: 'wire type 6', bytes: [0xa6, 6, 0], error: 'bad-tag' },
    { name: 'wire type 7', bytes: [0xa7, 6, 0], error: 'bad-tag' },
    { name: 'field 0', bytes: [2, 0], error: 'bad-tag' },
    { name: 'a tag beyond 32 bits', bytes: [0xff, 255, 255, 255, 127, 0], error: 'bad-tag' },
    {
      name: 'a varint of 11 bytes',
      bytes: [0xa0, 6, ...Array(10).fill(0x80), 0],
      error: 'long-varint',
    },
    {
      name: 'a varint beyond 64 bits',
      bytes: [0xa0, 6, ...Array(9).fill(0xff), 2],
      error: 'long-varint',
    },
    {
      name: 'a length of 4 GB',
      bytes: [0xa2, 6, 255, 255, 255, 255, 15],
      error: 'message-cut-off',
    },
    {
      name: 'a length of 2^64 − 1',
      bytes: [0xa2, 6, ...Array(9).fill(0xff), 1],
      error: 'message-cut-off',
    },
    { name: 'eight bytes that are four', bytes: [0xa1, 6, 0, 0, 0, 0], error: 'message-cut-off' },
    { name: 'four bytes that are three', bytes: [0xa5, 6, 0, 0, 0], error: 'message-cut-off' },
    { name: 'a varint that is cut off', bytes: [0xa0, 6, 0x80], error: 'message-cut-off' },
  ])('refuses a request with $name', ({ bytes, error }) => {
    const start = write([up()])
    const body = Uint8Array.from([...start, ...bytes])
    const found = decode(body, version)
    expect(found).toMatchObject({ ok: false, error })
    if (!found.ok) expect(found.offset).toBeGreaterThanOrEqual(start.length)
    const field = version === 1 ? 1 : 5
    const inner = message((pbf) => pbf.writeBytesField(field, Uint8Array.from(bytes)))
    expect(decode(inner, version)).toMatchObject({ ok: false, error })
  })

  it("refuses the other version's request, wherever its first field stands", () => {
    const other = version === 1 ? writeRequest2([up()]) : writeRequest([up()])
    expect(decode(other, version)).toEqual({ ok: false, error: 'other-version', offset: 0 })
    const start = write([up()])
    for (const field of version === 1 ? [4, 5] : [1, 2, 3]) {
      const late = Uint8Array.from([...start, (field << 3) | 2, 0])
      const fault = { ok: false, error: 'other-version', offset: start.length }
      expect(decode(late, version)).toEqual(fault)
    }
  })

  it('refuses known fields of another wire type', () => {
    const series = version === 1 ? 1 : 5
    for (const write of [
      (pbf: PbfWriter) => pbf.writeVarintField(series, 1),
      (pbf: PbfWriter) =>
        pbf.writeBytesField(
          series,
          message((m) => m.writeVarintField(1, 1)),
        ),
      (pbf: PbfWriter) =>
        pbf.writeBytesField(
          series,
          message((m) => m.writeDoubleField(2, 1)),
        ),
      (pbf: PbfWriter) =>
        pbf.writeBytesField(
          series,
          message((m) =>
            m.writeBytesField(
              2,
              message((sample) => sample.writeVarintField(1, 1)),
            ),
          ),
        ),
      (pbf: PbfWriter) =>
        pbf.writeBytesField(
          series,
          message((m) =>
            m.writeBytesField(
              2,
              message((sample) => sample.writeDoubleField(2, 1)),
            ),
          ),
        ),
    ]) {
      expect(decode(message(write), version)).toMatchObject({ ok: false, error: 'wrong-type' })
    }
  })

  it('refuses more series than it takes', () => {
    const series = version === 1 ? 1 : 5
    const empty = message((pbf) => pbf.writeBytesField(series, new Uint8Array(0)))
    const body = message((pbf) => {
      for (let i = 0; i < 50_001; i++) writeRaw(pbf, empty)
    })
    expect(decode(body.subarray(0, 50_000 * empty.length), version)).toMatchObject({ ok: true })
    expect(decode(body, version)).toMatchObject({ ok: false, error: 'too-many-series' })
  })

  it('refuses more samples than it takes', () => {
    const samples = Array.from({ length: 200_001 }, (_, timestamp) => ({ value: 1, timestamp }))
    const few = columns(write([{ ...up(), samples: samples.slice(1) }]), version)
    expect(few.timestamps).toHaveLength(200_000)
    const many = decode(write([{ ...up(), samples }]), version)
    expect(many).toMatchObject({ ok: false, error: 'too-many-samples' })
  })

  it('refuses more other messages than it takes', () => {
    const exemplars = Array.from({ length: 50_001 }, () => ({ labels: [], value: 1, timestamp: 1 }))
    const body = write([{ ...up(), exemplars }])
    expect(decode(body, version)).toMatchObject({ ok: false, error: 'too-many-parts' })
    expect(kernels.arena.liveBlocks).toBe(0)
  })

  it('reads an empty request', () => {
    expect(decode(new Uint8Array(0), version)).toMatchObject({
      ok: true,
      seriesCount: 0,
      parts: [],
    })
  })
})

describe('remote write 1.0', () => {
  it('reads what another encoder wrote', () => {
    const timeseries = nodeExporterSeries(50).map(({ labels, samples }) => ({
      labels: labels.map(([name, value]) => ({ name, value })),
      samples: samples?.map(({ value, timestamp }) => ({
        value: Number(value),
        timestamp: Number(timestamp),
      })),
    }))
    const body = prom.prometheus.WriteRequest.encode({ timeseries }).finish()
    const found = columns(body)
    expect(labelsOf(found)).toEqual(nodeExporterSeries(50).map(({ labels }) => labels))
    expect([...found.values]).toEqual(timeseries.map(({ samples }) => samples?.[0]?.value))
  })

  it('reads fields in any order and form: the last of one is taken, the missing one is 0', () => {
    const text = (field: number, value: string) => [
      (field << 3) | 2,
      ...varint(BigInt(value.length) | 0n),
      ...utf8.encode(value),
    ]
    const nested = (field: number, bytes: number[]) => [
      (field << 3) | 2,
      ...varint(BigInt(bytes.length)),
      ...bytes,
    ]
    const body = Uint8Array.from(
      nested(1, [
        ...nested(2, [0x10, 5]),
        ...nested(1, [...text(2, 'up'), ...text(1, 'x'), ...text(1, '__name__')]),
        ...nested(2, []),
        // Lengths and numbers in more bytes than they need.
        ...[0x8a, 0x00, 0x86, 0x80, 0x00, ...text(1, 'a'), ...text(2, 'b')],
        ...nested(2, [0x10, 0x87, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00]),
        ...nested(1, text(1, 'c')),
      ]),
    )
    const found = columns(body)
    expect(labelsOf(found)).toEqual([
      [
        ['__name__', 'up'],
        ['a', 'b'],
      ],
    ])
    expect([...found.timestamps]).toEqual([5, 0, 7])
    expect([...found.values]).toEqual([0, 0, 0])
  })

  it('gives metadata as it came, beside series', () => {
    const metadata = [{ type: 1, metric: 'up', help: 'Whether it is up.', unit: '' }]
    const found = columns(writeRequest([up()], metadata))
    expect(found.parts).toMatchObject([{ kind: 'metadata', timestamp: 0 }])
    const [part] = found.parts
    const read = prom.prometheus.MetricMetadata.decode(part?.bytes ?? new Uint8Array(0))
    expect(read).toMatchObject({ metricFamilyName: 'up', help: 'Whether it is up.' })
  })
})

describe('remote write 2.0', () => {
  const request = (symbols: string[], series: Uint8Array) =>
    message((pbf) => {
      for (const symbol of symbols) pbf.writeStringField(4, symbol)
      pbf.writeBytesField(5, series)
    })
  const referring = (...references: number[]) =>
    message((pbf) => {
      pbf.writePackedVarint(1, references)
      pbf.writeBytesField(
        2,
        message((sample) => sample.writeDoubleField(1, 1)),
      )
    })

  it('finds symbols behind the series that use them', () => {
    const body = message((pbf) => {
      pbf.writeBytesField(5, referring(1, 2))
      for (const symbol of ['', '__name__', 'up']) pbf.writeStringField(4, symbol)
    })
    expect(labelsOf(columns(body, 2))).toEqual([[['__name__', 'up']]])
  })

  it('reads references of one, two and three bytes', () => {
    const names = Array.from({ length: 20_000 }, (_, i) => `n${i}`)
    const symbols = ['', '__name__', ...names]
    for (const value of [2, 127, 128, 16_383, 16_384, 20_001]) {
      const found = columns(request(symbols, referring(1, value)), 2)
      expect(labelsOf(found)).toEqual([[['__name__', `n${value - 2}`]]])
    }
  })

  it('refuses references to no symbol, and a table that does not begin with the empty one', () => {
    const symbols = ['', '__name__', 'up']
    for (const reference of [3, 127, 128, 16_384, 2 ** 32 - 1]) {
      for (const references of [
        [reference, 1],
        [1, reference],
      ]) {
        expect(decode(request(symbols, referring(...references)), 2)).toMatchObject({
          ok: false,
          error: 'bad-reference',
        })
      }
    }
    expect(decode(request(['x'], referring()), 2)).toMatchObject({
      ok: false,
      error: 'bad-symbols',
    })
  })

  it('refuses a series whose references are no pairs', () => {
    const found = columns(request(['', '__name__', 'up'], referring(1, 2, 1)), 2)
    expect(found.refused).toMatchObject([{ reason: 'odd-references', samples: 1 }])
  })

  it('refuses a request that stands for too many bytes of labels', () => {
    const symbols = ['', '__name__', 'x'.repeat(200)]
    const body = message((pbf) => {
      for (const symbol of symbols) pbf.writeStringField(4, symbol)
      for (let i = 0; i < 50_000; i++) pbf.writeBytesField(5, referring(1, 2))
    })
    expect(columns(body, 2).labels).toHaveLength(50_000 * 210)
    const series = request(
      ['', '__name__', ...Array.from({ length: 9 }, (_, i) => `l${i}`), 'x'.repeat(200)],
      referring(1, 11, 2, 11, 3, 11, 4, 11, 5, 11, 6, 11, 7, 11, 8, 11, 9, 11, 10, 11),
    )
    const many = message((pbf) => {
      writeRaw(pbf, series)
      const repeated = series.subarray(series.indexOf(0x2a))
      for (let i = 0; i < 20_000; i++) writeRaw(pbf, repeated)
    })
    expect(decode(many, 2)).toMatchObject({ ok: false, error: 'too-many-label-bytes' })
  })

  it('gives the metadata of a metric once for series that follow one another', () => {
    const metadata = { type: 1, help: 'Seconds of a mode.', unit: 's' }
    const series = [
      { ...up(['a', '1']), metadata },
      { ...up(['a', '2']), metadata },
      { ...up(['b', '1'], ['a', 'refused']), metadata },
      { ...up(['a', '3']), metadata },
      { ...up(['a', '4']), metadata: { ...metadata, help: 'Another.' } },
    ]
    const found = columns(writeRequest2(series), 2)
    const given = found.parts.filter(({ kind }) => kind === 'metadata')
    expect(given.map(({ series }) => series)).toEqual([0, 2, 3])
    expect(found.symbolOf(0)).toBe('')
    expect(found.symbolOf(1)).toBe('__name__')
    expect(found.symbolOf(1000)).toBeUndefined()
  })
})
