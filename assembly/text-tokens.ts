/**
 * Tokens of a text and nothing else of it. ASCII, which most texts are, is taken 64 bytes at a time: a
 * run of letters is ones in a word of 64 bits, and a token begins where a run does and at every seventh
 * place behind that is still in it.
 */
import { CJK, decode, kindOfAscii, kindOfPoint } from './code-points'
import { NO_RUN, RUN_OF_KIND, tokensOf } from './text'

/** The bits `shift` places on, what the block before has of them in front. */
// @ts-ignore: decorator
@inline
function moved(bits: u64, before: u64, shift: u64): u64 {
  return (bits << shift) | (before >> (64 - shift))
}

/** All places where a token begins, from those where runs do, a step apart while the run goes on. */
// @ts-ignore: decorator
@inline
function spread(starts: u64, goesOn: u64, step: u64): u64 {
  let all = starts
  for (let next = (starts << step) & goesOn; next != 0; next = (next << step) & goesOn) all |= next
  return all
}

/** Tokens of ASCII; −1 where another byte stands. As text_tokens otherwise. */
function tokensOfAscii(text: usize, count: i32): i32 {
  let tokens: u64 = 0
  // Of the block before: members, members of runs of 2, 4, …, and where tokens begin.
  let letters1: u64 = 0, letters2: u64 = 0, letters4: u64 = 0, letterStarts: u64 = 0
  let digits1: u64 = 0, digits2: u64 = 0, digitStarts: u64 = 0
  let marks1: u64 = 0, marks2: u64 = 0, marks4: u64 = 0, marks8: u64 = 0, markStarts: u64 = 0
  for (let done = 0; done < count; done += 64) {
    let letters: u64 = 0
    let digits: u64 = 0
    let spaces: u64 = 0
    let wide: u64 = 0
    for (let part = 0; part < 64; part += 16) {
      const bytes = v128.load(text + <usize>(done + part))
      const lower = v128.or(bytes, i8x16.splat(0x20))
      const isLetter = i8x16.lt_u(i8x16.sub(lower, i8x16.splat(0x61)), i8x16.splat(26))
      const isDigit = i8x16.lt_u(i8x16.sub(bytes, i8x16.splat(0x30)), i8x16.splat(10))
      const isSpace = v128.or(
        i8x16.eq(bytes, i8x16.splat(0x20)),
        i8x16.lt_u(i8x16.sub(bytes, i8x16.splat(9)), i8x16.splat(5)),
      )
      letters |= <u64>i8x16.bitmask(isLetter) << part
      digits |= <u64>i8x16.bitmask(isDigit) << part
      spaces |= <u64>i8x16.bitmask(isSpace) << part
      wide |= <u64>i8x16.bitmask(bytes) << part
    }
    const rest = count - done
    const valid: u64 = rest < 64 ? ((<u64>1) << rest) - 1 : ~(<u64>0)
    if ((wide & valid) != 0) return -1
    letters &= valid
    digits &= valid
    const marks = ~(letters | digits | spaces) & valid

    const ofLetters2 = letters & moved(letters, letters1, 1)
    const ofLetters4 = ofLetters2 & moved(ofLetters2, letters2, 2)
    const ofLetters8 = ofLetters4 & moved(ofLetters4, letters4, 4)
    const letterRuns = letters & ~moved(letters, letters1, 1)
    letterStarts = spread(letterRuns | ((letterStarts >> 57) & ofLetters8), ofLetters8, 7)
    letters1 = letters
    letters2 = ofLetters2
    letters4 = ofLetters4

    const ofDigits2 = digits & moved(digits, digits1, 1)
    const ofDigits4 = ofDigits2 & moved(ofDigits2, digits2, 2)
    const digitRuns = digits & ~moved(digits, digits1, 1)
    digitStarts = spread(digitRuns | ((digitStarts >> 61) & ofDigits4), ofDigits4, 3)
    digits1 = digits
    digits2 = ofDigits2

    const ofMarks2 = marks & moved(marks, marks1, 1)
    const ofMarks4 = ofMarks2 & moved(ofMarks2, marks2, 2)
    const ofMarks8 = ofMarks4 & moved(ofMarks4, marks4, 4)
    const ofMarks17 = ofMarks8 & moved(ofMarks8, marks8, 8) & moved(marks, marks1, 16)
    const markRuns = marks & ~moved(marks, marks1, 1)
    markStarts = spread(markRuns | ((markStarts >> 48) & ofMarks17), ofMarks17, 16)
    marks1 = marks
    marks2 = ofMarks2
    marks4 = ofMarks4
    marks8 = ofMarks8

    tokens += popcnt(letterStarts) + popcnt(digitStarts) + popcnt(markStarts)
  }
  return <i32>tokens
}

/**
 * Counts that text_scan has, too.
 *
 * @param text u8[count], UTF-8, readable to the next multiple of 64
 * @param output f64[2]: tokens without CJK, CJK letters
 */
export function textTokens(text: usize, count: i32, output: usize): void {
  let tokens = tokensOfAscii(text, count)
  let cjk = 0
  if (tokens < 0) {
    tokens = 0
    let run = NO_RUN
    let runStart = 0
    let points = 0
    const end = text + <usize>count
    for (let at = text; at < end; points++) {
      const byte = <i32>load<u8>(at)
      let kind: i32
      if (byte < 0x80) {
        kind = kindOfAscii(byte)
        at++
      } else {
        const decoded = decode(at, end)
        kind = kindOfPoint(decoded & 0xffffff)
        cjk += i32(kind == CJK)
        at += (decoded >>> 24) & 7
      }
      const nextRun = (RUN_OF_KIND >>> (kind << 2)) & 15
      if (nextRun == run) continue
      tokens += tokensOf(run, points - runStart)
      run = nextRun
      runStart = points
    }
    tokens += tokensOf(run, points - runStart)
  }
  store<f64>(output, <f64>tokens)
  store<f64>(output, <f64>cjk, 8)
}
