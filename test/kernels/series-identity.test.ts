import { describe, expect, it } from 'vitest'
import { identitiesOf, identityOf } from '../../src/kernels/series-identity.ts'
import { SIZES } from './cases.ts'
import './load.ts'

const utf8 = new TextEncoder()
const some = (n: number) => Uint8Array.from({ length: n }, (_, i) => (i * 151) ^ (i >> 3))

describe('the identity of a series', () => {
  it('is MurmurHash3_x64_128: the verification of SMHasher gives 0x6384ba69', () => {
    const hashes = new Uint8Array(256 * 16)
    for (let n = 0; n < 256; n++) {
      const key = Uint8Array.from({ length: n }, (_, i) => i)
      hashes.set(new Uint8Array(identityOf(key, 256 - n).buffer), 16 * n)
    }
    expect(identityOf(hashes)[0]).toBe(0x6384ba69)
  })

  // Published with github.com/spaolacci/murmur3.
  it.each([
    ['', '0000000000000000', '0000000000000000'],
    ['hello', 'cbd8a7b341bd9b02', '5b1e906a48ae1d19'],
    ['hello, world', '342fac623a5ebc8e', '4cdcbc079642414d'],
    ['19 Jan 2038 at 3:14:07 AM', 'b89e5988b737affc', '664fc2950231b2cb'],
  ])('of %o is %s %s', (text, low, high) => {
    const words = new BigUint64Array(identityOf(utf8.encode(text)).buffer)
    expect([...words].map((word) => word.toString(16).padStart(16, '0'))).toEqual([low, high])
  })

  it.each(SIZES)('of %i bytes is the same alone and among others', (n) => {
    const parts = [some(7), some(n), some(0), some(n + 1)]
    const ends = Uint32Array.from(parts, (_, i) =>
      parts.slice(0, i + 1).reduce((sum, part) => sum + part.length, 0),
    )
    const bytes = Uint8Array.from(parts.flatMap((part) => [...part]))
    const found = identitiesOf(bytes, ends)
    expect([...found]).toEqual(parts.flatMap((part) => [...identityOf(part)]))
  })

  it('takes no ends that pass the bytes or go back', () => {
    expect(() => identitiesOf(some(4), Uint32Array.of(5))).toThrow(RangeError)
    expect(() => identitiesOf(some(4), Uint32Array.of(3, 2))).toThrow(RangeError)
    expect(identitiesOf(some(4), new Uint32Array(0))).toHaveLength(0)
  })
})
