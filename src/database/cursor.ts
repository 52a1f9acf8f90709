import { err, ok, type Result } from '../result.ts'

export type CursorError =
  | { readonly reason: 'cursor-invalid' }
  | { readonly reason: 'cursor-of-another-sort'; readonly sort: string }

/** How a key stands in a cursor and is cast in SQL. `number` may be ±Infinity: what stands for null. */
export type KeyKind = 'integer' | 'number' | 'text'

const FITS: Readonly<Record<KeyKind, (text: string) => boolean>> = {
  // 16 digits fit a bigint, whatever a forger writes.
  integer: (text) => /^-?\d{1,16}$/.test(text),
  // The one form in which a number is written here; PostgreSQL refuses some others, such as 1e999.
  number: (text) => text !== 'NaN' && text === String(Number(text)),
  // PostgreSQL refuses NUL in text.
  text: (text) => text.length >= 1 && text.length <= 512 && !text.includes('\0'),
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
    kinds.every((kind, position) => FITS[kind](keys[position] ?? ''))
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
