import { err, ok, type Result } from '../result.ts'

export type CursorError =
  | { readonly reason: 'cursor-invalid' }
  | { readonly reason: 'cursor-of-another-sort'; readonly sort: string }

/** How a key stands in a cursor and is cast in SQL. `number` may be ±Infinity: what stands for null. */
export type KeyKind = 'integer' | 'number' | 'text'

const FORMATS: Readonly<Record<KeyKind, RegExp>> = {
  // 16 digits fit a bigint, whatever a forger writes.
  integer: /^-?\d{1,16}$/,
  number: /^-?(?:\d{1,17}(?:\.\d{1,24})?(?:e[+-]?\d{1,2})?|Infinity)$/,
  // PostgreSQL refuses NUL in text.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is the character to refuse.
  text: /^[^\u0000]{1,512}$/u,
}

const CURSOR_LENGTH_MAX = 4096

/** Opaque position behind a row: base64url of JSON `[sort, key…]`. */
export const encodeCursor = (sort: string, keys: readonly string[]): string =>
  btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify([sort, ...keys]))))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')

/** The keys of a cursor, checked against the sort that the caller asks for. Never throws. */
export const decodeCursor = (
  cursor: string,
  sort: string,
  kinds: readonly KeyKind[],
): Result<readonly string[], CursorError> => {
  const parts = parse(cursor)
  if (parts === null) return err({ reason: 'cursor-invalid' })
  const [foundSort, ...keys] = parts
  if (foundSort !== sort) return err({ reason: 'cursor-of-another-sort', sort: foundSort ?? '' })
  const fits =
    keys.length === kinds.length &&
    kinds.every((kind, position) => FORMATS[kind].test(keys[position] ?? ''))
  return fits ? ok(keys) : err({ reason: 'cursor-invalid' })
}

const parse = (cursor: string): readonly string[] | null => {
  if (cursor.length > CURSOR_LENGTH_MAX) return null
  try {
    const binary = atob(cursor.replaceAll('-', '+').replaceAll('_', '/'))
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0))
    const parts: unknown = JSON.parse(
      new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes),
    )
    const isTexts = Array.isArray(parts) && parts.every((part) => typeof part === 'string')
    return isTexts ? parts : null
  } catch {
    // Not base64, not UTF-8 or not JSON: all of them are a forged cursor.
    return null
  }
}
