import type { Fields } from './chat.ts'

/** A value's JSON, or null where it is nested more deeply than V8 writes. */
export { jsonOf as writeJson } from '../routing/content.ts'

/** What others send is looked at through these: a value of another kind is as if it were absent. */
export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const NOTHING: Fields = Object.freeze({})

/** The object, or one without fields. */
export const fieldsOf = (value: unknown): Fields => (isFields(value) ? value : NOTHING)

export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

/** The text, or null; an empty one is null, too. */
export const textOf = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' ? value : null

/** A count of 0 or more, or null. */
export const countOf = (value: unknown): number | null =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : null

/** The table's value of a name that others chose; what every object has, as `constructor`, is none. */
export const ownOf = <T>(table: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined

export const isAbsent = (value: unknown): value is null | undefined =>
  value === undefined || value === null

const utf8 = new TextDecoder()

/** @returns null where the bytes are no JSON object */
export const readFields = (bytes: Uint8Array | string): Fields | null => {
  try {
    const value: unknown = JSON.parse(typeof bytes === 'string' ? bytes : utf8.decode(bytes))
    return isFields(value) ? value : null
  } catch {
    return null
  }
}
