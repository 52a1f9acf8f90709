import type { KeyKind } from './cursor.ts'

/** One column of an order. The last key of an order must make it total. */
export interface SortKey {
  readonly expression: string
  readonly kind: KeyKind
  readonly descending: boolean
}

const CASTS: Readonly<Record<KeyKind, string>> = {
  integer: 'bigint',
  number: 'double precision',
  text: 'text',
}

/** Collects the parameters of a statement; `add` returns the placeholder. */
export class Parameters {
  readonly values: Array<string | null> = []

  add(value: string | number | null, cast: string): string {
    this.values.push(value === null ? null : String(value))
    return `$${this.values.length}::${cast}`
  }
}

export const orderBy = (keys: readonly SortKey[]): string =>
  keys.map(({ expression, descending }) => `${expression}${descending ? ' DESC' : ''}`).join(', ')

/**
 * Predicate "behind the row with these keys in this order". One direction makes a row comparison,
 * which a btree index answers; mixed directions make a chain of OR.
 */
export const behind = (
  keys: readonly SortKey[],
  values: readonly string[],
  parameters: Parameters,
): string => {
  const bound = keys.map((key, position) => ({
    ...key,
    value: parameters.add(values[position] ?? null, CASTS[key.kind]),
  }))
  const [first] = bound
  if (first === undefined) return 'true'
  if (bound.every(({ descending }) => descending === first.descending)) {
    const expressions = bound.map(({ expression }) => expression).join(', ')
    const placeholders = bound.map(({ value }) => value).join(', ')
    return `(${expressions}) ${first.descending ? '<' : '>'} (${placeholders})`
  }
  const alternatives = bound.map(({ expression, descending, value }, position) =>
    [
      ...bound.slice(0, position).map((earlier) => `${earlier.expression} = ${earlier.value}`),
      `${expression} ${descending ? '<' : '>'} ${value}`,
    ].join(' AND '),
  )
  return `((${alternatives.join(') OR (')}))`
}
