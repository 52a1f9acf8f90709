import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import type { Look } from '../../explore/series-slots.ts'
import type { StepGrid } from '../../explore/time-range.ts'
import { useThemeVersion } from '../hooks.ts'
import { PLOT_HEIGHT_PX, plotOptions } from './plot-options.ts'
import 'uplot/dist/uPlot.min.css'
import '../../styles/charts.css'

export interface PlotLine {
  readonly key: string
  readonly name: string
  readonly look: Look
  readonly values: readonly (number | null)[]
}

interface LinePlotProps {
  seconds: readonly number[]
  grid: StepGrid
  lines: readonly PlotLine[]
  /** Key of the line that stands out. */
  focused: string | null
}

const dataOf = ({ seconds, lines }: LinePlotProps): uPlot.AlignedData =>
  [seconds, ...lines.map(({ values }) => values)] as uPlot.AlignedData

/** The lines on a canvas. What they say to the eye, the legend says in figures. */
export const LinePlot = (props: LinePlotProps) => {
  const host = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const latest = useRef(props)
  latest.current = props
  const themeVersion = useThemeVersion()
  const shape = JSON.stringify(props.lines.map(({ key, look, name }) => [key, look, name]))

  useEffect(() => {
    const element = host.current
    if (element === null) return
    const lines = () => latest.current.lines
    const made = new uPlot(plotOptions(lines, element.clientWidth), dataOf(latest.current), element)
    plot.current = made
    const observer = new ResizeObserver(() =>
      made.setSize({ width: element.clientWidth, height: PLOT_HEIGHT_PX }),
    )
    observer.observe(element)
    return () => {
      observer.disconnect()
      made.destroy()
      plot.current = null
    }
  }, [themeVersion, shape])

  useEffect(() => {
    const made = plot.current
    if (made === null) return
    const { grid } = latest.current
    made.batch(() => {
      made.setData(dataOf(latest.current), true)
      // A single step has no width of its own.
      const endMs = Math.max(grid.endMs, grid.startMs + grid.stepMs)
      made.setScale('x', { min: grid.startMs / 1_000, max: endMs / 1_000 })
    })
  }, [props.lines, props.grid, themeVersion, shape])

  useEffect(() => {
    const at = props.lines.findIndex(({ key }) => key === props.focused)
    plot.current?.setSeries(at < 0 ? null : at + 1, { focus: true })
  }, [props.focused])

  return <div ref={host} class="chart-host" aria-hidden="true" />
}
