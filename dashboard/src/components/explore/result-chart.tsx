import { useMemo, useRef, useState } from 'preact/hooks'
import type { ChartData, ChartSeries } from '../../explore/chart-columns.ts'
import { commonLabels, seriesName, withoutLabels } from '../../explore/series-names.ts'
import { assignSlots, lookOf, SERIES_DRAWN_MAX } from '../../explore/series-slots.ts'
import { count } from '../../format.ts'
import { Legend } from './legend.tsx'
import { LinePlot, type PlotLine } from './line-plot.tsx'

/** Series as lines, with a legend that is also their table. */
export const ResultChart = ({ data }: { data: ChartData }) => {
  const { series } = data
  /** Series that were chosen; null is the first ones of the answer. */
  const [chosen, setChosen] = useState<ReadonlySet<string> | null>(null)
  const [focused, setFocused] = useState<string | null>(null)
  const slots = useRef<ReadonlyMap<string, number>>(new Map())

  const common = useMemo(() => commonLabels(series.map(({ labels }) => labels)), [series])
  const drawn = useMemo(() => {
    const isDrawn = ({ key }: ChartSeries) => chosen === null || chosen.has(key)
    return series.filter(isDrawn).slice(0, SERIES_DRAWN_MAX)
  }, [series, chosen])
  const held = useMemo(() => {
    const keys = new Set([...drawn, ...series].map(({ key }) => key))
    slots.current = assignSlots(slots.current, [...keys])
    return slots.current
  }, [drawn, series])
  const lines = useMemo(
    () =>
      drawn.map(
        ({ key, labels, values }): PlotLine => ({
          key,
          name: seriesName(withoutLabels(labels, common)),
          look: lookOf(held.get(key) ?? 0),
          values,
        }),
      ),
    [drawn, common, held],
  )

  const drawnKeys = new Set(drawn.map(({ key }) => key))
  const toggle = (key: string) => {
    const next = new Set(drawnKeys)
    if (!next.delete(key)) next.add(key)
    setChosen(next)
  }
  const hidden = series.length - drawn.length
  return (
    <figure class="chart result-chart" data-testid="result-chart" aria-label="Series over time">
      <LinePlot seconds={data.seconds} grid={data.grid} lines={lines} focused={focused} />
      <figcaption>
        <div class="legend-line">
          {Object.keys(common).length > 0 && (
            <p class="common-labels">
              All are <code>{seriesName(common)}</code>
            </p>
          )}
          {hidden > 0 && (
            <p class="note" role="status" data-testid="not-drawn">
              {count(drawn.length)} of {count(series.length)} series are drawn
              {drawn.length === SERIES_DRAWN_MAX ? ', which is the most at once.' : '.'}{' '}
              {chosen !== null && (
                <button type="button" class="text-button" onClick={() => setChosen(null)}>
                  {series.length > SERIES_DRAWN_MAX
                    ? `Draw the first ${SERIES_DRAWN_MAX}`
                    : 'Draw all'}
                </button>
              )}
            </p>
          )}
        </div>
        <Legend
          series={series}
          common={common}
          drawn={drawnKeys}
          slots={held}
          onToggle={toggle}
          onOnly={(key) => setChosen(new Set([key]))}
          onFocus={setFocused}
        />
      </figcaption>
    </figure>
  )
}

export default ResultChart
