import { describe, expect, it } from 'vitest'
import {
  formatNumber,
  formatTable,
  formatTables,
  provenance,
  type Row,
  ratiosOf,
} from '../../bench/report.ts'

const rows: Row[] = [
  {
    case: 'sum f64',
    n: 100_000,
    unit: 'ns/element',
    ours: { median: 0.09, p5: 0.0891 },
    rivals: { 'plain loop': { median: 0.63, p5: 0.6 } },
    ratio: { 'plain loop': 7 },
  },
  {
    case: 'dashboard, page of 50',
    n: 1_000,
    unit: 'ms',
    ours: { median: 1.15, p5: 1.1 },
    rivals: { 'n+1': { median: 5_000, p5: 4_900 } },
    ratio: { 'n+1': 4_348 },
  },
]

describe('the table of a suite', () => {
  it('aligns the columns and leaves out what a rival did not run', () => {
    expect(formatTable(rows)).toBe(
      [
        'case                         n  unit          ours      (p5)  plain loop     ×    n+1      ×',
        'sum f64                100,000  ns/element  0.0900  (0.0891)       0.630  7.00',
        'dashboard, page of 50    1,000  ms            1.15    (1.10)                    5,000  4,348',
      ].join('\n'),
    )
  })

  it('gives each set of rivals a table of its own, and says what could not be measured', () => {
    const measured = {
      ...rows[0],
      gigabytesPerSecond: 88.9,
      absent: { 'native-avx512': 'the processor has no avx512f' },
    } as Row
    expect(formatTables([measured, ...rows.slice(1)])).toBe(
      [
        'case           n  unit          ours      (p5)  GB/s  plain loop     ×  native-avx512  ×',
        'sum f64  100,000  ns/element  0.0900  (0.0891)  88.9       0.630  7.00              –',
        '',
        'case                       n  unit  ours    (p5)    n+1      ×',
        'dashboard, page of 50  1,000  ms    1.15  (1.10)  5,000  4,348',
        '',
        'native-avx512: the processor has no avx512f',
      ].join('\n'),
    )
  })

  it.each([
    [0.001234, '0.00123'],
    [12.345, '12.3'],
    [4_347.8, '4,348'],
    [Number.NaN, '–'],
  ])('writes %d as %s', (value, text) => {
    expect(formatNumber(value)).toBe(text)
  })
})

describe('a ratio', () => {
  it('is above one where ours is faster', () => {
    const ours = { median: 2, p5: 1 }
    expect(ratiosOf(ours, { slow: { median: 8, p5: 8 }, fast: { median: 1, p5: 1 } })).toEqual({
      slow: 4,
      fast: 0.5,
    })
  })
})

describe('the provenance of numbers', () => {
  it('names the commit, the processor and the runtimes', () => {
    const { commit, machine } = provenance()
    expect(commit).toMatch(/^([0-9a-f]{12}(\+changes)?|unknown)$/)
    expect(machine.node).toBe(process.version)
    expect(machine.workerd).toMatch(/^\d+\.\d+/)
    expect(machine.cores).toBeGreaterThan(0)
  })
})
