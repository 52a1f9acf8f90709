import { describe, expect, it } from 'vitest'
import {
  HOUR_MS,
  NAMES_MAX,
  spendColumns,
  spendRange,
  stacked,
} from '../../dashboard/src/llm/spend-columns.ts'
import type { Spend, SpendRow } from '../../dashboard/src/llm/types.ts'

const START_MS = Date.UTC(2026, 8, 3, 9)

const rowOf = (hour: number, name: string, costUsd: number, errors = 0): SpendRow => ({
  atMs: START_MS + hour * HOUR_MS,
  name,
  requests: 1,
  errors,
  inputTokens: 10,
  outputTokens: 20,
  costUsd,
})

const spendOf = (hours: number, rows: readonly SpendRow[]): Spend => ({
  fromMs: START_MS,
  toMs: START_MS + hours * HOUR_MS,
  step: 'hour',
  by: 'model',
  rows,
  truncated: false,
})

describe('spend as columns', () => {
  it('has a value for every step, also where nothing was asked', () => {
    const { seconds, groups, total } = spendColumns(
      spendOf(4, [rowOf(0, 'a', 1), rowOf(2, 'a', 2, 1), rowOf(2, 'b', 4)]),
    )
    expect(seconds).toEqual([0, 1, 2, 3].map((hour) => (START_MS + hour * HOUR_MS) / 1_000))
    expect(groups.map(({ name, costs }) => [name, costs])).toEqual([
      ['b', [0, 0, 4, 0]],
      ['a', [1, 0, 2, 0]],
    ])
    expect(total).toEqual({
      requests: 3,
      errors: 1,
      inputTokens: 30,
      outputTokens: 60,
      costUsd: 7,
    })
  })

  it('counts the step that has only begun', () => {
    const spend = { ...spendOf(0, []), toMs: START_MS + 1 }
    expect(spendColumns(spend).seconds).toHaveLength(1)
  })

  it('leaves out rows beyond its steps without losing them from the sums', () => {
    const { groups } = spendColumns(spendOf(1, [rowOf(5, 'late', 3)]))
    expect(groups[0]).toMatchObject({ costs: [0], costUsd: 3 })
  })

  it('puts what is left beside the largest into one', () => {
    const rows = Array.from({ length: NAMES_MAX + 3 }, (_, i) => rowOf(0, `m${i}`, i + 1))
    const { groups, total } = spendColumns(spendOf(1, rows))
    expect(groups).toHaveLength(NAMES_MAX + 1)
    expect(groups[0]?.name).toBe(`m${NAMES_MAX + 2}`)
    expect(groups.at(-1)).toMatchObject({ name: null, costUsd: 1 + 2 + 3, requests: 3 })
    expect(groups.reduce((sum, { costUsd }) => sum + costUsd, 0)).toBe(total.costUsd)
  })

  it('does NOT make a rest of a single name', () => {
    const rows = Array.from({ length: NAMES_MAX + 1 }, (_, i) => rowOf(0, `m${i}`, i + 1))
    expect(spendColumns(spendOf(1, rows)).groups.map(({ name }) => name)).not.toContain(null)
  })

  it('stacks parts upon each other', () => {
    expect(stacked([{ costs: [1, 0] }, { costs: [2, 3] }, { costs: [0, 4] }])).toEqual([
      [1, 0],
      [3, 3],
      [3, 7],
    ])
    expect(stacked([])).toEqual([])
  })
})

describe('the range that is asked for', () => {
  const nowMs = Date.UTC(2026, 8, 3, 9, 41)

  it('is of whole hours up to a week, the present one included', () => {
    expect(spendRange(24, nowMs)).toEqual({ fromMs: Date.UTC(2026, 8, 2, 10), step: 'hour' })
    expect(spendRange(168, nowMs).step).toBe('hour')
  })

  it('is of whole days beyond, today included', () => {
    expect(spendRange(720, nowMs)).toEqual({ fromMs: Date.UTC(2026, 7, 5), step: 'day' })
  })
})
