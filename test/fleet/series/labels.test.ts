import { describe, expect, it } from 'vitest'
import {
  decodeLabels,
  encodeLabels,
  LABEL_VALUE_BYTES_MAX,
  LABELS_PER_SERIES_MAX,
  type Label,
  labelFault,
  SERIES_LABEL_BYTES_MAX,
} from '../../../src/fleet/series/labels.ts'

const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')

describe('canonical bytes of a label set', () => {
  it('put every name and value before 0xFF, in the order of the names', () => {
    const bytes = encodeLabels([
      ['job', 'node'],
      ['__name__', 'up'],
    ])
    expect(latin1(bytes)).toBe('__name__\xffup\xffjob\xffnode\xff')
  })

  it('order names by their UTF-8 bytes, not by UTF-16 units', () => {
    const beyond = '\u{1f600}'
    const below = '\uff5e'
    expect(below > beyond).toBe(true)
    const names = decodeLabels(
      encodeLabels([
        [beyond, 'x'],
        [below, 'y'],
      ]),
    ).map(([name]) => name)
    expect(names).toEqual([below, beyond])
  })

  it('leave out labels without a value', () => {
    expect(
      decodeLabels(
        encodeLabels([
          ['a', ''],
          ['b', 'c'],
        ] as Label[]),
      ),
    ).toEqual([['b', 'c']])
    expect(encodeLabels([])).toHaveLength(0)
  })

  it('give any text back, a byte order mark included', () => {
    const labels: Label[] = [
      ['__name__', '\ufeffmesswert_größe'],
      ['名前', 'サーバー\u0000\n"\\'],
    ]
    expect(decodeLabels(encodeLabels(labels))).toEqual(labels)
  })

  it('read as far as they are whole', () => {
    const bytes = encodeLabels([['__name__', 'up']])
    expect(decodeLabels(bytes.subarray(0, bytes.length - 1))).toEqual([])
  })
})

describe('the check of a label set', () => {
  const named: Label = ['__name__', 'up']

  it.each([
    { labels: [named], fault: null },
    { labels: [['z', '1'], named, ['a', '']] as Label[], fault: null },
    { labels: [], fault: 'the series has no metric name' },
    { labels: [['__name__', '']] as Label[], fault: 'the series has no metric name' },
    { labels: [named, ['', 'x']] as Label[], fault: 'a label has an empty name' },
    { labels: [named, named], fault: 'label "__name__" is given twice' },
    { labels: [named, ['a', '\ud800']] as Label[], fault: 'label "a" is not valid Unicode' },
  ])('of %o', ({ labels, fault }) => {
    expect(labelFault(labels)).toBe(fault)
  })

  it('counts bytes, not characters', () => {
    const fits = 'é'.repeat(LABEL_VALUE_BYTES_MAX / 2)
    expect(labelFault([named, ['a', fits]])).toBeNull()
    expect(labelFault([named, ['a', `${fits}x`]])).toMatch(/"a" is longer than 4096 bytes/)
    expect(labelFault([named, ['é'.repeat(512), '1']])).toBeNull()
    expect(labelFault([named, [`${'é'.repeat(512)}x`, '1']])).toMatch(/name is longer than 1024/)
  })

  it('bounds the bytes of all of them', () => {
    const long = (count: number): Label[] => [
      named,
      ...Array.from({ length: 4 }, (_, i): Label => [`l${i}`, 'é'.repeat(2_000)]),
      ['rest', 'x'.repeat(count)],
    ]
    const room = SERIES_LABEL_BYTES_MAX - encodeLabels(long(1)).length + 1
    expect(encodeLabels(long(room))).toHaveLength(SERIES_LABEL_BYTES_MAX)
    expect(labelFault(long(room))).toBeNull()
    expect(labelFault(long(room + 1))).toMatch(/longer than 16384 bytes together/)
    const empty = Array.from({ length: 40 }, (_, i): Label => ['n'.repeat(500) + i, ''])
    expect(labelFault([named, ...empty])).toBeNull()
  })

  it('bounds how many there are', () => {
    const others = Array.from({ length: LABELS_PER_SERIES_MAX }, (_, i): Label => [`l${i}`, 'x'])
    expect(labelFault([named, ...others.slice(1)])).toBeNull()
    expect(labelFault([named, ...others])).toMatch(/at most 64 labels, this one 65/)
  })
})
