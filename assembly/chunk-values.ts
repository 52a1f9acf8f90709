/**
 * A column of doubles, bit for bit.
 *
 * ```
 * byte: kind, and HAS_CORRECTIONS, HAS_MISFITS
 *   SAME       8 bytes: all values
 *   RAW        8 bytes a value
 *   XOR        bits of chunk-xor
 *   QUOTIENTS  byte: index of q; integers d (chunk-integers): values d / q
 *   MULTIPLES  8 bytes: u; integers d: values d · u
 *   HALVES     the first ⌈n / 2⌉ values as such a column, then the others
 * HAS_CORRECTIONS: a second column of integers, added to the bits of each value
 * HAS_MISFITS: varint, how many values are none of these; for each a varint, places since the one
 * before, and 8 bytes
 * ```
 */
import { readVarint, writeVarint } from './chunk-bits'
import { decodeIntegers, encodeIntegers } from './chunk-integers'
import { nibblesWorkBytes } from './chunk-nibbles'
import {
  commonUnit, gatherProbes, joinValues, PROBES_MAX, probesFit, QUOTIENTS_COUNT, quotientOf, splitValues,
} from './chunk-units'
import { decodeXor, encodeXor } from './chunk-xor'

const SAME: u8 = 0
const RAW: u8 = 1
const XOR: u8 = 2
const QUOTIENTS: u8 = 3
const MULTIPLES: u8 = 4
const HALVES: u8 = 5
const KIND_MASK: u8 = 15
const HAS_CORRECTIONS: u8 = 16
const HAS_MISFITS: u8 = 32

/** Units that are tried on all values; one that fits every probe seldom fails on many others. */
const SPLITS_MAX: i32 = 3

/** Fewer values than this are not halved: what changed its unit has kept it for a while. */
const HALVED_MIN: i32 = 64

/** Bytes a value from which on XOR is tried too. */
const XOR_FROM_BYTES: usize = 5

// Working space: i64[count] whole numbers, i64[count] corrections, i32[count] places of misfits, probes,
// then what encodeIntegers needs.

// @ts-ignore: decorator
@inline
function placesAt(work: usize, count: i32): usize {
  return work + (<usize>count << 4)
}

// @ts-ignore: decorator
@inline
function probesAt(work: usize, count: i32): usize {
  return (placesAt(work, count) + (<usize>count << 2) + 15) & ~15
}

/** Behind i64[2][count], places and probes: where encodeIntegers works. */
export function integersWorkAt(work: usize, count: i32): usize {
  return probesAt(work, count) + <usize>PROBES_MAX * 8
}

export function valuesWorkBytes(count: i32): i32 {
  return <i32>integersWorkAt(0, count) + nibblesWorkBytes(2 * count)
}

/** Two columns of whole numbers, of which the shorter is kept; each may be longer than a raw one. */
export function valuesBytesMax(count: i32): i32 {
  return count * 80 + 512
}

function isSame(values: usize, count: i32): bool {
  const first = load<u64>(values)
  for (let i = 1; i < count; i++) if (load<u64>(values + (<usize>i << 3)) != first) return false
  return true
}

function hasCorrections(corrections: usize, count: i32): bool {
  for (let i = 0; i < count; i++) if (load<i64>(corrections + (<usize>i << 3)) != 0) return true
  return false
}

function encodeWholes(
  values: usize, count: i32, kind: u8, index: i32, unit: f64, isSmall: bool, work: usize, misfits: i32,
  output: usize,
): usize {
  const places = placesAt(work, count)
  const isCorrected = hasCorrections(work + (<usize>count << 3), count)
  store<u8>(output, kind | (isCorrected ? HAS_CORRECTIONS : 0) | (misfits > 0 ? HAS_MISFITS : 0))
  let at = output + 1
  if (kind == QUOTIENTS) {
    store<u8>(at++, <u8>index)
  } else {
    store<f64>(at, unit)
    at += 8
  }
  at = encodeIntegers(work, count, isCorrected ? 2 : 1, isSmall, integersWorkAt(work, count), at)
  if (misfits > 0) at = writeVarint(at, misfits)
  let before = 0
  for (let i = 0; i < misfits; i++) {
    const place = load<i32>(places + (<usize>i << 2))
    at = writeVarint(at, place - before)
    store<u64>(at, load<u64>(values + (<usize>place << 3)))
    at += 8
    before = place
  }
  return at
}

/** @returns the address behind the column as whole numbers; 0 where they fit no unit */
function tryWholes(values: usize, count: i32, isSmall: bool, work: usize, output: usize): usize {
  const corrections = work + (<usize>count << 3)
  const places = placesAt(work, count)
  const probes = probesAt(work, count)
  const misfitsMax = (count >> 4) + 1
  const found = gatherProbes(values, count, probes)
  let end: usize = 0
  for (let index = 0, splits = 0; index < QUOTIENTS_COUNT && splits < SPLITS_MAX; index++) {
    const unit = quotientOf(index)
    if (!probesFit(probes, found, unit, false)) continue
    splits++
    const misfits = splitValues(values, count, unit, false, work, corrections, places, misfitsMax)
    if (misfits < 0) continue
    if (end == 0) {
      end = encodeWholes(values, count, QUOTIENTS, index, unit, isSmall, work, misfits, output)
      // The next unit leaves larger numbers, and sometimes fewer corrections.
      if (!isSmall || !(load<u8>(output) & HAS_CORRECTIONS)) return end
      continue
    }
    const next = encodeWholes(values, count, QUOTIENTS, index, unit, isSmall, work, misfits, end)
    if (next - end >= end - output) return end
    memory.copy(output, end, next - end)
    return output + (next - end)
  }
  if (end != 0) return end
  const unit = commonUnit(probes, found)
  if (!(unit > 0) || !probesFit(probes, found, unit, true)) return 0
  const misfits = splitValues(values, count, unit, true, work, corrections, places, misfitsMax)
  if (misfits < 0) return 0
  return encodeWholes(values, count, MULTIPLES, 0, unit, isSmall, work, misfits, output)
}

function encodeSame(values: usize, output: usize): usize {
  store<u8>(output, SAME)
  store<u64>(output + 1, load<u64>(values))
  return output + 9
}

function encodeBits(values: usize, count: i32, output: usize): usize {
  const rawBytes = <usize>count << 3
  store<u8>(output, XOR)
  const end = encodeXor(values, count, output + 1)
  if (end - output <= rawBytes) return end
  store<u8>(output, RAW)
  memory.copy(output + 1, values, rawBytes)
  return output + 1 + rawBytes
}

/** @returns the address behind a column whose parts fit units; 0 where hardly any does */
function tryUnits(values: usize, count: i32, isSmall: bool, work: usize, output: usize): usize {
  if (isSame(values, count)) return encodeSame(values, output)
  const end = tryWholes(values, count, isSmall, work, output)
  if (end != 0 || count < HALVED_MIN) return end
  const first = (count + 1) >> 1
  const second = values + (<usize>first << 3)
  store<u8>(output, HALVES)
  let middle = tryUnits(values, first, isSmall, work, output + 1)
  const isFirst = middle != 0
  if (!isFirst) middle = encodeBits(values, first, output + 1)
  const last = tryUnits(second, count - first, isSmall, work, middle)
  if (last != 0) return last
  return isFirst ? encodeBits(second, count - first, middle) : 0
}

/**
 * @param values f64[count ≥ 1]        @param isSmall nibbles instead of Rice code
 * @param work valuesWorkBytes(count)        @param output valuesBytesMax(count)
 * @returns the address behind
 */
export function encodeValues(
  values: usize, count: i32, isSmall: bool, work: usize, output: usize,
): usize {
  const end = tryUnits(values, count, isSmall, work, output)
  if (end == 0) return encodeBits(values, count, output)
  if (end - output <= XOR_FROM_BYTES * <usize>count) return end
  const length = encodeBits(values, count, end) - end
  if (length >= end - output) return end
  memory.copy(output, end, length)
  return output + length
}

/** @returns the address behind; 0 where they are no such list */
function decodeMisfits(values: usize, count: i32, input: usize, end: usize, scratch: usize): usize {
  let at = readVarint(input, end, scratch)
  if (at == 0) return 0
  const misfits = load<u64>(scratch)
  if (misfits > <u64>count) return 0
  let place: u64 = 0
  for (let i: u64 = 0; i < misfits; i++) {
    at = readVarint(at, end, scratch)
    if (at == 0 || end - at < 8) return 0
    const distance = load<u64>(scratch)
    if (distance >= <u64>count) return 0
    place += distance
    if (place >= <u64>count) return 0
    store<u64>(values + (<usize>place << 3), load<u64>(at))
    at += 8
  }
  return at
}

/** @returns the address behind; 0 where the bytes are no such column */
function decodeWholes(
  values: usize, count: i32, flags: u8, input: usize, end: usize, work: usize,
): usize {
  const isMultiple = (flags & KIND_MASK) == MULTIPLES
  let at = input
  let unit: f64
  if (isMultiple) {
    if (end - at < 8) return 0
    unit = load<f64>(at)
    at += 8
  } else {
    if (at == end) return 0
    const index = <i32>load<u8>(at++)
    if (index >= QUOTIENTS_COUNT) return 0
    unit = quotientOf(index)
  }
  const integersWork = integersWorkAt(work, count)
  if (flags & HAS_CORRECTIONS) {
    at = decodeIntegers(work, count, 2, at, end, integersWork)
    if (at == 0) return 0
    joinValues(work, count, unit, isMultiple, values)
    const corrections = work + (<usize>count << 3)
    for (let offset: usize = 0; offset < <usize>count << 3; offset += 8) {
      store<i64>(values + offset, load<i64>(values + offset) + load<i64>(corrections + offset))
    }
  } else {
    at = decodeIntegers(values, count, 1, at, end, integersWork)
    if (at == 0) return 0
    joinValues(values, count, unit, isMultiple, values)
  }
  return flags & HAS_MISFITS ? decodeMisfits(values, count, at, end, integersWork) : at
}

/**
 * @param values f64[count ≥ 1], written        @param work valuesWorkBytes(count)
 * @returns the address behind; 0 where the bytes are no such column
 */
export function decodeValues(
  values: usize, count: i32, input: usize, end: usize, work: usize,
): usize {
  if (input >= end) return 0
  const flags = load<u8>(input)
  const at = input + 1
  const rawBytes = <usize>count << 3
  switch (flags & KIND_MASK) {
    case SAME: {
      if (end - at < 8) return 0
      const value = load<u64>(at)
      for (let offset: usize = 0; offset < rawBytes; offset += 8) store<u64>(values + offset, value)
      return at + 8
    }
    case RAW:
      if (end - at < rawBytes) return 0
      memory.copy(values, at, rawBytes)
      return at + rawBytes
    case XOR:
      return decodeXor(values, count, at, end)
    case QUOTIENTS:
    case MULTIPLES:
      return decodeWholes(values, count, flags, at, end, work)
    case HALVES: {
      if (count < HALVED_MIN) return 0
      const first = (count + 1) >> 1
      const middle = decodeValues(values, first, at, end, work)
      if (middle == 0) return 0
      return decodeValues(values + (<usize>first << 3), count - first, middle, end, work)
    }
    default:
      return 0
  }
}
