/** The half-open range of rows to render, and where a row must be scrolled to. Lengths in pixels. */
export interface VirtualWindow {
  readonly first: number
  /** One past the last. */
  readonly end: number
}

/** Rows rendered beyond each edge, so that a scroll step does not show a gap before the next frame. */
export const OVERSCAN_ROWS = 6

/**
 * Which rows of a list of equal heights are on screen.
 *
 * @param offset where the viewport's top edge lies within the list; may be negative or past the end
 * @param viewportHeight ≥ 0
 */
export const visibleWindow = (
  offset: number,
  viewportHeight: number,
  rowHeight: number,
  rowCount: number,
  overscan = OVERSCAN_ROWS,
): VirtualWindow => {
  if (rowCount <= 0 || rowHeight <= 0) return { first: 0, end: 0 }
  const first = Math.floor(offset / rowHeight) - overscan
  const end = Math.ceil((offset + viewportHeight) / rowHeight) + overscan
  const clampedEnd = Math.min(rowCount, Math.max(0, end))
  return { first: Math.min(clampedEnd, Math.max(0, first)), end: clampedEnd }
}

/**
 * Which row stands in which of a fixed number of elements: row i in element i mod `slots`. Scrolling then
 * changes what a few elements show, and makes, moves and removes none.
 *
 * @param slots ≥ `end − first`
 * @returns one entry an element, the row's index or null where the window does not fill it
 */
export const rowsInSlots = ({ first, end }: VirtualWindow, slots: number): (number | null)[] =>
  Array.from({ length: slots }, (_, slot) => {
    const index = first + ((((slot - first) % slots) + slots) % slots)
    return index < end ? index : null
  })

/**
 * How far to scroll so that a row is wholly visible; 0 where it is already.
 *
 * @returns pixels to add to the scroll position, negative for upwards
 */
export const scrollDeltaTo = (
  row: number,
  offset: number,
  viewportHeight: number,
  rowHeight: number,
): number => {
  const top = row * rowHeight
  if (top < offset) return top - offset
  const overflow = top + rowHeight - (offset + viewportHeight)
  return overflow > 0 ? overflow : 0
}

/** The row that a key moves to, or null where the key does not move. */
export const rowAfterKey = (
  key: string,
  row: number,
  rowCount: number,
  pageRows: number,
): number | null => {
  const last = rowCount - 1
  if (last < 0) return null
  const clamp = (index: number) => Math.min(last, Math.max(0, index))
  switch (key) {
    case 'ArrowDown':
      return clamp(row + 1)
    case 'ArrowUp':
      return clamp(row - 1)
    case 'PageDown':
      return clamp(row + Math.max(1, pageRows))
    case 'PageUp':
      return clamp(row - Math.max(1, pageRows))
    case 'Home':
      return 0
    case 'End':
      return last
    default:
      return null
  }
}
