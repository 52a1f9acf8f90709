import { useMemo } from 'preact/hooks'
import { bytesPerSecond, operations } from '../format.ts'
import type { Series } from '../series.ts'
import type { Metric } from '../types.ts'
import { Chart, type ChartLine } from './chart.tsx'
import 'uplot/dist/uPlot.min.css'
import '../styles/charts.css'

interface Panel {
  readonly title: string
  readonly metrics: readonly Metric[]
  readonly lines: readonly ChartLine[]
  readonly max?: number
  readonly maxAtLeast?: number
  readonly format: (value: number) => string
}

const rate = (value: number): string => {
  const { value: digits, unit } = bytesPerSecond(value)
  return `${digits} ${unit}`
}

const share = (value: number): string => `${Number.isInteger(value) ? value : value.toFixed(1)} %`

const PANELS: readonly Panel[] = [
  {
    title: 'CPU and memory',
    metrics: ['cpu_usage', 'memory_usage'],
    lines: [
      { label: 'CPU', colour: 'cpu' },
      { label: 'memory', colour: 'memory' },
    ],
    max: 100,
    format: share,
  },
  {
    title: 'Network',
    metrics: ['network_in_bytes', 'network_out_bytes'],
    lines: [
      { label: 'in', colour: 'inbound' },
      { label: 'out', colour: 'outbound', isDashed: true },
    ],
    maxAtLeast: 1000,
    format: rate,
  },
  {
    title: 'Disk',
    metrics: ['disk_usage'],
    lines: [{ label: 'used', colour: 'disk' }],
    max: 100,
    format: share,
  },
  {
    title: 'Disk operations',
    metrics: ['iops_read', 'iops_write'],
    lines: [
      { label: 'read', colour: 'inbound' },
      { label: 'write', colour: 'outbound', isDashed: true },
    ],
    maxAtLeast: 10,
    format: (value) => `${operations(value)} /s`,
  },
]

interface VmChartsProps {
  series: Series
  nowMs: number
  rangeMs: number
}

export const VmCharts = ({ series, nowMs, rangeMs }: VmChartsProps) => {
  const data = useMemo(
    () => PANELS.map((panel) => series.chartData(panel.metrics)),
    [series, series.version],
  )
  // Whole seconds, so that a redraw between two of them does not draw the charts again.
  const toSeconds = Math.floor(nowMs / 1000)
  return (
    <div class="charts">
      {PANELS.map((panel, i) => (
        <Chart
          key={panel.title}
          title={panel.title}
          lines={panel.lines}
          data={data[i] ?? [[]]}
          fromSeconds={toSeconds - rangeMs / 1000}
          toSeconds={toSeconds}
          format={panel.format}
          {...(panel.max === undefined ? {} : { max: panel.max })}
          {...(panel.maxAtLeast === undefined ? {} : { maxAtLeast: panel.maxAtLeast })}
        />
      ))}
    </div>
  )
}

export default VmCharts
