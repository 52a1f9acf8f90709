import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EXPORT_READS_MAX, readWindows, type Window } from '../../src/fleet/metrics-export.ts'
import {
  CSV_HEADER,
  columnsBytes,
  csvRows,
  ndjsonRows,
  type RangeColumns,
} from '../../src/fleet/metrics-formats.ts'
import { METRICS } from '../../src/fleet/types.ts'

const columnsOf = (rows: ReadonlyArray<readonly [number, ...Array<number | null>]>): RangeColumns =>
  Object.fromEntries([
    ['timestamp', rows.map(([time]) => time)],
    ...METRICS.map((metric, column) => [metric, rows.map((row) => row[column + 1] ?? null)]),
  ]) as unknown as RangeColumns

const TWO = columnsOf([
  [0, 1.5, null, 90],
  [1_700_000_000_123, 1e-7, 2, null, 1e21],
])

describe('formats of a range', () => {
  it('writes CSV with a head, times as RFC 3339 and nothing where a value is missing', () => {
    expect(CSV_HEADER + csvRows(TWO)).toBe(
      'timestamp,cpu_usage,memory_usage,disk_usage,network_in_bytes,network_out_bytes,iops_read,iops_write\r\n' +
        '1970-01-01T00:00:00.000Z,1.5,,90,,,,\r\n' +
        '2023-11-14T22:13:20.123Z,1e-7,2,,1e+21,,,\r\n',
    )
  })

  it('writes NDJSON that ingest takes back', () => {
    expect(
      ndjsonRows('a"b', TWO)
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { vm: 'a"b', timestamp: 0, cpu_usage: 1.5, disk_usage: 90 },
      {
        vm: 'a"b',
        timestamp: 1_700_000_000_123,
        cpu_usage: 1e-7,
        memory_usage: 2,
        network_in_bytes: 1e21,
      },
    ])
  })

  it('writes columns as little-endian f64 behind a head that says what they are, aligned to 8', () => {
    const bytes = columnsBytes(TWO)
    const view = new DataView(bytes.buffer)
    const headBytes = view.getUint32(0, true)
    const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + headBytes)))
    expect(head).toEqual({ rows: 2, columns: ['timestamp', ...METRICS] })
    expect((4 + headBytes) % 8).toBe(0)
    expect(bytes.byteLength).toBe(4 + headBytes + 8 * 2 * 8)
    const at = (column: number, row: number) =>
      view.getFloat64(4 + headBytes + (column * 2 + row) * 8, true)
    expect([at(0, 1), at(1, 0), at(2, 0), at(4, 1)]).toEqual([
      1_700_000_000_123,
      1.5,
      Number.NaN,
      1e21,
    ])
  })
})

describe('export by windows', () => {
  /** Samples at `times`, at most `max` a read, the newest ones where there are more. */
  const source = (times: readonly number[], max: number) => (from: number, to: number) => {
    const found = times.filter((time) => time >= from && time <= to)
    return Promise.resolve<Window>({
      columns: columnsOf(found.slice(-max).map((time) => [time, time])),
      truncated: found.length > max,
    })
  }

  it('gives every row once and in order, however they crowd', async () => {
    const sorted = fc
      .uniqueArray(fc.nat(5_000), { maxLength: 300 })
      .map((times) => times.sort((a, b) => a - b))
    await fc.assert(
      fc.asyncProperty(sorted, fc.integer({ min: 1, max: 5_001 }), async (times, windowMs) => {
        fc.pre(5_001 / windowMs < EXPORT_READS_MAX / 40)
        const found: number[] = []
        for await (const columns of readWindows(0, 5_000, windowMs, source(times, 20)))
          found.push(...columns.timestamp)
        expect(found).toEqual(times)
      }),
      { seed: 42 },
    )
  })

  it('ends with a reason rather than reading for ever', async () => {
    const read = async () => {
      for await (const _ of readWindows(0, 1e6, 10, source([], 1)));
    }
    await expect(read()).rejects.toThrow('more than 900 reads')
  })
})
