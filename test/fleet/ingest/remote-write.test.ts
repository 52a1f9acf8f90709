import { describe, expect, it } from 'vitest'
import { readRemoteWrite } from '../../../src/fleet/ingest/remote-write.ts'
import { decodeLabels } from '../../../src/fleet/series/labels.ts'
import {
  message,
  nativeHistogram,
  type SentSeries,
  snappy,
  writeRequest,
  writeRequest2,
} from '../../support/remote-write.ts'
import '../../kernels/load.ts'

const read = (body: Uint8Array, version: 1 | 2 = 1) => readRemoteWrite(snappy(body), version)

const writeOf = (body: Uint8Array, version: 1 | 2 = 1) => {
  const found = read(body, version)
  if (!found.ok) throw new Error(JSON.stringify(found.error))
  return found.value
}

const series = (name: string, more: Partial<SentSeries> = {}): SentSeries => ({
  labels: [['__name__', name]],
  samples: [{ value: 1, timestamp: 1000 }],
  ...more,
})

const traced = (labels: SentSeries['labels']) => ({
  exemplars: [{ labels, value: 0.25, timestamp: 77 }],
})

describe.each([
  { name: '1.0', version: 1, write: writeRequest },
  { name: '2.0', version: 2, write: writeRequest2 },
] as const)('a remote write of version $name', ({ version, write }) => {
  it('becomes columns with the labels of each series', () => {
    const found = writeOf(write([series('up'), series('down')]), version)
    expect(found.seriesCount).toBe(2)
    expect([0, 1].map((i) => decodeLabels(found.labelsOf(i)))).toEqual([
      [['__name__', 'up']],
      [['__name__', 'down']],
    ])
    expect(found.identity).toHaveLength(8)
    expect(found.refused).toEqual([])
  })

  it('brings exemplars with their labels', () => {
    const sent = [
      series('up'),
      series(
        'a',
        traced([
          ['trace_id', 'größe'],
          ['z', ''],
        ]),
      ),
    ]
    expect(writeOf(write(sent), version).exemplars).toEqual([
      {
        series: 1,
        timestamp: 77,
        value: 0.25,
        labels: [
          ['trace_id', 'größe'],
          ['z', ''],
        ],
      },
    ])
  })

  it('refuses exemplars with faulty labels alone', () => {
    const sent = [
      series(
        'a',
        traced([
          ['t', '1'],
          ['t', '2'],
        ]),
      ),
      series('b', traced([['t', 'x'.repeat(5000)]])),
      series('c', traced([['', 'x']])),
    ]
    const found = writeOf(write(sent), version)
    expect(found.exemplars).toEqual([])
    expect(found.seriesCount).toBe(3)
    expect(found.refused).toMatchObject(
      [0, 1, 2].map((index) => ({ index, reason: 'invalid-labels', samples: 0, exemplars: 1 })),
    )
  })

  it('brings histograms as they are, and refuses those that cannot be read', () => {
    const good = nativeHistogram(5)
    const unknown = message((pbf) => pbf.writeSVarintField(4, 9))
    const found = writeOf(
      write([series('h', { samples: [], histograms: [good, unknown] }), series('up')]),
      version,
    )
    expect(found.histograms).toEqual([{ series: 0, timestamp: 5, bytes: good }])
    expect(found.refused).toEqual([
      {
        index: 0,
        reason: 'unsupported-histogram',
        detail: 'schema 9 is not known',
        samples: 0,
        histograms: 1,
        exemplars: 0,
      },
    ])
  })

  it.each([
    [[['a', '1']], 'invalid-labels', /no label __name__/],
    [
      [
        ['__name__', 'x'],
        ['b', '1'],
        ['a', '1'],
      ],
      'invalid-labels',
      /^labels\[2\] is out of order/,
    ],
    [
      [
        ['__name__', 'x'],
        ['a', '1'],
        ['a', '1'],
      ],
      'invalid-labels',
      /^labels\[2\] has the name/,
    ],
    [[['', 'x']], 'invalid-labels', /^labels\[0\] has an empty name/],
    [
      [['__name__', 'x'.repeat(4097)]],
      'invalid-labels',
      /value of labels\[0\] is longer than 4096/,
    ],
    [
      [
        ['__name__', 'x'],
        ['y'.repeat(1025), '1'],
      ],
      'invalid-labels',
      /name of labels\[1\] is longer/,
    ],
  ] as const)('says of %o why it is refused', (labels, reason, detail) => {
    const found = writeOf(write([series('up'), series('', { labels })]), version)
    expect(found.seriesCount).toBe(1)
    expect(found.refused).toMatchObject([{ index: 1, reason, samples: 1 }])
    expect(found.refused[0]?.detail).toMatch(detail)
  })

  it('leaves out a series whose labels are too long together, with all that is its own', () => {
    const labels = (letter: string): SentSeries['labels'] => [
      ['__name__', 'large'],
      ...Array.from({ length: 5 }, (_, i) => [`l${i}`, letter.repeat(4_000)] as const),
    ]
    const samples = [
      { value: 2, timestamp: 1 },
      { value: 3, timestamp: 2 },
    ]
    const histograms = [nativeHistogram(5)]
    const own = { samples, histograms, ...traced([['t', '1']]) }
    const sent = [
      series('', { ...own, labels: labels('x') }),
      series('up', own),
      series('', { ...own, labels: labels('y') }),
      series('down', own),
    ]
    const found = writeOf(write(sent), version)
    const small = writeOf(write([series('up', own), series('down', own)]), version)
    const labelsOf = ({ labelsOf: of }: typeof found) => [0, 1].map((i) => decodeLabels(of(i)))
    expect(found.refused).toEqual(
      [0, 2].map((index) => ({
        index,
        reason: 'invalid-labels',
        detail: 'the labels of a series are longer than 16384 bytes together',
        samples: 2,
        histograms: 1,
        exemplars: 1,
      })),
    )
    expect(labelsOf(found)).toEqual(labelsOf(small))
    expect([...found.positions]).toEqual([1, 3])
    expect({ ...found, refused: [], labelsOf: null, positions: null }).toEqual({
      ...small,
      labelsOf: null,
      positions: null,
    })
  })

  it('refuses a request with a part that is no message', () => {
    const at = version === 1 ? 4 : 3
    const label = Uint8Array.from([0x0a, 0x05, 0x61])
    for (const [field, bytes] of [
      [at, label],
      [7 - at, label],
    ] as const) {
      const inner = message((pbf) => pbf.writeBytesField(field, bytes))
      const body = message((pbf) => pbf.writeBytesField(version === 1 ? 1 : 5, inner))
      expect(read(body, version)).toMatchObject({ ok: false, error: { error: 'message-cut-off' } })
    }
  })
})

describe('metadata', () => {
  it('of 1.0 names its metric', () => {
    const metadata = [
      { type: 1, metric: 'http_requests_total', help: 'Requests.', unit: '' },
      { type: 3, metric: 'latency_seconds', help: 'Latency.', unit: 'seconds' },
      { type: 2, metric: 'http_requests_total', help: 'Another.', unit: '' },
      { type: 99, metric: 'odd', help: 'x'.repeat(5000), unit: '' },
      { type: 1, metric: '', help: 'Of nothing.', unit: '' },
    ]
    expect(writeOf(writeRequest([], metadata)).metadata).toEqual([
      { metric: 'http_requests_total', type: 'counter', help: 'Requests.', unit: '' },
      { metric: 'latency_seconds', type: 'histogram', help: 'Latency.', unit: 'seconds' },
      { metric: 'odd', type: 'unknown', help: 'x'.repeat(4096), unit: '' },
    ])
  })

  it('of 2.0 is that of the family of its series', () => {
    const seconds = { type: 3, help: 'Latency.', unit: 'seconds' }
    const found = writeOf(
      writeRequest2([
        series('latency_seconds_bucket', { metadata: seconds }),
        series('latency_seconds_sum', { metadata: seconds }),
        series('requests_count', { metadata: { type: 1, help: 'Requests.', unit: '' } }),
        series('bare', { metadata: { type: 0, help: '', unit: '' } }),
      ]),
      2,
    )
    expect(found.metadata).toEqual([
      { metric: 'latency_seconds', type: 'histogram', help: 'Latency.', unit: 'seconds' },
      { metric: 'requests_count', type: 'counter', help: 'Requests.', unit: '' },
    ])
  })

  it('of 2.0 that refers to no symbol refuses the request', () => {
    const body = message((pbf) => {
      for (const symbol of ['', '__name__', 'up']) pbf.writeStringField(4, symbol)
      pbf.writeBytesField(
        5,
        message((inner) => {
          inner.writePackedVarint(1, [1, 2])
          inner.writeBytesField(
            2,
            message((sample) => sample.writeDoubleField(1, 1)),
          )
          inner.writeBytesField(
            5,
            message((metadata) => metadata.writeVarintField(3, 3)),
          )
        }),
      )
    })
    expect(read(body, 2)).toEqual({
      ok: false,
      error: { ok: false, error: 'bad-part', detail: 'there is no symbol 3' },
    })
  })
})
