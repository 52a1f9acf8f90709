/** A grid filled column by column; all lengths in device pixels. */
export interface CellLayout {
  readonly rows: number
  readonly stepX: number
  readonly stepY: number
  readonly gapX: number
  readonly gapY: number
}

/** Wider marks than this (in CSS pixels) look like blocks, not like a fleet. */
const CELL_WIDTH_MAX = 12

/**
 * The fewest rows of marks with which `count` of them fit the width at no less than two device pixels
 * each; when even single pixels do not fit, marks overlap and the last one drawn is seen.
 */
export const layOutCells = (
  count: number,
  width: number,
  height: number,
  scale: number,
): CellLayout => {
  const rowsMax = Math.max(1, Math.floor(height / (3 * scale)))
  let rows = 1
  while (rows < rowsMax && (width / Math.ceil(count / rows) < 4 * scale || rows < 2)) rows += 1
  const columns = Math.max(1, Math.ceil(count / rows))
  const stepX = Math.min(CELL_WIDTH_MAX * scale, width / columns)
  const stepY = height / rows
  // Gaps between small marks would be most of what is seen.
  const gapX = stepX >= 4 * scale ? scale : 0
  const gapY = rows > 1 && stepY >= 5 * scale ? scale : 0
  return { rows, stepX, stepY, gapX, gapY }
}
