/**
 * Chunks: columns of samples with common timestamps, compressed without loss.
 *
 * ```
 * byte: VERSION, IS_REGULAR, IS_SINGLE        varint: samples; nothing follows where there are none
 * byte: columns, where not IS_SINGLE
 * varint: zigzag of the earliest time, ms
 *   IS_REGULAR  varint: the distance of any two neighbours
 *   else        varint: latest − earliest; varint: zigzag of the step;
 *               integers (chunk-integers): time − earliest − place · step
 * values (chunk-values), column after column
 * ```
 */
import { readVarint, unzigzag, writeVarint, zigzag } from './chunk-bits'
import { decodeIntegers, encodeIntegers } from './chunk-integers'
import {
  decodeValues, encodeValues, integersWorkAt, valuesBytesMax, valuesWorkBytes,
} from './chunk-values'

const VERSION: u8 = 1
const VERSION_MASK: u8 = 15
const IS_REGULAR: u8 = 16
const IS_SINGLE: u8 = 32

/** Samples of one chunk, and its columns: what a reader makes room for before it knows. */
const SAMPLES_MAX: u64 = 65_536

/** Largest whole number below which a double holds all. */
const TIME_MAX: f64 = 9007199254740991

// What chunk_decode returns.
const DONE: i32 = 0
const UNKNOWN_VERSION: i32 = 1
const CORRUPT: i32 = 2
const TOO_MANY: i32 = 3 // more samples than there is room for
const OTHER_COLUMNS: i32 = 4 // not as many columns as asked for

const HEADER_BYTES_MAX: i32 = 64

/** @param samples of the chunk, or of the largest to decode  @returns bytes of working space */
export function chunk_work_bytes(samples: i32): i32 {
  return valuesWorkBytes(samples)
}

/** @returns bytes that chunk_encode may write */
export function chunk_bytes_max(samples: i32, columns: i32): i32 {
  // Times, and the columns before the last, are as long as they are encoded.
  return HEADER_BYTES_MAX + samples * 40 + valuesBytesMax(samples) + columns * (samples * 8 + 16)
}

// @ts-ignore: decorator
@inline
function timeAt(timestamps: usize, place: i32): i64 {
  return <i64>load<f64>(timestamps + (<usize>place << 3))
}

/** The distance that most neighbours have, or the mean one. */
function stepOf(timestamps: usize, count: i32): i64 {
  if (count < 2) return 0
  let candidate: i64 = 0
  let votes = 0
  let before = timeAt(timestamps, 0)
  for (let i = 1; i < count; i++) {
    const time = timeAt(timestamps, i)
    const distance = time - before
    before = time
    if (votes == 0) candidate = distance
    votes += distance == candidate ? 1 : -1
  }
  if (votes > 0) return candidate
  return (timeAt(timestamps, count - 1) - timeAt(timestamps, 0)) / (count - 1)
}

/** @returns the address behind; 0 where a time is not whole or beyond 2^53 */
function encodeTimes(
  timestamps: usize, count: i32, isSmall: bool, work: usize, output: usize, flagsAt: usize,
): usize {
  let earliest: i64 = i64.MAX_VALUE
  let latest: i64 = i64.MIN_VALUE
  for (let i = 0; i < count; i++) {
    const x = load<f64>(timestamps + (<usize>i << 3))
    if (!(abs(x) <= TIME_MAX) || trunc(x) != x) return 0
    earliest = min(earliest, <i64>x)
    latest = max(latest, <i64>x)
  }
  const step = stepOf(timestamps, count)
  const first = timeAt(timestamps, 0)
  // A reader multiplies the step in doubles.
  let isRegular = step >= 0 && latest - earliest <= <i64>TIME_MAX
  for (let i = 0; i < count; i++) {
    const time = timeAt(timestamps, i)
    if (time != first + step * i) isRegular = false
    store<i64>(work + (<usize>i << 3), time - earliest - step * i)
  }
  let at = writeVarint(output, zigzag(earliest))
  if (isRegular) {
    store<u8>(flagsAt, load<u8>(flagsAt) | IS_REGULAR)
    return writeVarint(at, step)
  }
  at = writeVarint(at, latest - earliest)
  at = writeVarint(at, zigzag(step))
  return encodeIntegers(work, count, 1, isSmall, integersWorkAt(work, count), at)
}

/**
 * @param timestamps f64[samples], whole, ms        @param values f64[columns][samples]
 * @param samples ≤ 65 536        @param columns 1…255
 * @param isSmall 0 fast, 1 smaller and slower to decode
 * @param work chunk_work_bytes(samples)        @param output chunk_bytes_max(samples, columns)
 * @returns bytes written; −1 where a time is not whole or beyond 2^53
 * Accuracy: exact; a value comes back bit for bit, whatever it is.
 */
export function chunk_encode(
  timestamps: usize, values: usize, samples: i32, columns: i32, isSmall: i32, work: usize,
  output: usize,
): i32 {
  store<u8>(output, VERSION | (columns == 1 ? IS_SINGLE : 0))
  let at = writeVarint(output + 1, samples)
  if (samples == 0) return <i32>(at - output)
  if (columns != 1) store<u8>(at++, <u8>columns)
  at = encodeTimes(timestamps, samples, isSmall != 0, work, at, output)
  if (at == 0) return -1
  for (let column = 0; column < columns; column++) {
    const from = values + (<usize>column * <usize>samples << 3)
    at = encodeValues(from, samples, isSmall != 0, work, at)
  }
  return <i32>(at - output)
}

/** @param result i32: samples  @returns DONE, or why not */
function decodeOne(
  input: usize, length: usize, columns: i32, stride: usize, room: i32, work: usize,
  timestamps: usize, values: usize, result: usize,
): i32 {
  const end = input + length
  if (length < 2) return CORRUPT
  const flags = load<u8>(input)
  if ((flags & VERSION_MASK) != VERSION) return UNKNOWN_VERSION
  const scratch = work
  let at = readVarint(input + 1, end, scratch)
  if (at == 0 || load<u64>(scratch) > SAMPLES_MAX) return CORRUPT
  const samples = <i32>load<u64>(scratch)
  store<i32>(result, samples)
  if (samples == 0) return at == end ? DONE : CORRUPT
  if (samples > room) return TOO_MANY
  if (at == end) return CORRUPT
  if ((flags & IS_SINGLE ? 1 : <i32>load<u8>(at++)) != columns) return OTHER_COLUMNS
  at = readVarint(at, end, scratch)
  if (at == 0) return CORRUPT
  let time = unzigzag(load<u64>(scratch))
  at = readVarint(at, end, scratch)
  if (at == 0) return CORRUPT
  let step = <i64>load<u64>(scratch)
  if (flags & IS_REGULAR) {
    for (let i = 0; i < samples; i++) {
      store<f64>(timestamps + (<usize>i << 3), <f64>time)
      time += step
    }
  } else {
    at = readVarint(at, end, scratch)
    if (at == 0) return CORRUPT
    step = unzigzag(load<u64>(scratch))
    at = decodeIntegers(timestamps, samples, 1, at, end, integersWorkAt(work, samples))
    if (at == 0) return CORRUPT
    for (let i = 0; i < samples; i++) {
      const place = timestamps + (<usize>i << 3)
      store<f64>(place, <f64>(load<i64>(place) + time))
      time += step
    }
  }
  for (let column = 0; column < columns; column++) {
    at = decodeValues(values + <usize>column * stride, samples, at, end, work)
    if (at == 0) return CORRUPT
  }
  return at == end ? DONE : CORRUPT
}

/**
 * Decodes chunks that lie one behind the other into columns that do the same.
 *
 * @param input u8, and 64 bytes more that may be read        @param lengths u32[chunks]
 * @param columns of every chunk        @param capacity samples that there is room for
 * @param work chunk_work_bytes(samples of the largest)
 * @param timestamps f64[capacity]        @param values f64[columns][capacity]
 * @param result i32[2]: samples decoded, chunks decoded
 * @returns 0 done; of the first that is not: 1 unknown version, 2 corrupt, 3 too many samples, 4 other
 * columns. What was decoded before it stays.
 */
export function chunk_decode(
  input: usize, lengths: usize, chunks: i32, columns: i32, capacity: i32, work: usize,
  timestamps: usize, values: usize, result: usize,
): i32 {
  let samples = 0
  let code = DONE
  let chunk = 0
  for (; chunk < chunks; chunk++) {
    const length = <usize>load<u32>(lengths + (<usize>chunk << 2))
    const offset = <usize>samples << 3
    code = decodeOne(
      input, length, columns, <usize>capacity << 3, capacity - samples, work, timestamps + offset,
      values + offset, result,
    )
    if (code != DONE) break
    samples += load<i32>(result)
    input += length
  }
  store<i32>(result, samples)
  store<i32>(result, chunk, 4)
  return code
}
