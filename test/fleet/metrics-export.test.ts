import { describe, expect, it } from 'vitest'
import { EXPORT_READS_MAX, rangeWithRows, readWindows } from '../../src/fleet/metrics-export.ts'
import type { RangeColumns } from '../../src/fleet/metrics-formats.ts'
import { METRICS } from '../../src/fleet/types.ts'

const emptyColumns = Object.fromEntries(
  ['timestamp', ...METRICS].map((name) => [name, []]),
) as unknown as RangeColumns
const DAY_MS = 86_400_000
const NOW = Date.UTC(2026, 10, 21)

describe('an export of all times', () => {
  it('reads no further back than rows are kept, and not into the future', () => {
    const range = rangeWithRows(0, Date.UTC(9999, 0, 1), 30 * DAY_MS, NOW)
    expect(range).toEqual({ from: NOW - 62 * DAY_MS, to: NOW + 3_600_000 })
    expect(rangeWithRows(NOW - 5, NOW - 2, DAY_MS, NOW)).toEqual({ from: NOW - 5, to: NOW - 2 })
  })

  it('comes to its end within the reads that there are, however long rows are kept', async () => {
    const { from, to } = rangeWithRows(0, Date.UTC(9999, 0, 1), 3_650 * DAY_MS, NOW)
    let reads = 0
    const windows = readWindows(from, to, 10 * DAY_MS, async () => {
      reads++
      return { columns: emptyColumns, truncated: false }
    })
    for await (const columns of windows) expect(columns).toBe(emptyColumns)
    expect(reads).toBeLessThan(EXPORT_READS_MAX)
  })

  it('is empty where all of it is older than what is kept', async () => {
    const { from, to } = rangeWithRows(0, 1_000, DAY_MS, NOW)
    const windows = readWindows(from, to, DAY_MS, () => Promise.reject(new Error('read')))
    expect(await windows.next()).toEqual({ done: true, value: undefined })
  })
})
