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
 * integers: what is added to the bits of each value, where HAS_CORRECTIONS
 * varint: how many values are none of these; for each a varint, places since the one before, and 8 bytes
 * ```
 */
import { readVarint, writeVarint } from './chunk-bits'
import { decodeIntegers, encodeIntegers } from './chunk-integers'
import {
  commonUnit, gatherProbes, joinValues, PROBES_MAX, probesFit, QUOTIENTS_COUNT, quotientOf, splitValues,
} from './chunk-units'
import { decodeXor, encodeXor } from './chunk-xor'

const SAME: u8 = 0
const RAW: u8 = 1
const XOR: u8 = 2
const QUOTIENTS: u8 = 3
const MULTIPLES: u8 = 4
const KIND_MASK: u8 = 15
const HAS_CORRECTIONS: u8 = 16
const HAS_MISFITS: u8 = 32

/** Units that are tried on all values; one that fits every probe seldom fails on many others. */
const SPLITS_MAX: i32 = 3

/** Bytes a value from which on XOR is tried too. */
const XOR_FROM_BYTES: usize = 5

/** Whole numbers, corrections, places of misfits, probes. */
export function valuesWorkBytes(count: i32): i32 {
  return count * 20 + PROBES_MAX * 8 + 32
}

/** A column that is written as whole numbers may be longer than a raw one before it is given up. */
export function valuesBytesMax(count: i32): i32 {
  return count * 40 + 128
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
  values: usize, count: i32, kind: u8, index: i32, unit: f64, work: usize, misfits: i32, output: usize,
): usize {
  const corrections = work + (<usize>count << 3)
  const places = corrections + (<usize>count << 3)
  const isCorrected = hasCorrections(corrections, count)
  store<u8>(output, kind | (isCorrected ? HAS_CORRECTIONS : 0) | (misfits > 0 ? HAS_MISFITS : 0))
  let at = output + 1
  if (kind == QUOTIENTS) {
    store<u8>(at++, <u8>index)
  } else {
    store<f64>(at, unit)
    at += 8
  }
  at = encodeIntegers(work, count, at)
  if (isCorrected) at = encodeIntegers(corrections, count, at)
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
function tryWholes(values: usize, count: i32, work: usize, output: usize): usize {
  const corrections = work + (<usize>count << 3)
  const places = corrections + (<usize>count << 3)
  const probes = (places + (<usize>count << 2) + 15) & ~15
  const misfitsMax = (count >> 4) + 1
  const found = gatherProbes(values, count, probes)
  let splits = 0
  for (let index = 0; index < QUOTIENTS_COUNT && splits < SPLITS_MAX; index++) {
    const unit = quotientOf(index)
    if (!probesFit(probes, found, unit, false)) continue
    splits++
    const misfits = splitValues(values, count, unit, false, work, corrections, places, misfitsMax)
    if (misfits < 0) continue
    return encodeWholes(values, count, QUOTIENTS, index, unit, work, misfits, output)
  }
  const unit = commonUnit(probes, found)
  if (!(unit > 0) || !probesFit(probes, found, unit, true)) return 0
  const misfits = splitValues(values, count, unit, true, work, corrections, places, misfitsMax)
  if (misfits < 0) return 0
  return encodeWholes(values, count, MULTIPLES, 0, unit, work, misfits, output)
}

/**
 * @param values f64[count ≥ 1]        @param work valuesWorkBytes(count)
 * @param output valuesBytesMax(count)
 * @returns the address behind
 */
export function encodeValues(values: usize, count: i32, work: usize, output: usize): usize {
  if (isSame(values, count)) {
    store<u8>(output, SAME)
    store<u64>(output + 1, load<u64>(values))
    return output + 9
  }
  const rawBytes = <usize>count << 3
  let end = tryWholes(values, count, work, output)
  if (end == 0 || end - output > XOR_FROM_BYTES * <usize>count) {
    const length = end == 0 ? rawBytes + 1 : end - output
    // The work space of whole numbers is free again, and has room for a value of ten bytes.
    store<u8>(work, XOR)
    const xorBytes = encodeXor(values, count, work + 1) - work
    if (xorBytes < length) {
      memory.copy(output, work, xorBytes)
      end = output + xorBytes
    }
  }
  if (end == 0 || end - output > rawBytes + 1) {
    store<u8>(output, RAW)
    memory.copy(output + 1, values, rawBytes)
    end = output + 1 + rawBytes
  }
  return end
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

/**
 * @param values f64[count ≥ 1], written        @param work 8 · count + 16 bytes
 * @returns the address behind; 0 where the bytes are no such column
 */
export function decodeValues(
  values: usize, count: i32, input: usize, end: usize, work: usize,
): usize {
  if (input + 2 > end) return 0
  const flags = load<u8>(input)
  const kind = flags & KIND_MASK
  const rawBytes = <usize>count << 3
  let at = input + 1
  if (kind == SAME) {
    if (end - at < 8) return 0
    const value = load<u64>(at)
    for (let offset: usize = 0; offset < rawBytes; offset += 8) store<u64>(values + offset, value)
    return at + 8
  }
  if (kind == RAW) {
    if (end - at < rawBytes) return 0
    memory.copy(values, at, rawBytes)
    return at + rawBytes
  }
  if (kind == XOR) return decodeXor(values, count, at, end)
  let unit: f64 = 1
  if (kind == QUOTIENTS) {
    const index = <i32>load<u8>(at++)
    if (index >= QUOTIENTS_COUNT) return 0
    unit = quotientOf(index)
  } else if (kind == MULTIPLES) {
    if (end - at < 8) return 0
    unit = load<f64>(at)
    at += 8
  } else {
    return 0
  }
  at = decodeIntegers(values, count, at, end, work)
  if (at == 0) return 0
  joinValues(values, count, unit, kind == MULTIPLES)
  if (flags & HAS_CORRECTIONS) {
    const corrections = work + 16
    at = decodeIntegers(corrections, count, at, end, work)
    if (at == 0) return 0
    for (let offset: usize = 0; offset < rawBytes; offset += 8) {
      store<i64>(values + offset, load<i64>(values + offset) + load<i64>(corrections + offset))
    }
  }
  return flags & HAS_MISFITS ? decodeMisfits(values, count, at, end, work) : at
}
