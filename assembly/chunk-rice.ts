/**
 * Whole numbers near 0 as adaptive run-length/Golomb–Rice code: no tables, one pass, both parameters
 * follow what was coded. Source: Malvar 2006, "Adaptive Run-Length/Golomb-Rice Encoding of Quantized
 * Generalized Gaussian Sources with Unknown Statistics", doi:10.1109/DCC.2006.5.
 *
 * A number u ≥ 0 (zigzag) is u >> k zeros, a one, and the lower k bits; ESCAPE zeros and 64 bits where
 * that is shorter. While zeros are frequent, 2^r of them are one bit 0; a one and r bits say how many
 * came before the number that ended them, of which 1 is taken.
 */
import { peek, peekWord, put, putWord, unzigzag, zigzag } from './chunk-bits'

/** Parameters are kept times 2^SCALE_BITS, so that they move by fractions. */
const SCALE_BITS: i32 = 4
const RICE_MAX: i32 = 52 << SCALE_BITS
const RUN_MAX: i32 = 12 << SCALE_BITS
const ESCAPE: u64 = 20

/** Up to this parameter a quotient and the bits after it are one put or peek. */
const TOGETHER_MAX: u64 = 36

// Steps of the parameters, in 1 / 2^SCALE_BITS.
const RICE_DOWN: i32 = 2
const RUN_UP: i32 = 8
const RUN_DOWN: i32 = 4
const RUN_ENTER: i32 = 10
const RUN_LEAVE: i32 = 4

/** The Rice parameter after a number whose quotient is given. Without jumps: quotients are noise. */
// @ts-ignore: decorator
@inline
function adaptRice(rice: i32, quotient: i32): i32 {
  const next = rice + select(-RICE_DOWN, (quotient << 1) - 2, quotient == 0)
  return min(max(next, 0), RICE_MAX)
}

/** The run parameter after a number that was no part of a run. */
// @ts-ignore: decorator
@inline
function adaptRun(run: i32, isZero: bool): i32 {
  return min(max(run + select(RUN_ENTER, -RUN_LEAVE, isZero), 0), RUN_MAX)
}

/** @returns bits of u at a Rice parameter */
// @ts-ignore: decorator
@inline
function putRice(base: usize, position: usize, u: u64, k: u64): usize {
  const quotient = u >> k
  if (quotient >= ESCAPE) {
    put(base, position, 0)
    putWord(base, position + <usize>ESCAPE, u)
    return <usize>ESCAPE + 64
  }
  const head = <usize>quotient + 1
  const rest = u & (((<u64>1) << k) - 1)
  if (k <= TOGETHER_MAX) {
    put(base, position, ((rest << 1) | 1) << quotient)
  } else {
    put(base, position, (<u64>1) << quotient)
    put(base, position + head, rest)
  }
  return head + <usize>k
}

/**
 * @param numbers i64[count]        @param rice first parameter, whole
 * @returns the position behind
 */
export function putNumbers(
  numbers: usize, count: i32, rice: i32, base: usize, position: usize,
): usize {
  let scaledRice = rice << SCALE_BITS
  let scaledRun = 0
  for (let i = 0; i < count; ) {
    const run = scaledRun >> SCALE_BITS
    let u = zigzag(load<i64>(numbers + (<usize>i << 3)))
    if (run > 0) {
      const whole = 1 << run
      let zeros = 0
      while (u == 0 && zeros < whole) {
        zeros++
        i++
        if (i == count) break
        u = zigzag(load<i64>(numbers + (<usize>i << 3)))
      }
      if (zeros == whole || i == count) {
        put(base, position++, 0)
        scaledRun = min(scaledRun + RUN_UP, RUN_MAX)
        continue
      }
      put(base, position, 1 | (<u64>zeros << 1))
      position += 1 + run
      u--
      scaledRun = max(scaledRun - RUN_DOWN, 0)
    } else {
      scaledRun = adaptRun(scaledRun, u == 0)
    }
    const k = <u64>(scaledRice >> SCALE_BITS)
    position += putRice(base, position, u, k)
    scaledRice = adaptRice(scaledRice, <i32>min<u64>(u >> k, ESCAPE))
    i++
  }
  return position
}

/** memory.fill is a call of the engine's, dearer than a short run.  @returns the address behind */
// @ts-ignore: decorator
@inline
function putZeros(at: usize, count: usize): usize {
  const end = at + (count << 3)
  for (; at < end; at += 8) store<i64>(at, 0)
  return at
}

/**
 * @param numbers i64[count], written        @param end position that must not be passed
 * @returns the position behind; 0 where the bits do not hold `count` numbers
 */
export function takeNumbers(
  numbers: usize, count: i32, rice: i32, base: usize, position: usize, end: usize,
): usize {
  let scaledRice = rice << SCALE_BITS
  let scaledRun = 0
  let at = numbers
  const stop = numbers + (<usize>count << 3)
  while (at < stop) {
    const run = scaledRun >> SCALE_BITS
    let word = peek(base, position)
    if (run > 0) {
      if (!(word & 1)) {
        position++
        if (position > end) return 0
        const zeros = min(<usize>1 << run, (stop - at) >> 3)
        at = putZeros(at, zeros)
        scaledRun = min(scaledRun + RUN_UP, RUN_MAX)
        continue
      }
      const zeros = <usize>((word >> 1) & ((1 << run) - 1))
      // A run that fills the rest is written as a whole one.
      if (zeros >= (stop - at) >> 3) return 0
      at = putZeros(at, zeros)
      position += 1 + run
      scaledRun = max(scaledRun - RUN_DOWN, 0)
      word = peek(base, position)
    }
    const k = <u64>(scaledRice >> SCALE_BITS)
    const quotient = ctz(word | ((<u64>1) << ESCAPE))
    let u: u64
    if (quotient == ESCAPE) {
      u = peekWord(base, position + <usize>ESCAPE)
      position += <usize>ESCAPE + 64
    } else {
      const head = <usize>quotient + 1
      const rest = k <= TOGETHER_MAX ? word >> head : peek(base, position + head)
      u = (quotient << k) | (rest & (((<u64>1) << k) - 1))
      position += head + <usize>k
    }
    if (position > end) return 0
    scaledRice = adaptRice(scaledRice, <i32>quotient)
    if (run == 0) scaledRun = adaptRun(scaledRun, u == 0)
    else u++
    store<i64>(at, unzigzag(u))
    at += 8
  }
  return position
}
