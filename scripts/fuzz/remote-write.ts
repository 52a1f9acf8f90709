import prom from 'prometheus-remote-write/prom.js'
import { nodeExporterSeries } from '../../bench/kernels/remote-write-inputs.ts'
import { readRemoteWrite } from '../../src/fleet/ingest/remote-write.ts'
import { decodeLabels, encodeLabels, labelFault } from '../../src/fleet/series/labels.ts'
import type { SeriesWrite } from '../../src/fleet/series/series-write.ts'
import { identityOf } from '../../src/kernels/series-identity.ts'
import {
  literalBlock,
  nativeHistogram,
  type SentSeries,
  writeRequest,
  writeRequest2,
} from '../../test/support/remote-write.ts'
import { type FuzzTarget, guard, kernels, must } from './target.ts'

const SERIES: readonly SentSeries[] = [
  ...nodeExporterSeries(12),
  {
    labels: [
      ['__name__', 'größe'],
      ['名前', '\u{1f600}'],
    ],
    samples: [
      { value: 0x7ff0000000000002n, timestamp: -1 },
      { value: 1, timestamp: 2n ** 53n },
    ],
    histograms: [nativeHistogram(5)],
    exemplars: [{ labels: [['trace_id', 'abc']], value: 1, timestamp: 7 }],
    metadata: { type: 3, help: 'Help.', unit: 'seconds' },
  },
]
const METADATA = [{ type: 1, metric: 'up', help: 'Whether it is up.', unit: '' }]

/** What every write must be, whatever came. */
export const checkWrite = (write: SeriesWrite): void => {
  const { seriesCount, sampleSeries, timestamps, values } = write
  must(write.identity.length === 4 * seriesCount, 'an identity is missing')
  must(timestamps.length === sampleSeries.length, 'a timestamp is missing')
  must(values.length === sampleSeries.length, 'a value is missing')
  for (let series = 0; series < seriesCount; series++) {
    const bytes = write.labelsOf(series)
    const labels = decodeLabels(bytes)
    must(labelFault(labels) === null, `series ${series}: ${labelFault(labels)}`)
    must(Buffer.compare(encodeLabels(labels), bytes) === 0, 'labels are not canonical')
    const identity = identityOf(bytes)
    must(
      identity.every((word, i) => word === write.identity[4 * series + i]),
      'an identity is not that of its labels',
    )
  }
  let before = 0
  for (const series of sampleSeries) {
    must(series >= before && series < seriesCount, 'samples are not in the order of their series')
    before = series
  }
  must(
    timestamps.every((t) => Number.isInteger(t) && Math.abs(t) <= 2 ** 53),
    'a time is no whole one',
  )
  for (const { series } of [...write.histograms, ...write.exemplars]) {
    must(series < seriesCount, 'a part belongs to no series')
  }
}

/** The samples that protobufjs finds; null where it does not read the message. */
const samplesByProtobufjs = (message: Uint8Array): number | null => {
  try {
    const { timeseries = [] } = prom.prometheus.WriteRequest.decode(new Uint8Array(message))
    return timeseries.reduce((sum, { samples }) => sum + (samples?.length ?? 0), 0)
  } catch {
    // It takes a field of metadata or of an exemplar for what its number says, whatever its wire type,
    // and reads the exemplars of series that are refused.
    return null
  }
}

/** That protobufjs reads as many samples. */
const compare = (message: Uint8Array, write: SeriesWrite): void => {
  const theirs = samplesByProtobufjs(message)
  const refused = write.refused.reduce((sum, { samples }) => sum + samples, 0)
  // Those of a series without labels, which protobufjs counts too, are among the refused.
  must(
    theirs === null || theirs === write.timestamps.length + refused,
    'protobufjs reads another number of samples',
  )
}

const remoteWrite = (version: 1 | 2, corpus: readonly Uint8Array[]) => (): FuzzTarget => {
  const read = (message: Uint8Array) => readRemoteWrite(literalBlock(message), version)
  const check = guard(kernels(), () => {
    for (const message of corpus) must(read(message).ok, 'an input of the corpus is refused')
  })
  return {
    corpus,
    decode(input) {
      const found = read(input)
      check()
      if (!found.ok) return false
      checkWrite(found.value)
      if (version === 1 && found.value.histograms.length === 0) compare(input, found.value)
      return true
    },
  }
}

export const remoteWrite1 = remoteWrite(1, [
  writeRequest(SERIES, METADATA),
  writeRequest(SERIES.slice(0, 1)),
  writeRequest(SERIES.slice(12)),
])

export const remoteWrite2 = remoteWrite(2, [
  writeRequest2(SERIES),
  writeRequest2(SERIES.slice(0, 1)),
  writeRequest2(SERIES.slice(12)),
])
