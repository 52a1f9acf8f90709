/**
 * Counting values into a window of buckets, in static memory from histogram_window_open to
 * histogram_window_close: buckets and boundaries are those of histogram.ts.
 */
import { fillCells, SCALE_MAX } from './histogram'

/** Buckets of a window at most. */
const WINDOW_BUCKETS_MAX: i32 = 4096

/** Cells of the open window: a constant address costs nothing to add. */
const CELLS: usize = memory.data(2 << SCALE_MAX << 3, 16)

/**
 * Two u32 counters a bucket of the window, used in turn so that equal neighbours do not wait; four
 * buckets more, which are read where there are less than four.
 */
const ROWS: usize = memory.data((WINDOW_BUCKETS_MAX << 3) + 32, 16)

/**
 * Begins to count values of the buckets first … first + buckets − 1. What a window counts lies in
 * static memory, where no other call keeps anything.
 *
 * @param scale 0…10
 * @param first at least −1021 · 2^scale, so that no subnormal number is in a bucket
 * @param buckets a power of two, at most WINDOW_BUCKETS_MAX; the last one is below 1024 · 2^scale − 1, where
 *   the largest doubles are and what +Inf would be taken for
 */
export function histogram_window_open(scale: i32, first: i32, buckets: i32): void {
  fillCells(scale, (1023 << scale) + first, CELLS)
  memory.fill(ROWS, 0, <usize>buckets << 3)
}

/** Address of a value's counters, less ROWS. */
// @ts-ignore: decorator
@inline
function rowOf(bits: u64, scale: i32): usize {
  const cell = <usize>(bits >> <u64>(48 - scale)) & (((2 << scale) - 1) << 3)
  return <usize>((bits + load<u64>(cell, CELLS)) >> <u64>(52 - scale)) << 3
}

// @ts-ignore: decorator
@inline
function countEven(row: usize): void {
  store<u32>(row, load<u32>(row, ROWS) + 1, ROWS)
}

// @ts-ignore: decorator
@inline
function countOdd(row: usize): void {
  store<u32>(row, load<u32>(row, ROWS + 4) + 1, ROWS + 4)
}

/**
 * Counts values one by one: into a bucket, as zero or as not finite.
 * @returns how many, up to the first that is neither
 */
function countAny(values: usize, count: i32, scale: i32, rowsEnd: usize, output: usize): i32 {
  for (let i = 0; i < count; i++) {
    const x = load<f64>(values + (<usize>i << 3))
    const row = rowOf(reinterpret<u64>(x), scale)
    if (row < rowsEnd) countEven(row)
    else if (x == 0) store<u32>(output, load<u32>(output) + 1)
    else if (x - x != 0) store<u32>(output, load<u32>(output, 4) + 1, 4)
    else return i
  }
  return count
}

/** Whether all four rows lie below a power of two. */
// @ts-ignore: decorator
@inline
function areRows(row0: usize, row1: usize, row2: usize, row3: usize, rowsEnd: usize): bool {
  return (row0 | row1 | row2 | row3) < rowsEnd
}

/** As histogram_window_add_f64; a constant scale saves 0.1 ns a value. */
// @ts-ignore: decorator
@inline
function addToWindow(
  values: usize, count: i32, scale: i32, rowsEnd: usize, output: usize,
): i32 {
  const end = values + (<usize>count << 3)
  let pointer = values
  while (pointer + 64 <= end) {
    const row0 = rowOf(load<u64>(pointer), scale)
    const row1 = rowOf(load<u64>(pointer, 8), scale)
    const row2 = rowOf(load<u64>(pointer, 16), scale)
    const row3 = rowOf(load<u64>(pointer, 24), scale)
    if (areRows(row0, row1, row2, row3, rowsEnd)) {
      countEven(row0)
      countOdd(row1)
      countEven(row2)
      countOdd(row3)
      const row4 = rowOf(load<u64>(pointer, 32), scale)
      const row5 = rowOf(load<u64>(pointer, 40), scale)
      const row6 = rowOf(load<u64>(pointer, 48), scale)
      const row7 = rowOf(load<u64>(pointer, 56), scale)
      pointer += 32
      if (areRows(row4, row5, row6, row7, rowsEnd)) {
        countEven(row4)
        countOdd(row5)
        countEven(row6)
        countOdd(row7)
        pointer += 32
        continue
      }
    }
    const counted = countAny(pointer, 4, scale, rowsEnd, output)
    pointer += <usize>counted << 3
    if (counted < 4) return <i32>((pointer - values) >> 3)
  }
  pointer += <usize>countAny(pointer, <i32>((end - pointer) >> 3), scale, rowsEnd, output) << 3
  return <i32>((pointer - values) >> 3)
}

/**
 * Counts values into the open window up to the first that is in no bucket of it.
 *
 * @param values f64[n]        @param scale, buckets as the window was opened
 * @param output u32[2], added to: zeros, and values that are NaN or ±Inf
 * @returns how many were counted, from the first
 */
export function histogram_window_add_f64(
  values: usize, count: i32, scale: i32, buckets: i32, output: usize,
): i32 {
  const rowsEnd = <usize>buckets << 3
  if (scale == 5) return addToWindow(values, count, 5, rowsEnd, output)
  return addToWindow(values, count, scale, rowsEnd, output)
}

/**
 * Ends the window and gives what it counted.
 *
 * @param buckets as the window was opened
 * @param output i32[2]: first and last counter that is not zero; where all are, the last is before the first
 * @returns address of u32[buckets], counter 0 that of the first bucket; it holds until a window is
 *   opened again
 */
export function histogram_window_close(buckets: i32, output: usize): usize {
  const end = <usize>buckets << 3
  let row: usize = 0
  while (row < end && load<u64>(row, ROWS) == 0) row += 8
  const first = <i32>(row >> 3)
  row = end
  while (row > <usize>first << 3 && load<u64>(row - 8, ROWS) == 0) row -= 8
  const last = <i32>(row >> 3) - 1
  store<i32>(output, first)
  store<i32>(output, last, 4)
  // In place: a sum is never behind the counters it is of.
  for (let i = first & ~3; i <= last; i += 4) {
    const row = <usize>i << 3
    const low = v128.load(row, ROWS)
    const high = v128.load(row, ROWS + 16)
    const even_i32x4 = v128.shuffle<i32>(low, high, 0, 2, 4, 6)
    const odd_i32x4 = v128.shuffle<i32>(low, high, 1, 3, 5, 7)
    v128.store(row >> 1, i32x4.add(even_i32x4, odd_i32x4), ROWS)
  }
  return ROWS
}

/** Most buckets of a window. */
export function histogram_window_buckets_max(): i32 {
  return WINDOW_BUCKETS_MAX
}
