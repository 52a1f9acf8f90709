import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { readReport, verdictOf } from '../../dashboard/src/llm/report.ts'

const measured = (value: number) => ({ value, low: value - 0.01, high: value + 0.01 })

describe('the report of an artifact', () => {
  it('is read as the training wrote it', () => {
    const file = path.join(import.meta.dirname, '../../models/router-report.json')
    const sets = readReport(JSON.parse(readFileSync(file, 'utf8')))
    expect(sets.length).toBeGreaterThan(0)
    for (const { routers, questions, aboveLength } of sets) {
      expect(routers.map(({ router }) => router)).toContain('length only')
      expect(questions).toBeGreaterThan(0)
      expect(aboveLength).not.toBe(null)
    }
  })

  it('has its sets found wherever they stand', () => {
    const set = { questions: 9, subjects: 2, routers: { gjallar: { apgr: measured(0.6) } } }
    const [folds, other] = readReport({ crossValidation: { bare: set }, elsewhere: set, seed: 42 })
    expect(folds).toMatchObject({ title: 'Cross-validation, bare questions', questions: 9 })
    expect(other).toMatchObject({ title: 'elsewhere', aboveLength: null, calibrationError: null })
    expect(folds?.routers).toEqual([
      { router: 'gjallar', apgr: measured(0.6), cpt50: null, cpt80: null },
    ])
  })

  it.each([
    null,
    undefined,
    7,
    'text',
    [],
    {},
    { routers: { gjallar: { apgr: { value: Number.NaN } } } },
    { a: { b: { c: { d: { routers: { gjallar: { apgr: measured(0.5) } } } } } } },
  ])('shows nothing of what is none: %j', (report) => {
    expect(readReport(report)).toEqual([])
  })

  it('is called better only where the whole interval is', () => {
    expect(verdictOf({ value: 0.04, low: 0.02, high: 0.06 })).toBe('better')
    expect(verdictOf({ value: 0.02, low: -0.02, high: 0.07 })).toBe('not told apart')
    expect(verdictOf({ value: -0.04, low: -0.06, high: -0.02 })).toBe('worse')
  })
})
