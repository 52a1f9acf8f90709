/** The fault's place; JSON.parse of the same text says why. */
export interface ObjectFault {
  readonly ok: false
  readonly offset: number
}

/** A member's value that somebody else read, and the byte behind it; or the fault within. */
export type TakenValue =
  | { readonly ok: true; readonly value: unknown; readonly end: number }
  | ObjectFault

/** Reads the value of a member from `offset` on; undefined leaves it to JSON.parse. */
export type TakeValue = (key: string, offset: number) => TakenValue | undefined

export type ScannedObject =
  | { readonly ok: true; readonly members: ReadonlyMap<string, unknown> }
  | ObjectFault

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d

/** A byte order mark is a character here: JSON has none within the text. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const isSpace = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

/** First byte from `offset` on that is no white space of JSON. */
export const skipSpace = (bytes: Uint8Array, offset: number): number => {
  let at = offset
  while (isSpace(bytes[at])) at++
  return at
}

/** Byte behind the string whose opening quote is at `offset`; the length where it does not end. */
const stringEnd = (bytes: Uint8Array, offset: number): number => {
  let at = offset + 1
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1
  return Math.min(at + 1, bytes.length)
}

/** Byte behind the object or array at `offset`, by its brackets alone. */
const nestedEnd = (bytes: Uint8Array, offset: number): number => {
  let depth = 0
  for (let at = offset; at < bytes.length; ) {
    const byte = bytes[at]
    if (byte === QUOTE) {
      at = stringEnd(bytes, at)
      continue
    }
    at++
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++
    else if ((byte === CLOSE_BRACE || byte === CLOSE_BRACKET) && --depth === 0) return at
  }
  return bytes.length
}

/** Byte behind the value at `offset`, whatever is wrong inside it: JSON.parse looks at that. */
const valueEnd = (bytes: Uint8Array, offset: number): number => {
  const first = bytes[offset]
  if (first === QUOTE) return stringEnd(bytes, offset)
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return nestedEnd(bytes, offset)
  let at = offset
  while (at < bytes.length) {
    const byte = bytes[at]
    if (byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET || isSpace(byte)) break
    at++
  }
  return at
}

const parseRange = (bytes: Uint8Array, offset: number, end: number): TakenValue => {
  try {
    return { ok: true, value: JSON.parse(utf8.decode(bytes.subarray(offset, end))), end }
  } catch {
    // TypeError: not UTF-8. SyntaxError: not JSON.
    return { ok: false, offset }
  }
}

/**
 * The members of a JSON object, without making one text of it: `take` may read the values it knows,
 * such as long arrays of numbers; JSON.parse reads each of the others.
 *
 * Accepts exactly the UTF-8 texts, with or without a byte order mark, that JSON.parse accepts and
 * gives an object for, as far as `take` is as strict; of equal keys the last one stays.
 *
 * @param bytes u8[n]
 */
export function scanObject(bytes: Uint8Array, take: TakeValue = () => undefined): ScannedObject {
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  const members = new Map<string, unknown>()
  let at = skipSpace(bytes, hasMark ? 3 : 0)
  if (bytes[at] !== OPEN_BRACE) return { ok: false, offset: at }
  at = skipSpace(bytes, at + 1)
  if (bytes[at] === CLOSE_BRACE) {
    at = skipSpace(bytes, at + 1)
    return at === bytes.length ? { ok: true, members } : { ok: false, offset: at }
  }
  for (;;) {
    if (bytes[at] !== QUOTE) return { ok: false, offset: at }
    const key = parseRange(bytes, at, stringEnd(bytes, at))
    if (!key.ok) return key
    at = skipSpace(bytes, key.end)
    if (bytes[at] !== COLON) return { ok: false, offset: at }
    at = skipSpace(bytes, at + 1)
    const name = String(key.value)
    const value = take(name, at) ?? parseRange(bytes, at, valueEnd(bytes, at))
    if (!value.ok) return value
    members.set(name, value.value)
    at = skipSpace(bytes, value.end)
    if (bytes[at] === CLOSE_BRACE) {
      at = skipSpace(bytes, at + 1)
      return at === bytes.length ? { ok: true, members } : { ok: false, offset: at }
    }
    if (bytes[at] !== COMMA) return { ok: false, offset: at }
    at = skipSpace(bytes, at + 1)
  }
}
