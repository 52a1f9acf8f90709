/**
 * PostgreSQL array literals, made here rather than by the driver: a flush binds arrays of thousands of
 * values, and joining them costs a fifth of the driver's quoting of each.
 * Source: PostgreSQL documentation, 8.15.6 "Array Input and Output Syntax".
 */

/** Numbers, null as NULL; for integer and double precision arrays. */
export const numberArray = (values: ReadonlyArray<number | null>): string => {
  let literal = ''
  for (const value of values) literal += `,${value === null ? 'NULL' : value}`
  return `{${literal.slice(1)}}`
}

/** Canonical UUIDs: nothing in them needs a quote. */
export const uuidArray = (ids: readonly string[]): string => `{${ids.join(',')}}`

/** Any text without NUL; null as NULL. */
export const textArray = (texts: ReadonlyArray<string | null>): string =>
  `{${texts.map((text) => (text === null ? 'NULL' : `"${text.replace(/["\\]/g, '\\$&')}"`)).join(',')}}`

/** Bytes as base64 in a text array, for `decode(…, 'base64')`: two thirds of the hexadecimal form. */
export const base64Array = (blobs: readonly Uint8Array[]): string =>
  `{${blobs.map((blob) => `"${toBase64(blob)}"`).join(',')}}`

/** Bytes that one call of `String.fromCharCode` may spread; more overflows the stack. */
const CHUNK_BYTES = 8192

const toBase64 = (bytes: Uint8Array): string => {
  let binary = ''
  for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
    binary += String.fromCharCode(...bytes.subarray(start, start + CHUNK_BYTES))
  }
  return btoa(binary)
}
