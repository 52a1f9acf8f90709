/**
 * 128-bit approximations of the powers of five, for Eisel–Lemire.
 *
 * Entry q, −342 ≤ q ≤ 308, is two u64, the high word first: the leading 128 bits of 5^q, cut off for
 * q ≥ 0, and of 2^b / 5^−q, cut off and from q = −27 on raised by one unit, for q < 0. They are made
 * where the module starts, in less than 0.3 ms: stored they would be a sixth of it. The test computes each
 * entry in integer arithmetic.
 * Source: Lemire 2021, "Number Parsing at a Gigabyte per Second", doi:10.1002/spe.2984, §§ 5, 7.
 */
export const POWER_MIN: i32 = -342
export const POWER_MAX: i32 = 308

export const POWERS_OF_FIVE: usize = memory.data((POWER_MAX - POWER_MIN + 1) << 4, 16)

/** From here on a power's reciprocal is rounded up, so that whole quotients come out whole. */
const RAISED_MIN: i32 = -27

/** Limbs of u32, the lowest first: 5^308 has 716 bits, and 2^960 / 5^342 has 166. */
const LIMBS: i32 = 31
/** Three zeros in front, which stand for what a small number lacks. */
const FRONT: usize = 12
const NUMBER: usize = memory.data(12 + (31 << 2), 16)

/** Stores the leading 128 bits of the number, the highest limb of which is at `top`. */
function storeLeading(top: usize, raise: u64, entry: usize): void {
  const first = (<u64>load<u32>(top) << 32) | load<u32>(top - 4)
  const second = (<u64>load<u32>(top - 8) << 32) | load<u32>(top - 12)
  const zeros = clz(first)
  let low = second << zeros
  let high = first << zeros
  if (zeros > 0) {
    high |= second >> (64 - zeros)
    // A fifth limb, of which a number with fewer has none.
    const rest = top - 16 >= NUMBER ? <u64>load<u32>(top - 16) << 32 : 0
    low |= rest >> (64 - zeros)
  }
  low += raise
  store<u64>(entry, high + u64(low < raise))
  store<u64>(entry, low, 8)
}

function fillPowers(): void {
  const first = NUMBER + FRONT
  const last = first + ((<usize>LIMBS - 1) << 2)
  const one = POWERS_OF_FIVE + (<usize>-POWER_MIN << 4)
  let top = first
  store<u32>(first, 1)
  for (let q = 0; q <= POWER_MAX; q++) {
    storeLeading(top, 0, one + (<usize>q << 4))
    let carry: u64 = 0
    for (let at = first; at <= top; at += 4) {
      carry += <u64>load<u32>(at) * 5
      store<u32>(at, <u32>carry)
      carry >>= 32
    }
    if (carry == 0) continue
    top += 4
    store<u32>(top, <u32>carry)
  }
  // ⌊⌊x / 5⌋ / 5⌋ is ⌊x / 25⌋, and a quotient's leading bits are those of any multiple by 2^n.
  memory.fill(first, 0, <usize>LIMBS << 2)
  store<u32>(last, 1)
  top = last
  for (let q = -1; q >= POWER_MIN; q--) {
    let rest: u64 = 0
    for (let at = top; at >= first; at -= 4) {
      rest = (rest << 32) | load<u32>(at)
      store<u32>(at, <u32>(rest / 5))
      rest %= 5
    }
    if (load<u32>(top) == 0) top -= 4
    storeLeading(top, u64(q >= RAISED_MIN), one - (<usize>-q << 4))
  }
}

fillPowers()
