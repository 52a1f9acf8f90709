import { NeonDbError } from '@neondatabase/serverless'
import { describe, expect, it } from 'vitest'
import { isRefusalOfData, isUnavailable } from '../../src/database/faults.ts'

/** As drizzle hands it on. */
const refusal = (code: string): Error => {
  const error = new NeonDbError('refused')
  error.code = code
  return new Error('a query failed', { cause: error })
}

describe('a fault of the database', () => {
  it.each([
    ['08006', 'a broken connection'],
    ['28P01', 'a password that was changed'],
    ['3D000', 'another server in its place'],
    ['53300', 'too many connections'],
    ['57P03', 'a server that starts'],
  ])('%s, %s, passes', (code) => {
    expect(isUnavailable(refusal(code))).toBe(true)
    expect(isRefusalOfData(refusal(code))).toBe(false)
  })

  it.each(['22003', '23514', '42P01'])('%s says something about the statement', (code) => {
    expect(isUnavailable(refusal(code))).toBe(false)
  })

  it('is none where the error is not the database’s', () => {
    expect(isUnavailable(new TypeError('bug'))).toBe(false)
  })
})
