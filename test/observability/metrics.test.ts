import { describe, expect, it } from 'vitest'
import { Counter, exposition, SERIES_MAX } from '../../src/observability/metrics.ts'

const counted = (): Counter => new Counter('jobs_total', 'Jobs by kind.', ['kind'])

describe('a counter', () => {
  it('adds by labels', () => {
    const counter = counted()
    counter.add(['a'])
    counter.add(['a'], 2)
    counter.add(['b'])
    expect([...counter.series()]).toEqual([
      [['a'], 3],
      [['b'], 1],
    ])
  })

  it('has a bounded number of series, and counts the others together', () => {
    const counter = counted()
    for (let i = 0; i < SERIES_MAX + 10; i++) counter.add([`kind-${i}`])
    const series = [...counter.series()]
    expect(series).toHaveLength(SERIES_MAX)
    expect(series.at(-1)).toEqual([['other'], 11])
    expect(series.reduce((sum, [, count]) => sum + count, 0)).toBe(SERIES_MAX + 10)
  })
})

describe('the exposition', () => {
  it('is OpenMetrics: families without _total, labels escaped, an end', () => {
    const counter = counted()
    counter.add(['a "b"\\\n'])
    const gauge = {
      name: 'depth',
      kind: 'gauge',
      help: 'How deep.',
      labels: [],
      series: () => [[[], 1.5]] as const,
    } as const
    expect(exposition([counter, gauge])).toBe(
      '# TYPE jobs counter\n# HELP jobs Jobs by kind.\njobs_total{kind="a \\"b\\"\\\\\\n"} 1\n' +
        '# TYPE depth gauge\n# HELP depth How deep.\ndepth 1.5\n# EOF\n',
    )
  })
})
