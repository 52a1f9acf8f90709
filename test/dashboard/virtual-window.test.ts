import { describe, expect, it } from 'vitest'
import {
  rowAfterKey,
  rowsInSlots,
  scrollDeltaTo,
  visibleWindow,
} from '../../dashboard/src/virtual-window.ts'

describe('virtual window', () => {
  it.each([
    { offset: 0, height: 380, count: 10_000, first: 0, end: 12 },
    { offset: 1000, height: 380, count: 10_000, first: 24, end: 39 },
    { offset: -500, height: 380, count: 10_000, first: 0, end: 0 },
    { offset: 379_700, height: 380, count: 10_000, first: 9990, end: 10_000 },
    { offset: 900_000, height: 380, count: 10_000, first: 10_000, end: 10_000 },
    { offset: 0, height: 380, count: 3, first: 0, end: 3 },
    { offset: 0, height: 380, count: 0, first: 0, end: 0 },
  ])('at $offset of $count rows shows $first to $end', ({ offset, height, count, first, end }) => {
    expect(visibleWindow(offset, height, 38, count, 2)).toEqual({ first, end })
  })

  it('covers every pixel of the viewport at any offset', () => {
    for (let offset = 0; offset < 5000; offset += 7) {
      const { first, end } = visibleWindow(offset, 380, 38, 10_000, 0)
      expect(first * 38).toBeLessThanOrEqual(offset)
      expect(end * 38).toBeGreaterThanOrEqual(offset + 380)
    }
  })

  it('keeps each row in its element while the window moves', () => {
    expect(rowsInSlots({ first: 0, end: 4 }, 5)).toEqual([0, 1, 2, 3, null])
    expect(rowsInSlots({ first: 2, end: 6 }, 5)).toEqual([5, null, 2, 3, 4])
    expect(rowsInSlots({ first: 3, end: 3 }, 5)).toEqual([null, null, null, null, null])
  })

  it('shows every row of the window exactly once', () => {
    for (let first = 0; first < 40; first += 1) {
      const rows = rowsInSlots({ first, end: first + 9 }, 11).filter((row) => row !== null)
      expect(rows.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 9 }, (_, i) => first + i))
    }
  })

  it('scrolls by just as much as makes a row visible', () => {
    expect(scrollDeltaTo(0, 100, 380, 38)).toBe(-100)
    expect(scrollDeltaTo(5, 100, 380, 38)).toBe(0)
    expect(scrollDeltaTo(12, 100, 380, 38)).toBe(14)
  })

  it.each([
    ['ArrowDown', 5, 6],
    ['ArrowDown', 99, 99],
    ['ArrowUp', 0, 0],
    ['PageDown', 5, 15],
    ['PageUp', 5, 0],
    ['Home', 50, 0],
    ['End', 50, 99],
  ])('%s from row %d goes to row %d', (key, from, to) => {
    expect(rowAfterKey(key, from, 100, 10)).toBe(to)
  })

  it('does not move for other keys or in an empty list', () => {
    expect(rowAfterKey('a', 5, 100, 10)).toBeNull()
    expect(rowAfterKey('ArrowDown', 0, 0, 10)).toBeNull()
  })
})
