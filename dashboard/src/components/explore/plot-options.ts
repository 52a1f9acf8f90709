import uPlot from 'uplot'
import { axisStyle } from '../../chart-axis.ts'
import { lonelyIndices } from '../../explore/chart-columns.ts'
import { axisNumbers, axisTimes, momentOf, shortNumber } from '../../explore/numbers.ts'
import { COLOURS } from '../../explore/series-slots.ts'
import { colourOf, palette } from '../../theme.ts'
import type { PlotLine } from './line-plot.tsx'

export const PLOT_HEIGHT_PX = 320
/** A line within so many pixels of the pointer is the one that is meant. */
const NEAR_PX = 24

/** @param lines as they are now; their looks do not change during a plot's life */
export const plotOptions = (lines: () => readonly PlotLine[], width: number): uPlot.Options => {
  const colours = palette()
  const series = Array.from({ length: COLOURS }, (_, i) => colourOf(`series-${i}`))
  const axis = axisStyle()
  return {
    width,
    height: PLOT_HEIGHT_PX,
    padding: [16, 12, 0, 0],
    legend: { show: false },
    focus: { alpha: 0.25 },
    cursor: {
      drag: { x: false, y: false },
      points: { size: 6 },
      focus: { prox: NEAR_PX },
    },
    scales: { x: { time: true }, y: { range: valueRange } },
    axes: [
      {
        ...axis,
        size: 28,
        space: 80,
        values: (_, splits, __, ___, step) => axisTimes(splits, step),
      },
      {
        ...axis,
        size: 72,
        space: 40,
        values: (_, splits, __, ___, step) => axisNumbers(splits, step),
      },
    ],
    series: [
      {},
      ...lines().map(
        ({ name, look }): uPlot.Series => ({
          label: name,
          stroke: series[look.colour] ?? colours.text,
          width: 1.5,
          dash: [...look.dash],
          points: {
            show: true,
            size: 4,
            fill: series[look.colour] ?? colours.text,
            filter: (_, index) => lonelyIndices(lines()[index - 1]?.values ?? []),
          },
        }),
      ),
    ],
    plugins: [readout(lines)],
  }
}

/** Room above and below the values; zero is shown where it is near. A flat line stands in the middle. */
const valueRange = (_: uPlot, min: number | null, max: number | null): uPlot.Range.MinMax =>
  min === null || max === null ? [0, 1] : uPlot.rangeNum(min, max, 0.1, true)

/** The time under the pointer, and the value of the line beside it. */
const readout = (lines: () => readonly PlotLine[]): uPlot.Plugin => {
  const box = document.createElement('div')
  box.className = 'chart-readout'
  box.hidden = true
  const update = (plot: uPlot) => {
    const index = plot.cursor.idx
    const seconds = index == null ? undefined : plot.data[0][index]
    box.hidden = index == null || seconds === undefined
    if (index == null || seconds === undefined) return
    const near = nearestLine(plot, index)
    const line = near === null ? undefined : lines()[near - 1]
    const value = near === null ? null : (plot.data[near]?.[index] ?? null)
    const parts = [momentOf(seconds)]
    if (line !== undefined) parts.push(shortNumber(value), line.name)
    box.textContent = parts.join('  ·  ')
  }
  return {
    hooks: { init: (plot: uPlot) => plot.over.append(box), setCursor: update },
  }
}

/** Index of the series closest to the pointer at a step; null where none is near. */
const nearestLine = (plot: uPlot, index: number): number | null => {
  const top = plot.cursor.top ?? -1
  let nearest: number | null = null
  let nearestPx = NEAR_PX
  for (let i = 1; i < plot.data.length; i++) {
    const value = plot.data[i]?.[index]
    if (value == null) continue
    const distancePx = Math.abs(plot.valToPos(value, 'y') - top)
    if (distancePx > nearestPx) continue
    nearest = i
    nearestPx = distancePx
  }
  return nearest
}
