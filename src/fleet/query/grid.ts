/** The moments at which an expression is evaluated: startMs + i · stepMs for i in [0, steps). */
export interface Grid {
  readonly startMs: number
  readonly stepMs: number
  readonly steps: number
}

export const endOf = (grid: Grid): number => grid.startMs + (grid.steps - 1) * grid.stepMs

/** f64[steps]: the grid's moments in seconds. */
export const secondsOf = (grid: Grid): Float64Array => {
  const seconds = new Float64Array(grid.steps)
  for (let step = 0; step < grid.steps; step++)
    seconds[step] = (grid.startMs + step * grid.stepMs) / 1_000
  return seconds
}

/** The grid of a subquery: multiples of its step from the start of the first window to the last window's end. */
export const subqueryGrid = (windows: Grid, rangeMs: number, stepMs: number): Grid => {
  const startMs = Math.ceil((windows.startMs - rangeMs) / stepMs) * stepMs
  return {
    startMs,
    stepMs,
    steps: Math.max(0, Math.floor((endOf(windows) - startMs) / stepMs) + 1),
  }
}
