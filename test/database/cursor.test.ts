import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeCursor, encodeCursor } from '../../src/database/cursor.ts'

describe('a cursor', () => {
  it('carries any name and number back to the bit', () => {
    const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 100 })
    const noNul = name.filter((text) => !text.includes('\0') && text.isWellFormed())
    const number = fc.double({ noNaN: true }).map((value) => (value === 0 ? 0 : value))
    fc.assert(
      fc.property(noNul, number, fc.integer(), (text, value, whole) => {
        const keys = [String(whole), String(value), text]
        const cursor = encodeCursor('sort', keys)
        expect(cursor).toMatch(/^[\w-]+$/)
        expect(decodeCursor(cursor, 'sort', ['integer', 'number', 'text'])).toEqual({
          ok: true,
          value: keys,
        })
      }),
      { seed: 42 },
    )
  })

  it('never throws, whatever stands in its place', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(decodeCursor(text, 'sort', ['text']).ok).toBe(false)
      }),
      { seed: 42 },
    )
  })

  it.each([
    { kind: 'integer', value: '1.5' },
    { kind: 'integer', value: '' },
    { kind: 'number', value: 'NaN' },
    { kind: 'number', value: '1e999' },
    { kind: 'text', value: '' },
    { kind: 'text', value: 'a\0b' },
  ] as const)('does not take "$value" for a key of kind $kind', ({ kind, value }) => {
    expect(decodeCursor(encodeCursor('sort', [value]), 'sort', [kind]).ok).toBe(false)
  })
})
