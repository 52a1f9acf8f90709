/**
 * Where rows stand in a tree, from the answers to its tests: bit row of plane l is 1 where the row goes
 * right at level l. The node a row comes to is selected by the bits before, so level l is 2^l − 1
 * selections, whatever the rows hold. T is v128, or u64 for up to 64 rows.
 */

/** Rows that go right at place h of the heap. */
// @ts-ignore: decorator
@inline
function rightAt<T>(tests: usize, answers: usize, h: usize): T {
  const place = load<u32>(tests + (h << 2))
  return load<T>(answers + (sizeof<T>() == 8 ? place >>> 1 : place))
}

/** Bits of `right` where those of `at` are 1, else of `left`. */
// @ts-ignore: decorator
@inline
function select<T>(right: T, left: T, at: T): T {
  if (isVector<T>()) return v128.bitselect(right, left, at)
  return ((right ^ left) & at) ^ left
}

// @ts-ignore: decorator
@inline
function of2<T>(tests: usize, answers: usize, h: usize, a: T): T {
  return select<T>(rightAt<T>(tests, answers, h + 1), rightAt<T>(tests, answers, h), a)
}

// @ts-ignore: decorator
@inline
function of4<T>(tests: usize, answers: usize, h: usize, a: T, b: T): T {
  return select<T>(of2<T>(tests, answers, h + 2, b), of2<T>(tests, answers, h, b), a)
}

// @ts-ignore: decorator
@inline
function of8<T>(tests: usize, answers: usize, h: usize, a: T, b: T, c: T): T {
  return select<T>(of4<T>(tests, answers, h + 4, b, c), of4<T>(tests, answers, h, b, c), a)
}

/** The bit at one of 16 nodes, tests[0…15]. */
function of16<T>(tests: usize, answers: usize, a: T, b: T, c: T, d: T): T {
  return select<T>(of8<T>(tests, answers, 8, b, c, d), of8<T>(tests, answers, 0, b, c, d), a)
}

function of32<T>(tests: usize, answers: usize, a: T, b: T, c: T, d: T, e: T): T {
  return select<T>(
    of16<T>(tests + 64, answers, b, c, d, e), of16<T>(tests, answers, b, c, d, e), a,
  )
}

function of64<T>(
  tests: usize, answers: usize, a: T, b: T, c: T, d: T, e: T, f: T,
): T {
  return select<T>(
    of32<T>(tests + 128, answers, b, c, d, e, f), of32<T>(tests, answers, b, c, d, e, f), a,
  )
}

/**
 * Fills planes, 16 bytes apart.
 *
 * @param tests u32[2^levels] from place 1 of a heap on: places of answers of 16 bytes each
 * @param levels 1…8
 */
export function fillPlanes<T>(tests: usize, answers: usize, levels: i32, planes: usize): void {
  const a = rightAt<T>(tests, answers, 1)
  store<T>(planes, a)
  if (levels == 1) return
  const b = of2<T>(tests, answers, 2, a)
  store<T>(planes, b, 16)
  if (levels == 2) return
  const c = of4<T>(tests, answers, 4, a, b)
  store<T>(planes, c, 32)
  if (levels == 3) return
  const d = of8<T>(tests, answers, 8, a, b, c)
  store<T>(planes, d, 48)
  if (levels == 4) return
  const e = of16<T>(tests + (16 << 2), answers, a, b, c, d)
  store<T>(planes, e, 64)
  if (levels == 5) return
  const f = of32<T>(tests + (32 << 2), answers, a, b, c, d, e)
  store<T>(planes, f, 80)
  if (levels == 6) return
  const g = of64<T>(tests + (64 << 2), answers, a, b, c, d, e, f)
  store<T>(planes, g, 96)
  if (levels == 7) return
  const low = of64<T>(tests + (128 << 2), answers, b, c, d, e, f, g)
  const high = of64<T>(tests + (192 << 2), answers, b, c, d, e, f, g)
  store<T>(planes, select<T>(high, low, a), 112)
}

/**
 * Fills u16[16] with 4 · where rows 16 · group … stand below the planes, from left to right.
 *
 * @param planes as fillPlanes has them
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
