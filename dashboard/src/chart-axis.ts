import type uPlot from 'uplot'
import { palette } from './theme.ts'

/** How every chart draws its axes, in the colours of the theme as it is now. */
export const axisStyle = (): uPlot.Axis => {
  const colours = palette()
  return {
    stroke: colours.muted,
    font: '12px system-ui, "Segoe UI", "Open Sans", sans-serif',
    grid: { stroke: colours.line, width: 1 },
    ticks: { show: false },
  }
}
