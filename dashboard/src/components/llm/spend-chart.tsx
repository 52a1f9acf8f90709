import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import { axisStyle } from '../../chart-axis.ts'
import { axisTimes, momentOf } from '../../explore/numbers.ts'
import { usd } from '../../llm/money.ts'
import { type SpendColumns, stacked } from '../../llm/spend-columns.ts'
import { colourOf } from '../../theme.ts'
import { useThemeVersion } from '../hooks.ts'
import 'uplot/dist/uPlot.min.css'
import '../../styles/charts.css'

const HEIGHT_PX = 232
/** Of a step's width; the rest is the gap to the next bar. */
const BAR_RATIO = 0.8
const BAR_PX_MAX = 48
/** Parts named in the readout. */
const NAMED_MAX = 3

interface SpendChartProps {
  columns: SpendColumns
  /** Of the groups, in their order. */
  names: readonly string[]
}

/** The highest stack is drawn first, so that the lower parts stand before it. */
const dataOf = ({ seconds, groups }: SpendColumns): uPlot.AlignedData =>
  [[...seconds], ...stacked(groups).reverse()] as uPlot.AlignedData

/** Spend as stacked bars. What they say to the eye, the table below says in figures. */
export const SpendChart = (props: SpendChartProps) => {
  const host = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const latest = useRef(props)
  latest.current = props
  const themeVersion = useThemeVersion()
  const { columns } = props
  const shape = JSON.stringify([columns.stepMs, columns.seconds[0], columns.groups.length])

  useEffect(() => {
    const element = host.current
    if (element === null) return
    const made = new uPlot(
      optionsOf(() => latest.current, element.clientWidth),
      dataOf(latest.current.columns),
      element,
    )
    plot.current = made
    const observer = new ResizeObserver(() =>
      made.setSize({ width: element.clientWidth, height: HEIGHT_PX }),
    )
    observer.observe(element)
    return () => {
      observer.disconnect()
      made.destroy()
      plot.current = null
    }
  }, [themeVersion, shape])

  useEffect(() => plot.current?.setData(dataOf(columns), true), [columns])

  return (
    <figure class="chart" aria-label="Spend over time" data-testid="spend-chart">
      <div ref={host} class="chart-host" aria-hidden="true" />
    </figure>
  )
}

const optionsOf = (props: () => SpendChartProps, width: number): uPlot.Options => {
  const { columns } = props()
  const stepSeconds = columns.stepMs / 1_000
  const axis = axisStyle()
  const bars = uPlot.paths.bars?.({ size: [BAR_RATIO, BAR_PX_MAX] })
  const first = columns.seconds[0] ?? 0
  const last = columns.seconds.at(-1) ?? first
  return {
    width,
    height: HEIGHT_PX,
    padding: [16, 12, 0, 0],
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { show: false } },
    scales: {
      x: { time: true, range: () => [first - stepSeconds / 2, last + stepSeconds / 2] },
      y: { range: (_, __, max) => [0, (max ?? 0) > 0 ? (max ?? 0) * 1.1 : 1] },
    },
    axes: [
      {
        ...axis,
        size: 28,
        space: 80,
        values: (_, splits, __, ___, step) => axisTimes(splits, step),
      },
      { ...axis, size: 72, space: 40, values: (_, splits) => splits.map(usd) },
    ],
    series: [
      {},
      ...columns.groups
        .map((_, i): uPlot.Series => {
          const colour = colourOf(`series-${i}`)
          return {
            fill: colour,
            width: 0,
            points: { show: false },
            ...(bars === undefined ? {} : { paths: bars }),
          }
        })
        .reverse(),
    ],
    plugins: [readout(props)],
  }
}

/** Step and sum under the pointer, with the largest parts. */
const readout = (props: () => SpendChartProps): uPlot.Plugin => {
  const box = document.createElement('div')
  box.className = 'chart-readout'
  box.hidden = true
  const update = (plot: uPlot) => {
    const { columns, names } = props()
    const step = plot.cursor.idx
    const seconds = step == null ? undefined : columns.seconds[step]
    box.hidden = step == null || seconds === undefined
    if (step == null || seconds === undefined) return
    const parts = columns.groups
      .map(({ costs }, i) => ({ name: names[i] ?? '', cost: costs[step] ?? 0 }))
      .filter(({ cost }) => cost > 0)
      .sort((a, b) => b.cost - a.cost)
    const sum = parts.reduce((all, { cost }) => all + cost, 0)
    const named = parts.slice(0, NAMED_MAX).map(({ name, cost }) => `${name} ${usd(cost)}`)
    box.textContent = [`${momentOf(seconds)}  ${usd(sum)}`, ...named].join('\n')
  }
  return { hooks: { init: (plot: uPlot) => plot.over.append(box), setCursor: update } }
}

export default SpendChart
