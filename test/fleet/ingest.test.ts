import { describe, expect, it } from 'vitest'
import {
  hasTooManyMembers,
  parseSamples,
  parseTimestamp,
  splitLines,
} from '../../src/fleet/ingest.ts'
import '../kernels/load.ts'
import { samplesOf } from './ingest/series-read.ts'

const now = Date.parse('2026-03-01T12:00:00Z')
const bounds = { now, ageMsMax: 48 * 3_600_000 }
const good = { vm: 'web-1', timestamp: now, cpu_usage: 12.5 }
const up = { name: 'up', labels: { job: 'node' }, timestamp: now, value: 1 }

describe('sample parsing', () => {
  it('takes label series beside the samples of VMs', () => {
    const parsed = parseSamples(
      [
        up,
        good,
        { ...up, labels: undefined, value: '-Inf' },
        { ...up, timestamp: '2026-03-01T12:00:01Z', value: 'NaN' },
        { ...up, value: 'Infinity' },
      ],
      bounds,
    )
    expect(parsed.index).toEqual([1])
    expect(parsed.refused.map(({ index }) => index)).toEqual([4])
    expect([...parsed.series.positions]).toEqual([0, 2])
    expect(samplesOf(parsed.series)).toEqual({
      'up{job="node"}': [
        [now, 1],
        [now + 1_000, Number.NaN],
      ],
      up: [[now, Number.NEGATIVE_INFINITY]],
    })
  })

  it('keeps the good samples and refuses the others by index', () => {
    const parsed = parseSamples([good, 7, { ...good, timestamp: now + 1 }], bounds)
    expect(parsed.index).toEqual([0, 2])
    expect(parsed.references).toEqual(['web-1'])
    expect(parsed.values).toHaveLength(14)
    expect(parsed.refused).toEqual([
      { index: 1, reason: 'invalid-sample', detail: 'a sample must be an object' },
    ])
  })

  it.each([
    ['a future timestamp', { ...good, timestamp: now + 300_001 }, 'timestamp-in-future'],
    ['an old timestamp', { ...good, timestamp: now - 48 * 3_600_000 - 1 }, 'timestamp-too-old'],
    ['a fractional timestamp', { ...good, timestamp: now + 0.5 }, 'invalid-sample'],
    ['a day that no month has', { ...good, timestamp: '2026-02-29T12:00:00Z' }, 'invalid-sample'],
    ['an hour that no day has', { ...good, timestamp: '2026-02-28T24:00:00Z' }, 'invalid-sample'],
    ['a date without zone', { ...good, timestamp: '2026-03-01T12:00:00' }, 'invalid-sample'],
    ['no timestamp', { vm: 'web-1', cpu_usage: 1 }, 'invalid-sample'],
    ['an infinite value', { ...good, cpu_usage: Number.POSITIVE_INFINITY }, 'not-finite'],
    ['NaN as text', { ...good, memory_usage: 'NaN' }, 'not-finite'],
    ['a percent above 100', { ...good, disk_usage: 100.1 }, 'out-of-range'],
    ['a negative rate', { ...good, iops_read: -1 }, 'out-of-range'],
    ['text for a number', { ...good, cpu_usage: '12' }, 'invalid-sample'],
    ['no metric', { vm: 'web-1', timestamp: now }, 'invalid-sample'],
    ['no vm', { timestamp: now, cpu_usage: 1 }, 'invalid-sample'],
    ['an over-long vm', { ...good, vm: 'x'.repeat(254) }, 'name-too-long'],
    ['a series with a number for a label', { ...up, labels: { a: 1 } }, 'invalid-line'],
    ['a series with a list of labels', { ...up, labels: [] }, 'invalid-line'],
    ['a series with text for its value', { ...up, value: '1' }, 'invalid-line'],
    ['a series without a time', { name: 'up', value: 1 }, 'invalid-line'],
    ['a series whose name is no text', { ...up, name: 7 }, 'invalid-line'],
    ['a series without a name', { ...up, name: '' }, 'invalid-labels'],
    ['a series named twice', { ...up, labels: { __name__: 'x' } }, 'invalid-labels'],
    ['a series with half a character', { ...up, labels: { a: '\ud800' } }, 'invalid-utf8'],
    ['a series beyond doubles', { ...up, value: Number.POSITIVE_INFINITY }, 'not-finite'],
  ])('refuses %s', (_, sample, reason) => {
    const parsed = parseSamples([sample], bounds)
    expect(parsed.refused.map((refusal) => refusal.reason)).toEqual([reason])
    expect(parsed.values).toEqual([])
  })

  it('does not refuse the edges', () => {
    const edges = [
      { ...good, timestamp: now + 300_000 },
      { ...good, timestamp: now - 48 * 3_600_000 },
      { ...good, timestamp: '2026-03-01T13:00:00.250+01:00' },
      { ...good, cpu_usage: 0, memory_usage: 100 },
    ]
    expect(parseSamples(edges, bounds).refused).toEqual([])
  })

  it.each([
    [1_772_366_400_000, 1_772_366_400_000],
    ['2026-03-01T12:00:00Z', now],
    ['2026-03-01t12:00:00.5z', now + 500],
    ['2026-03-01 12:00:00Z', now],
    ['2026-13-01T12:00:00Z', Number.NaN],
    ['yesterday', Number.NaN],
    [null, Number.NaN],
  ])('reads the timestamp %s as %s', (value, expected) => {
    expect(parseTimestamp(value)).toEqual(expected)
  })

  it('reads no more lines than it may take, and one to tell that there are more', () => {
    const { samples, line } = splitLines('\n'.repeat(1_000) + '1\n'.repeat(1_000_000), 10)
    expect(samples).toHaveLength(11)
    expect(line[0]).toBe(1_000)
  })

  it.each([
    ['{"a":[1,2]}', 2, true],
    ['{"a":[1,2]}', 3, false],
    ['[[[[', 3, true],
    ['"short"', 9, false],
  ])('tells without parsing that %s has more than %s members: %s', (body, max, expected) => {
    expect(hasTooManyMembers(new TextEncoder().encode(body), max)).toBe(expected)
  })

  it('numbers NDJSON lines as the sender sees them', () => {
    const { samples, line } = splitLines(`${JSON.stringify(good)}\r\n\n{broken\n`, 10)
    const parsed = parseSamples(samples, bounds, (position) => line[position] ?? 0)
    expect(parsed.index).toEqual([0])
    expect(parsed.refused).toEqual([
      { index: 2, reason: 'invalid-sample', detail: 'the line is not JSON' },
    ])
  })
})
