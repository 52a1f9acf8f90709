import { describe, expect, it } from 'vitest'
import { summarise } from '../../dashboard/src/fleet-summary.ts'
import {
  DEFAULT_SORT,
  NO_FILTER,
  nextSort,
  rankNames,
  SORT_COLUMNS,
  viewRows,
} from '../../dashboard/src/fleet-view.ts'
import { rowOf, sampleAt } from './fleet-rows.ts'

const ROWS = [
  rowOf('web-10', { latest: sampleAt(3, 90), health_score: 50 }),
  rowOf('web-2', { latest: sampleAt(1, 10) }),
  rowOf('db-1', { status: 'stopped', latest: null }),
  rowOf('api-1', { latest: sampleAt(2, null), health_score: 0, region: 'us-east-1' }),
  rowOf('api-2', { status: 'starting', latest: sampleAt(4, 10) }),
]
const RANKS = rankNames(ROWS)

const namesIn = (filter = NO_FILTER, sort = DEFAULT_SORT) =>
  viewRows(ROWS, filter, sort, RANKS).map((row) => row.name)

describe('fleet view', () => {
  it('orders by status, then the least healthy, then name with numbers as numbers', () => {
    expect(namesIn()).toEqual(['api-1', 'web-10', 'web-2', 'api-2', 'db-1'])
  })

  it('orders names as people do', () => {
    expect(namesIn(NO_FILTER, { column: 'name', descending: false })).toEqual([
      'api-1',
      'api-2',
      'db-1',
      'web-2',
      'web-10',
    ])
  })

  it('puts rows without a value last in both directions and ties in name order', () => {
    expect(namesIn(NO_FILTER, { column: 'cpu', descending: true })).toEqual([
      'web-10',
      'api-2',
      'web-2',
      'api-1',
      'db-1',
    ])
    expect(namesIn(NO_FILTER, { column: 'cpu', descending: false })).toEqual([
      'api-2',
      'web-2',
      'web-10',
      'api-1',
      'db-1',
    ])
  })

  it.each(SORT_COLUMNS)('keeps every row when sorted by %s', (column) => {
    expect(namesIn(NO_FILTER, { column, descending: true })).toHaveLength(ROWS.length)
  })

  it('filters by text in name or region in any case, by status and by health', () => {
    expect(namesIn({ ...NO_FILTER, text: 'WEB' })).toEqual(['web-10', 'web-2'])
    expect(namesIn({ ...NO_FILTER, text: 'us-east' })).toEqual(['api-1'])
    expect(namesIn({ ...NO_FILTER, status: 'stopped' })).toEqual(['db-1'])
    expect(namesIn({ ...NO_FILTER, healthMin: 50 })).not.toContain('api-1')
    expect(namesIn({ text: 'web', status: 'running', healthMin: 100 })).toEqual(['web-2'])
  })

  it('takes filter text as text, not as a pattern', () => {
    expect(namesIn({ ...NO_FILTER, text: '.*' })).toEqual([])
  })

  it('sorts a new column in its useful direction and reverses the same one', () => {
    expect(nextSort(DEFAULT_SORT, 'cpu')).toEqual({ column: 'cpu', descending: true })
    expect(nextSort(DEFAULT_SORT, 'name')).toEqual({ column: 'name', descending: false })
    expect(nextSort(DEFAULT_SORT, 'status')).toEqual({ column: 'status', descending: true })
  })

  it('orders 10,000 rows in a moment', () => {
    const many = Array.from({ length: 10_000 }, (_, i) =>
      rowOf(`vm-${(i * 7919) % 10_000}`, { latest: sampleAt(1, (i * 31) % 100) }),
    )
    const ranks = rankNames(many)
    const startMs = performance.now()
    viewRows(many, NO_FILTER, { column: 'cpu', descending: true }, ranks)
    expect(performance.now() - startMs).toBeLessThan(500)
  })
})

describe('fleet summary', () => {
  it('counts by status and takes means over the VMs that reported', () => {
    expect(summarise(ROWS)).toEqual({
      total: 5,
      by_status: { running: 3, starting: 1, stopping: 0, stopped: 1 },
      cpu_avg: (90 + 10 + 10) / 3,
      memory_avg: 50,
      health_avg: (50 + 100 + 100 + 0 + 100) / 5,
      total_hourly_cost: 2.5,
    })
  })

  it('has no means for no rows', () => {
    expect(summarise([])).toMatchObject({ total: 0, cpu_avg: null, health_avg: null })
  })
})
