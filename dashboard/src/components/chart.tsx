import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import { axisStyle } from '../chart-axis.ts'
import { type Palette, palette } from '../theme.ts'
import { useThemeVersion } from './hooks.ts'

export interface ChartLine {
  readonly label: string
  readonly colour: keyof Palette
  /** Dashed lines stay apart where colours cannot be told apart. */
  readonly isDashed?: boolean
}

export interface ChartProps {
  readonly title: string
  readonly lines: readonly ChartLine[]
  readonly data: [number[], ...(number | null)[][]]
  /** Seconds since the epoch. */
  readonly fromSeconds: number
  readonly toSeconds: number
  /** Upper end of the scale; where absent it follows the data. */
  readonly max?: number
  /** Where the scale follows the data, it ends no lower: noise around zero is not worth a whole chart. */
  readonly maxAtLeast?: number
  readonly format: (value: number) => string
}

const HEIGHT_PX = 176
/** Charts of one page show the same moment under the pointer. */
const SYNC_KEY = 'vm'

export const Chart = (props: ChartProps) => {
  const { title, lines, data, fromSeconds, toSeconds } = props
  const host = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const latest = useRef(props)
  latest.current = props
  const themeVersion = useThemeVersion()

  useEffect(() => {
    const element = host.current
    if (element === null) return
    const made = new uPlot(
      optionsOf(latest.current, element.clientWidth),
      latest.current.data,
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
  }, [themeVersion, lines])

  useEffect(() => {
    const made = plot.current
    if (made === null) return
    made.batch(() => {
      made.setData(data, false)
      made.setScale('x', { min: fromSeconds, max: toSeconds })
    })
  }, [data, fromSeconds, toSeconds, themeVersion])

  const now = lines.map((line, i) => {
    const value = lastValue(data[i + 1] ?? [])
    return { line, text: value === null ? '–' : props.format(value) }
  })
  return (
    <figure class="chart" aria-label={`${title} over time`}>
      <figcaption>
        <h3>{title}</h3>
        <ul>
          {now.map(({ line, text }) => (
            <li key={line.label}>
              <i class={`swatch is-${line.colour}${line.isDashed ? ' is-dashed' : ''}`} />
              {line.label} <b class="number">{text}</b>
            </li>
          ))}
        </ul>
      </figcaption>
      <div ref={host} class="chart-host" />
    </figure>
  )
}

const lastValue = (column: readonly (number | null)[]): number | null =>
  column.findLast((value) => value !== null) ?? null

const optionsOf = (props: ChartProps, width: number): uPlot.Options => {
  const colours = palette()
  const axis = axisStyle()
  return {
    width,
    height: HEIGHT_PX,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: { sync: { key: SYNC_KEY }, drag: { x: false, y: false }, points: { size: 6 } },
    scales: {
      x: { time: true },
      y: {
        range: (_, __, dataMax) => [
          0,
          props.max ?? Math.max(props.maxAtLeast ?? 1, (dataMax ?? 0) * 1.1),
        ],
      },
    },
    axes: [
      { ...axis, size: 28, space: 70, values: clockLabels },
      { ...axis, size: 64, space: 34, values: (_, splits) => splits.map((v) => props.format(v)) },
    ],
    series: [
      {},
      ...props.lines.map(
        (line, i): uPlot.Series => ({
          label: line.label,
          stroke: colours[line.colour],
          width: 1.5,
          points: { show: false },
          ...(line.isDashed ? { dash: [5, 4] } : {}),
          ...(i === 0 ? { fill: withAlpha(colours[line.colour], 0.08) } : {}),
        }),
      ),
    ],
    plugins: [readout(props)],
  }
}

/** Ranges end at a day, so the time of day is enough. */
const clockLabels = (_: uPlot, splits: number[], __: number, ___: number, stepSeconds: number) =>
  splits.map((seconds) => {
    const time = new Date(seconds * 1000).toLocaleTimeString('en-GB')
    return stepSeconds < 60 ? time : time.slice(0, 5)
  })

const withAlpha = (colour: string, alpha: number): string =>
  `color-mix(in srgb, ${colour} ${alpha * 100}%, transparent)`

/** Values and time under the pointer, in the chart's own corner. */
const readout = (props: ChartProps): uPlot.Plugin => {
  const box = document.createElement('div')
  box.className = 'chart-readout'
  box.hidden = true
  return {
    hooks: {
      init: (plot: uPlot) => plot.over.append(box),
      setCursor: (plot: uPlot) => {
        const index = plot.cursor.idx
        const seconds = index == null ? undefined : plot.data[0][index]
        box.hidden = index == null || seconds === undefined
        if (index == null || seconds === undefined) return
        const time = new Date(seconds * 1000).toLocaleTimeString('en-GB')
        const values = props.lines.map((line, i) => {
          const value = plot.data[i + 1]?.[index]
          return `${line.label} ${value == null ? '–' : props.format(value)}`
        })
        box.textContent = [time, ...values].join('  ·  ')
      },
    },
  }
}
