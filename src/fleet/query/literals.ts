import { DURATION_MS_MAX } from './limits.ts'
import { parseFault, type Span } from './query-error.ts'

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
  y: 365 * 86_400_000,
}

const DURATION = /^(\d+(ms|[smhdwy]))+$/
const NUMBER = /^(\d[\d_]*(\.[\d_]*)?|\.\d[\d_]*)([eE][+-]?\d[\d_]*)?$/

/** ms of a duration such as `1h30m`; null where the text is none. */
export const durationMs = (text: string): number | null => {
  if (!DURATION.test(text)) return null
  let ms = 0
  for (const [, count, unit = ''] of text.matchAll(/(\d+)(ms|[smhdwy])/g))
    ms += Number(count) * (UNIT_MS[unit] ?? 0)
  return ms
}

/** The value of a number, or of a duration in seconds; `Inf`, `NaN` and `0x1f` too. */
export const numberOf = (text: string, at: Span): number => {
  const sign = text.startsWith('-') ? -1 : 1
  const digits = text.replace(/^[+-]\s*/, '')
  if (/^inf$/i.test(digits)) return sign * Number.POSITIVE_INFINITY
  if (/^nan$/i.test(digits)) return Number.NaN
  if (/^0x[\da-f]+$/i.test(digits)) return sign * Number(digits)
  if (NUMBER.test(digits)) return sign * Number(digits.replaceAll('_', ''))
  const ms = durationMs(digits)
  if (ms === null) throw parseFault(`${JSON.stringify(text)} is not a number`, at)
  return (sign * ms) / 1_000
}

/** Whole ms of seconds. Throws QueryFault beyond 100 years. */
export const millisecondsOf = (seconds: number, at: Span): number => {
  const ms = Math.round(seconds * 1_000)
  if (!(Math.abs(ms) <= DURATION_MS_MAX)) throw parseFault('duration out of range', at)
  return ms
}

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
}

const ESCAPE =
  /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{3})|([abfnrtv\\'"]))|\\/g

const utf8 = new TextEncoder()
const strictText = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The text of a literal with its quotes: escapes as in Go, none between backticks. `\x` and octal
 * escapes are bytes, so the whole must be UTF-8.
 */
export const stringOf = (literal: string, at: Span): string => {
  const quote = literal[0] ?? ''
  if (literal.length < 2 || !literal.endsWith(quote))
    throw parseFault('unterminated quoted string', at, `a closing ${quote}`)
  const inner = literal.slice(1, -1)
  if (quote === '`' || !inner.includes('\\')) return inner
  const bytes: number[] = []
  let last = 0
  const copy = (text: string) => {
    for (const byte of utf8.encode(text)) bytes.push(byte)
  }
  for (const match of inner.matchAll(ESCAPE)) {
    copy(inner.slice(last, match.index))
    const [whole, byte, short, long, octal, simple] = match
    const position = at.start + 1 + match.index
    const here = { start: position, end: position + Math.max(2, whole.length) }
    const code = Number.parseInt(short ?? long ?? '0', 16)
    if (simple !== undefined) copy(SIMPLE_ESCAPES[simple] ?? '')
    else if (byte !== undefined) bytes.push(Number.parseInt(byte, 16))
    else if (octal !== undefined && Number.parseInt(octal, 8) < 256)
      bytes.push(Number.parseInt(octal, 8))
    else if ((short ?? long) !== undefined && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff))
      copy(String.fromCodePoint(code))
    else throw parseFault('unknown escape sequence', here, 'an escape as in Go')
    last = match.index + whole.length
  }
  copy(inner.slice(last))
  try {
    return strictText.decode(Uint8Array.from(bytes))
  } catch {
    // TextDecoder refuses what is not UTF-8.
    throw parseFault('the string is not valid UTF-8', at)
  }
}
