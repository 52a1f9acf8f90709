import { describe, expect, it } from 'vitest'
import { printable } from '../../src/fleet/vm-schema.ts'

describe('printable text', () => {
  it.each(['web-1', 'Ünïcode 🐦', 'a b'])('takes %j', (text) => {
    expect(printable(20).safeParse(text).success).toBe(true)
  })

  it.each(['', 'a\0', 'a\nb', 'a\ud800b', '\udc00', 'x'.repeat(21)])('refuses %j', (text) => {
    expect(printable(20).safeParse(text).success).toBe(false)
  })
})
