/**
 * Where 128 rows stand in a tree, from the answers to its tests: bit row of plane l is 1 where the row goes
 * right at level l. The node a row comes to is selected by the bits before, so level l is 2^l − 1
 * selections, whatever the rows hold.
 */

/** Rows that go right at place h of the heap. */
// @ts-ignore: decorator
@inline
function rightAt(tests: usize, answers: usize, h: usize): v128 {
  return v128.load(answers + load<u32>(tests + (h << 2)))
}

// @ts-ignore: decorator
@inline
function of2(tests: usize, answers: usize, h: usize, a: v128): v128 {
  return v128.bitselect(rightAt(tests, answers, h + 1), rightAt(tests, answers, h), a)
}

// @ts-ignore: decorator
@inline
function of4(tests: usize, answers: usize, h: usize, a: v128, b: v128): v128 {
  return v128.bitselect(of2(tests, answers, h + 2, b), of2(tests, answers, h, b), a)
}

// @ts-ignore: decorator
@inline
function of8(tests: usize, answers: usize, h: usize, a: v128, b: v128, c: v128): v128 {
  return v128.bitselect(of4(tests, answers, h + 4, b, c), of4(tests, answers, h, b, c), a)
}

/** The bit at one of 16 nodes, tests[0…15]. */
function of16(tests: usize, answers: usize, a: v128, b: v128, c: v128, d: v128): v128 {
  return v128.bitselect(of8(tests, answers, 8, b, c, d), of8(tests, answers, 0, b, c, d), a)
}

function of32(tests: usize, answers: usize, a: v128, b: v128, c: v128, d: v128, e: v128): v128 {
  return v128.bitselect(
    of16(tests + 64, answers, b, c, d, e), of16(tests, answers, b, c, d, e), a,
  )
}

function of64(
  tests: usize, answers: usize, a: v128, b: v128, c: v128, d: v128, e: v128, f: v128,
): v128 {
  return v128.bitselect(
    of32(tests + 128, answers, b, c, d, e, f), of32(tests, answers, b, c, d, e, f), a,
  )
}

/**
 * Fills v128[levels].
 *
 * @param tests u32[2^levels] from place 1 of a heap on: places of answers of 16 bytes each
 * @param levels 1…8
 */
export function fillPlanes(tests: usize, answers: usize, levels: i32, planes: usize): void {
  const a = rightAt(tests, answers, 1)
  v128.store(planes, a)
  if (levels == 1) return
  const b = of2(tests, answers, 2, a)
  v128.store(planes, b, 16)
  if (levels == 2) return
  const c = of4(tests, answers, 4, a, b)
  v128.store(planes, c, 32)
  if (levels == 3) return
  const d = of8(tests, answers, 8, a, b, c)
  v128.store(planes, d, 48)
  if (levels == 4) return
  const e = of16(tests + (16 << 2), answers, a, b, c, d)
  v128.store(planes, e, 64)
  if (levels == 5) return
  const f = of32(tests + (32 << 2), answers, a, b, c, d, e)
  v128.store(planes, f, 80)
  if (levels == 6) return
  const g = of64(tests + (64 << 2), answers, a, b, c, d, e, f)
  v128.store(planes, g, 96)
  if (levels == 7) return
  const low = of64(tests + (128 << 2), answers, b, c, d, e, f, g)
  const high = of64(tests + (192 << 2), answers, b, c, d, e, f, g)
  v128.store(planes, v128.bitselect(high, low, a), 112)
}

/**
 * Fills u16[16] with 4 · where rows 16 · group … stand below the planes, from left to right.
 *
 * @param planes v128[levels]
 */
// @ts-ignore: decorator
@inline
export function fillPlaces(planes: usize, levels: i32, group: usize, places: usize): void {
  const bits = i8x16(1, 2, 4, 8, 16, 32, 64, -128, 1, 2, 4, 8, 16, 32, 64, -128)
  let place = i8x16.splat(0)
  const end = planes + (<usize>levels << 4)
  for (let plane = planes; plane < end; plane += 16) {
    const both = v128.load_splat<u16>(plane + (group << 1))
    const own = i8x16.shuffle(both, both, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1)
    const isRight = i8x16.eq(v128.and(own, bits), bits)
    place = i8x16.sub(i8x16.add(place, place), isRight)
  }
  v128.store(places, i16x8.shl(i16x8.extend_low_i8x16_u(place), 2))
  v128.store(places, i16x8.shl(i16x8.extend_high_i8x16_u(place), 2), 16)
}
