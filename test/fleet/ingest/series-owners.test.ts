import { describe, expect, it } from 'vitest'
import { VM_LABELS_DEFAULT } from '../../../src/fleet/ingest/label-mapping.ts'
import { SeriesOwners } from '../../../src/fleet/ingest/series-owners.ts'
import { encodeLabels, type Label } from '../../../src/fleet/series/labels.ts'
import { identityOf } from '../../../src/kernels/series-identity.ts'
import '../../kernels/load.ts'

const SHARDS = 64

const entriesOf = (owners: SeriesOwners, series: readonly (readonly Label[])[]): Int32Array => {
  const labels = series.map(encodeLabels)
  return owners.entriesOf({
    seriesCount: series.length,
    identity: Uint32Array.from(labels.flatMap((bytes) => [...identityOf(bytes)])),
    labelsOf: (at) => labels[at] ?? new Uint8Array(),
  })
}

const candidatesOf = (series: readonly (readonly Label[])[]) => {
  const owners = new SeriesOwners(SHARDS, VM_LABELS_DEFAULT)
  return [...entriesOf(owners, series)].map((entry) => owners.reference(entry)?.candidates)
}

describe('what the labels of series say about their VM', () => {
  it('is one reference for series that name the same', () => {
    const owners = new SeriesOwners(SHARDS, VM_LABELS_DEFAULT)
    const [a, b] = entriesOf(owners, [
      [
        ['__name__', 'x'],
        ['host', 'b'],
        ['vm', 'a'],
      ],
      [
        ['__name__', 'y'],
        ['host', 'b'],
        ['vm', 'a'],
      ],
    ])
    expect(owners.reference(a ?? -1)).toBe(owners.reference(b ?? -1))
  })

  it.each(['\0', '","', '\\', '\u{1f600}'])('stays apart with %j in a label', (between) => {
    expect(
      candidatesOf([
        [
          ['__name__', 'x'],
          ['host', 'b'],
          ['vm', 'a'],
        ],
        [
          ['__name__', 'x'],
          ['vm', `a${between}b`],
        ],
        [
          ['__name__', 'x'],
          ['host', `b${between}`],
          ['vm', 'a'],
        ],
        [
          ['__name__', 'x'],
          ['host', 'b'],
          ['vm', `a${between}`],
        ],
      ]),
    ).toEqual([['a', 'b'], [`a${between}b`], ['a', `b${between}`], [`a${between}`, 'b']])
  })
})
