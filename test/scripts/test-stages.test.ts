import { describe, expect, it } from 'vitest'
import { closingLine, countsOf, STAGES } from '../../scripts/test-stages.ts'
import type { VitestReport } from '../../scripts/vitest-report.ts'

const report = (fields: Partial<VitestReport>): VitestReport => ({
  passed: 0,
  failed: 0,
  errors: 0,
  skipped: [],
  ...fields,
})

describe('the counts of a stage', () => {
  it.each([
    { name: 'a check that holds', vitest: false, succeeded: true, report: null, counts: [1, 0] },
    { name: 'a check that fails', vitest: false, succeeded: false, report: null, counts: [0, 1] },
    { name: 'tests', vitest: true, succeeded: true, report: { passed: 7 }, counts: [7, 0] },
    {
      name: 'tests with failures',
      vitest: true,
      succeeded: false,
      report: { passed: 5, failed: 2 },
      counts: [5, 2],
    },
    {
      name: 'a file that cannot be loaded',
      vitest: true,
      succeeded: false,
      report: { passed: 5, errors: 1 },
      counts: [5, 1],
    },
    {
      name: 'a run that fails without a failed test',
      vitest: true,
      succeeded: false,
      report: { passed: 5 },
      counts: [5, 1],
    },
    { name: 'a run that crashed', vitest: true, succeeded: false, report: null, counts: [0, 1] },
    {
      name: 'a run that left no report',
      vitest: true,
      succeeded: true,
      report: null,
      counts: [0, 1],
    },
  ])('$name', ({ vitest, succeeded, report: fields, counts }) => {
    const counted = countsOf({ vitest }, succeeded, fields === null ? null : report(fields))
    expect([counted.passed, counted.failed]).toEqual(counts)
  })
})

describe('the closing line', () => {
  it('tells passed and failed, and skipped only where there are some', () => {
    expect(closingLine({ passed: 3, failed: 0, skipped: [] })).toBe('3 passed, 0 failed')
    const skipped = [{ name: 'a', reason: 'b' }]
    expect(closingLine({ passed: 3, failed: 1, skipped })).toBe('3 passed, 1 failed, 1 skipped')
  })
})

describe('the stages', () => {
  it('build before all that runs what was built', () => {
    expect(STAGES[0]?.name).toBe('build')
    expect(new Set(STAGES.map((stage) => stage.name)).size).toBe(STAGES.length)
  })
})
