import { describe, expect, it } from 'vitest'
import { base64Array, numberArray, textArray, uuidArray } from '../../src/database/array-literal.ts'
import { behind, orderBy, Parameters, type SortKey } from '../../src/database/keyset.ts'

const key = (expression: string, descending: boolean): SortKey => ({
  expression,
  kind: 'integer',
  descending,
})

describe('a keyset', () => {
  it('in one direction is a row comparison, which an index answers', () => {
    const parameters = new Parameters()
    const keys = [key('a', true), key('b', true)]
    expect(orderBy(keys)).toBe('a DESC, b DESC')
    expect(behind(keys, ['1', '2'], parameters)).toBe('(a, b) < ($1::bigint, $2::bigint)')
    expect(parameters.values).toEqual(['1', '2'])
  })

  it('in mixed directions compares key by key', () => {
    const keys = [key('a', true), key('b', false)]
    expect(behind(keys, ['1', '2'], new Parameters())).toBe(
      '((a < $1::bigint) OR (a = $1::bigint AND b > $2::bigint))',
    )
  })
})

describe('an array literal', () => {
  it('holds numbers, nulls, ids, quoted texts and bytes', () => {
    expect(numberArray([1.5, null, -0, 1e300])).toBe('{1.5,NULL,0,1e+300}')
    expect(numberArray([])).toBe('{}')
    expect(uuidArray(['a', 'b'])).toBe('{a,b}')
    expect(textArray(['a"b', 'c\\d', 'NULL', ''])).toBe('{"a\\"b","c\\\\d","NULL",""}')
    expect(base64Array([new Uint8Array([0, 255]), new Uint8Array()])).toBe('{"AP8=",""}')
  })
})
