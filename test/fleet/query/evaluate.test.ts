import { describe, expect, it } from 'vitest'
import { FLOAT, HISTOGRAM, type QueryValue } from '../../../src/fleet/query/column.ts'
import { PROMETHEUS_3, type Semantics } from '../../../src/fleet/query/context.ts'
import { evaluateQuery } from '../../../src/fleet/query/evaluate.ts'
import type { Grid } from '../../../src/fleet/query/grid.ts'
import { POINTS_MAX, SAMPLES_MAX, SERIES_MAX } from '../../../src/fleet/query/limits.ts'
import { parseQuery } from '../../../src/fleet/query/parse.ts'
import type { SeriesSource } from '../../../src/fleet/query/source.ts'
import { type DemoSeries, memorySource } from './demo-data.ts'
import { nativeHistogram } from './native.ts'
import '../../kernels/load.ts'

const STALE = new Float64Array(new BigUint64Array([0x7ff0000000000002n]).buffer)

const seriesOf = (
  labels: Record<string, string>,
  samples: readonly (readonly [seconds: number, value: number | 'stale'])[],
): DemoSeries => {
  const values = new Float64Array(samples.length)
  samples.forEach(([, value], index) => {
    if (value === 'stale') values.set(STALE, index)
    else values[index] = value
  })
  return {
    labels: Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)),
    timestamps: Float64Array.from(samples, ([seconds]) => seconds * 1_000),
    values,
  }
}

const at = (seconds: number): Grid => ({ startMs: seconds * 1_000, stepMs: 1, steps: 1 })

const evaluated = async (
  query: string,
  source: SeriesSource,
  grid: Grid,
  semantics?: Semantics,
) => {
  const parsed = parseQuery(query)
  if (!parsed.ok) throw new Error(parsed.error.message)
  const options = semantics ? { semantics } : {}
  return evaluateQuery(parsed.value, grid, source, options)
}

/** Labels, and by step the value, 'histogram' or null. */
const rowsOf = (value: QueryValue) => {
  if (value.type !== 'vector') throw new Error('a vector is expected')
  return value.columns.map(({ labels, values, present }) => [
    Object.fromEntries(labels),
    Array.from(present, (kind, step) =>
      kind === FLOAT ? values[step] : kind === HISTOGRAM ? 'histogram' : null,
    ),
  ])
}

const rows = async (query: string, series: DemoSeries[], grid: Grid, semantics?: Semantics) => {
  const result = await evaluated(query, memorySource(series), grid, semantics)
  if (!result.ok) throw new Error(result.error.message)
  return rowsOf(result.value)
}

const fault = async (query: string, series: DemoSeries[] | SeriesSource, grid = at(100)) => {
  const source = Array.isArray(series) ? memorySource(series) : series
  const result = await evaluated(query, source, grid)
  if (result.ok) throw new Error(`${query} has an answer`)
  return result.error
}

const GRID: Grid = { startMs: 0, stepMs: 60_000, steps: 8 }

describe('the newest sample', () => {
  it('counts for five minutes, both ends included', async () => {
    const series = [seriesOf({ __name__: 'x' }, [[60, 7]])]
    expect(await rows('x', series, GRID)).toEqual([
      [{ __name__: 'x' }, [null, 7, 7, 7, 7, 7, 7, null]],
    ])
  })

  it('counts for less than five minutes as Prometheus 3 sees it', async () => {
    const series = [seriesOf({ __name__: 'x' }, [[60, 7]])]
    expect((await rows('x', series, GRID, PROMETHEUS_3))[0]?.[1]).toEqual([
      null,
      7,
      7,
      7,
      7,
      7,
      null,
      null,
    ])
  })

  it('is none after a stale marker, until the next sample', async () => {
    const series = [
      seriesOf({ __name__: 'x' }, [
        [0, 1],
        [90, 'stale'],
        [200, 2],
      ]),
    ]
    expect((await rows('x', series, GRID))[0]?.[1]).toEqual([1, 1, null, null, 2, 2, 2, 2])
    expect((await rows('timestamp(x)', series, GRID))[0]?.[1]).toEqual([
      0,
      0,
      null,
      null,
      200,
      200,
      200,
      200,
    ])
  })

  it('may be a NaN that is no stale marker', async () => {
    const series = [seriesOf({ __name__: 'x' }, [[0, Number.NaN]])]
    expect((await rows('x', series, at(1)))[0]?.[1]).toEqual([Number.NaN])
  })
})

describe('ranges', () => {
  it('leave stale markers out', async () => {
    const series = [
      seriesOf({ __name__: 'x' }, [
        [0, 1],
        [30, 'stale'],
        [60, 3],
      ]),
    ]
    expect((await rows('count_over_time(x[5m])', series, at(60)))[0]?.[1]).toEqual([2])
  })

  it('hold the sample at their start, but not as Prometheus 3 sees them', async () => {
    const series = [
      seriesOf({ __name__: 'x' }, [
        [0, 1],
        [30, 2],
        [60, 3],
      ]),
    ]
    expect((await rows('count_over_time(x[1m])', series, at(60)))[0]?.[1]).toEqual([3])
    expect((await rows('count_over_time(x[1m])', series, at(60), PROMETHEUS_3))[0]?.[1]).toEqual([
      2,
    ])
  })

  it('read a line ahead of the query’s moment where `@` fixes the window', async () => {
    const series = [
      seriesOf({ __name__: 'x' }, [
        [0, 0],
        [60, 60],
      ]),
    ]
    const grid = { startMs: 100_000, stepMs: 50_000, steps: 3 }
    expect((await rows('predict_linear(x[5m] @ 60, 10)', series, grid))[0]?.[1]).toEqual([
      110, 160, 210,
    ])
    expect((await rows('predict_linear(x[5m] offset 40s, 10)', series, at(100)))[0]?.[1]).toEqual([
      110,
    ])
  })

  it('take a parameter that changes from step to step', async () => {
    const series = [
      seriesOf({ __name__: 'x' }, [
        [0, 0],
        [1, 10],
        [2, 20],
      ]),
    ]
    const grid = { startMs: 2_000, stepMs: 1_000, steps: 3 }
    const query = 'quantile_over_time((time() - 2) / 2, x[1m])'
    expect((await rows(query, series, grid))[0]?.[1]).toEqual([0, 10, 20])
  })
})

describe('matching', () => {
  const many = [
    seriesOf({ __name__: 'a', x: '1', y: '1' }, [[0, 10]]),
    seriesOf({ __name__: 'a', x: '1', y: '2' }, [[0, 20]]),
  ]
  const one = seriesOf({ __name__: 'b', x: '1', z: 'k' }, [[0, 2]])

  it('takes labels over from the side with one', async () => {
    expect(await rows('a / on(x) group_left(z) b', [...many, one], at(0))).toEqual([
      [{ x: '1', y: '1', z: 'k' }, [5]],
      [{ x: '1', y: '2', z: 'k' }, [10]],
    ])
  })

  it('refuses many without group_left, and two on the side with one, with the place', async () => {
    expect(await fault('a / on(x) b', [...many, one], at(0))).toMatchObject({
      reason: 'execution',
      message: expect.stringContaining('many-to-one matching must be explicit'),
      span: { start: 0, end: 11 },
    })
    expect((await fault('b / on(x) a', [...many, one], at(0))).message).toContain(
      'found duplicate series for the match group {x="1"} on the right hand-side',
    )
  })

  it('lets series of one group follow one another', async () => {
    const later = [
      seriesOf({ __name__: 'b', x: '1', p: '1' }, [
        [0, 2],
        [50, 'stale'],
      ]),
      seriesOf({ __name__: 'b', x: '1', p: '2' }, [[60, 4]]),
    ]
    const left = seriesOf({ __name__: 'a', x: '1' }, [
      [0, 8],
      [60, 8],
    ])
    const grid = { startMs: 0, stepMs: 60_000, steps: 2 }
    expect(await rows('a / on(x) b', [left, ...later], grid)).toEqual([[{ x: '1' }, [4, 2]]])
  })

  it('refuses two series that end up with the same labels at one step', async () => {
    const series = [seriesOf({ __name__: 'a' }, [[0, 1]]), seriesOf({ __name__: 'b' }, [[0, 1]])]
    for (const query of ['count_over_time({__name__=~"a|b"}[5m])', '-{__name__=~"a|b"}'])
      expect((await fault(query, series, at(0))).message).toBe(
        'vector cannot contain metrics with the same labelset',
      )
  })
})

describe('native histograms', () => {
  const native = (times: readonly number[]): DemoSeries => ({
    ...seriesOf({ __name__: 'h' }, []),
    histograms: times.map((seconds, index) => ({
      timestamp: seconds * 1_000,
      bytes: nativeHistogram(seconds * 1_000, { counts: [2 * (index + 1), 2 * (index + 1)] }),
    })),
  })

  it('are values like others, and their rates too', async () => {
    const series = [native([0, 60, 120])]
    expect((await rows('h', series, at(120)))[0]?.[1]).toEqual(['histogram'])
    expect((await rows('histogram_count(increase(h[2m]))', series, at(120)))[0]?.[1]).toEqual([8])
    expect((await rows('histogram_count(last_over_time(h[2m]))', series, at(120)))[0]?.[1]).toEqual(
      [12],
    )
    expect((await rows('histogram_count(h + h)', series, at(120)))[0]?.[1]).toEqual([24])
    expect((await rows('histogram_count(h * 3)', series, at(120)))[0]?.[1]).toEqual([36])
    expect((await rows('histogram_count(h / 2)', series, at(120)))[0]?.[1]).toEqual([6])
  })

  it('have quantiles that grow linearly, or exponentially as Prometheus 3 sees them', async () => {
    const series = [native([0])]
    const query = 'histogram_quantile(0.75, h)'
    expect((await rows(query, series, at(0)))[0]?.[1]).toEqual([1.5])
    expect((await rows(query, series, at(0), PROMETHEUS_3))[0]?.[1]).toEqual([Math.SQRT2])
  })

  it('have no value where floats are among them, but for counts and the newest', async () => {
    const mixed = [
      {
        ...native([0, 60]),
        ...seriesOf({ __name__: 'h' }, [[30, 5]]),
        histograms: native([0, 60]).histograms ?? [],
      },
    ]
    expect(await rows('rate(h[5m])', mixed, at(60))).toEqual([])
    expect((await rows('count_over_time(h[5m])', mixed, at(60)))[0]?.[1]).toEqual([3])
    expect((await rows('last_over_time(h[5m])', mixed, at(60)))[0]?.[1]).toEqual(['histogram'])
    expect((await rows('h', mixed, at(59)))[0]?.[1]).toEqual([5])
  })

  it('leave a sum out where floats are summed with them', async () => {
    const series = [native([0]), seriesOf({ __name__: 'f' }, [[0, 1]])]
    expect(await rows('sum({__name__=~"h|f"})', series, at(0))).toEqual([])
    expect((await rows('count({__name__=~"h|f"})', series, at(0)))[0]?.[1]).toEqual([2])
  })
})

describe('bounds', () => {
  const source = (count: number, samples: number): SeriesSource => ({
    select: async () =>
      Array.from({ length: count }, (_, index) => ({
        labels: [['i', `${index}`]] as const,
        read: () => ({
          timestamps: { length: samples } as Float64Array,
          values: new Float64Array(0),
          histograms: [],
        }),
      })),
  })

  it('hold for series, samples and points, with the place of the selector', async () => {
    const span = { start: 4, end: 5 }
    expect(await fault('sum(x)', source(SERIES_MAX + 1, 1))).toMatchObject({
      reason: 'limit',
      span,
    })
    expect(await fault('sum(x)', source(1, SAMPLES_MAX + 1))).toMatchObject({
      reason: 'limit',
      span,
    })
    const steps = { startMs: 0, stepMs: 1, steps: 1_000 }
    const error = await fault('sum(x)', source(POINTS_MAX / 1_000 + 1, 1), steps)
    expect(error).toMatchObject({ reason: 'limit', span })
  })

  it('hold for what is made of groups and sides', async () => {
    const steps = { startMs: 0, stepMs: 1_000, steps: 2_400 }
    const distinct = (name: string, count: number) =>
      Array.from({ length: count }, (_, index) =>
        seriesOf({ __name__: name, [name]: `${index}` }, [
          [index, 1],
          [index + 0.5, 'stale'],
        ]),
      )
    const churned = [...distinct('x', 2_000), ...distinct('y', 2_000)]
    const limit = { reason: 'limit' }
    expect(await fault('x or label_replace(y, "i", "1", "", "")', churned, steps)).toMatchObject(
      limit,
    )
    const times = [...Array(2_400).keys()].map((second) => [second, second] as const)
    const rising = ['1', '2', '3'].map((group) => seriesOf({ __name__: 'z', group }, times))
    expect(await fault('count_values by (group) ("v", z)', rising, steps)).toMatchObject(limit)
  })

  it('hold for the steps of a subquery', async () => {
    expect(await fault('max_over_time(x[10y:1s])', [])).toMatchObject({ reason: 'limit' })
  })
})

describe('labels', () => {
  it('keep series apart whose values look like the labels of others', async () => {
    const series = [
      seriesOf({ __name__: 'x', a: '1\xffb\xff2' }, [[0, 1]]),
      seriesOf({ __name__: 'x', a: '1', b: '2' }, [[0, 2]]),
      seriesOf({ __name__: 'x', a: '1,1,b2' }, [[0, 3]]),
    ]
    expect(await rows('x', series, at(0))).toHaveLength(3)
    expect(await rows('sum without () (x)', series, at(0))).toHaveLength(3)
  })

  it('are made within bounds, however often they are doubled', async () => {
    const series = [seriesOf({ __name__: 'x', a: 'a'.repeat(1_000) }, [[0, 1]])]
    const nested = (inner: string, times: number) => {
      let query = 'x'
      for (let time = 0; time < times; time++) query = inner.replace('x', query)
      return fault(query, series)
    }
    const limit = { reason: 'limit' }
    expect(await nested('label_join(x, "a", "", "a", "a")', 100)).toMatchObject(limit)
    expect(await nested('label_replace(x, "a", "$1$1", "a", "(.*)")', 100)).toMatchObject(limit)
    const repeated = '$1'.repeat(10_000)
    expect(await nested(`label_replace(x, "b", "${repeated}", "a", "(.*)")`, 1)).toMatchObject(
      limit,
    )
  })
})

describe('reading', () => {
  it('asks once for selectors with the same matchers, in the range that all of them need', async () => {
    const asked: [number, number][] = []
    const source: SeriesSource = {
      select: async (_, fromMs, toMs) => {
        asked.push([fromMs, toMs])
        return []
      },
    }
    await evaluated('x - x offset 1h + rate(x[10m])', source, at(10_000))
    expect(asked).toEqual([[(10_000 - 3_600 - 300) * 1_000, 10_000_000]])
  })
})
