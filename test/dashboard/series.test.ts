import { describe, expect, it } from 'vitest'
import { Series } from '../../dashboard/src/series.ts'
import { TRACE_CAPACITY, Trace } from '../../dashboard/src/trace.ts'

const MINUTE_MS = 60_000

describe('series', () => {
  it('appends raw samples and drops those that are not newer', () => {
    const series = new Series(
      { resolution: 'raw', columns: { timestamp: [1000, 2000], cpu_usage: [1, 2] } },
      MINUTE_MS,
    )
    series.append({ timestamp: [2000, 3000], cpu_usage: [9, 3] })
    expect(series.chartData(['cpu_usage'])).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ])
  })

  it('takes live samples of a minute into the mean of that minute', () => {
    const series = new Series(
      { resolution: 'minute', columns: { timestamp: [0, MINUTE_MS], cpu_usage: [10, 20] } },
      3_600_000,
    )
    series.append({ timestamp: [MINUTE_MS + 5000], cpu_usage: [40] })
    series.append({ timestamp: [2 * MINUTE_MS + 1, 2 * MINUTE_MS + 2], cpu_usage: [50, 70] })
    expect(series.chartData(['cpu_usage'])).toEqual([
      [0, 60, 120],
      [10, 30, 60],
    ])
  })

  it('breaks the line over a long silence and not over jitter', () => {
    const series = new Series(
      {
        resolution: 'raw',
        columns: { timestamp: [0, 1000, 5000, 65_000], cpu_usage: [1, 2, 3, 4] },
      },
      3_600_000,
    )
    expect(series.chartData(['cpu_usage'])[1]).toEqual([1, 2, 3, null, 4])
  })

  it('forgets what has left the range', () => {
    const series = new Series(
      { resolution: 'raw', columns: { timestamp: [1000, 50_000, 70_000], cpu_usage: [1, 2, 3] } },
      MINUTE_MS,
    )
    series.trim(80_000)
    expect(series.chartData(['cpu_usage'])).toEqual([
      [50, 70],
      [2, 3],
    ])
  })

  it('shows a metric that was never reported as nothing', () => {
    const series = new Series({ resolution: 'raw', columns: { timestamp: [1000] } }, MINUTE_MS)
    expect(series.latest).toMatchObject({ cpu_usage: null, iops_read: null })
  })
})

describe('trace', () => {
  const valuesOf = (trace: Trace) =>
    Array.from({ length: trace.length }, (_, i) => trace.valueAt(i))

  it('keeps the newest samples in order', () => {
    const trace = new Trace()
    for (let i = 0; i < TRACE_CAPACITY + 10; i += 1) trace.push(i + 1, i)
    expect(trace.length).toBe(TRACE_CAPACITY)
    expect(trace.valueAt(0)).toBe(10)
    expect(trace.valueAt(TRACE_CAPACITY - 1)).toBe(TRACE_CAPACITY + 9)
  })

  it('drops a sample that is not newer', () => {
    const trace = new Trace()
    trace.push(2000, 1)
    trace.push(2000, 2)
    trace.push(1000, 3)
    expect(valuesOf(trace)).toEqual([1])
  })

  it('puts stored samples before live ones without repeating any', () => {
    const trace = new Trace()
    trace.push(3000, 3)
    trace.push(4000, 4)
    trace.prepend([1000, 2000, 3000], [1, null, 99])
    expect(valuesOf(trace)).toEqual([1, 3, 4])
  })
})
