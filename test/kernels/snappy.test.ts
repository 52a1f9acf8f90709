import fc from 'fast-check'
import SnappyJS from 'snappyjs'
import { describe, expect, it } from 'vitest'
import { decompressSnappy } from '../../src/kernels/snappy.ts'
import { random, SIZES } from './cases.ts'
import { kernels } from './load.ts'

const utf8 = new TextEncoder()
const MAX = 1 << 20
const literal = (text: string): number[] => [(text.length - 1) << 2, ...utf8.encode(text)]
const decompress = (...block: number[]) => decompressSnappy(Uint8Array.from(block), MAX)
const bytes = (text: string) => ({ ok: true, bytes: utf8.encode(text) })
const compress = (plain: Uint8Array) => SnappyJS.compress(plain)

describe('snappy', () => {
  it.each([...SIZES, 65_535, 65_536, 200_000])('gives %i bytes back', (n) => {
    const uniform = random(n)
    for (const letters of [1, 2, 20, 256]) {
      const plain = Uint8Array.from({ length: n }, () => uniform() * letters)
      expect(decompressSnappy(compress(plain), MAX)).toEqual({ ok: true, bytes: plain })
    }
  })

  it('repeats from any distance, any number of bytes', () => {
    const seed = 'abcdefghijklmnopqrstuvwxyz0123456789'
    for (let distance = 1; distance <= seed.length; distance++) {
      for (let count = 1; count <= 64; count++) {
        const block = [seed.length + count, ...literal(seed), ((count - 1) << 2) | 2, distance, 0]
        const start = seed.slice(-distance)
        const want = seed + start.repeat(65).slice(0, count)
        expect(decompress(...block)).toEqual(bytes(want))
      }
    }
  })

  it('reads every form of a literal and of a copy', () => {
    const forms = [
      [0xf0, 3], // 61 would be the short form of 60
      [0xf4, 3, 0],
      [0xf8, 3, 0, 0],
      [0xfc, 3, 0, 0, 0],
    ]
    for (const form of forms) {
      expect(decompress(4, ...form, ...utf8.encode('abcd'))).toEqual(bytes('abcd'))
    }
    const copies = [
      [0x01, 2],
      [0x0e, 2, 0],
      [0x0f, 2, 0, 0, 0],
    ]
    for (const copy of copies) {
      expect(decompress(6, ...literal('ab'), ...copy)).toEqual(bytes('ababab'))
    }
    expect(decompress(0)).toEqual(bytes(''))
  })

  it.each([
    { name: 'nothing', block: [], error: 'unexpected-end', offset: 0 },
    { name: 'a size that is cut off', block: [0x80], error: 'unexpected-end', offset: 1 },
    {
      name: 'a size of six bytes',
      block: [0xff, 0xff, 0xff, 0xff, 0xff, 1],
      error: 'bad-size',
      offset: 4,
    },
    {
      name: '4 GB that are declared',
      block: [0xff, 0xff, 0xff, 0xff, 0x0f, 0, 65],
      error: 'bad-size',
      offset: 0,
    },
    { name: 'no element', block: [1], error: 'bad-size', offset: 0 },
    {
      name: 'a literal that is cut off',
      block: [4, 12, 65, 65],
      error: 'unexpected-end',
      offset: 1,
    },
    {
      name: 'a literal of 4 GB',
      block: [4, 0xfc, 255, 255, 255, 255, 65],
      error: 'unexpected-end',
      offset: 1,
    },
    {
      name: "a literal's length that is cut off",
      block: [4, 0xfc, 3],
      error: 'unexpected-end',
      offset: 1,
    },
    {
      name: 'a copy that is cut off',
      block: [6, ...literal('ab'), 0x0f, 2, 0, 0],
      error: 'unexpected-end',
      offset: 4,
    },
    {
      name: 'a copy from 0 bytes back',
      block: [6, ...literal('ab'), 0x01, 0],
      error: 'bad-offset',
      offset: 4,
    },
    {
      name: 'a copy from before the beginning',
      block: [6, ...literal('ab'), 0x01, 3],
      error: 'bad-offset',
      offset: 4,
    },
    {
      name: 'a copy from 4 GB back',
      block: [6, ...literal('ab'), 0x0f, 255, 255, 255, 255],
      error: 'bad-offset',
      offset: 4,
    },
    { name: 'a copy at the start', block: [4, 0x01, 1], error: 'bad-offset', offset: 1 },
    {
      name: 'more than was declared, copied',
      block: [5, ...literal('ab'), 0x01, 2],
      error: 'too-long',
      offset: 4,
    },
    {
      name: 'more than was declared, literally',
      block: [1, ...literal('ab')],
      error: 'too-long',
      offset: 1,
    },
    {
      name: 'less than was declared',
      block: [3, ...literal('ab')],
      error: 'too-short',
      offset: 4,
    },
  ])('refuses $name', ({ block, error, offset }) => {
    expect(decompress(...block)).toEqual({ ok: false, error, offset })
    expect(kernels.arena.liveBlocks).toBe(0)
  })

  it('takes no more than it may, and no memory to say so', () => {
    const block = compress(new Uint8Array(100_000))
    const before = kernels.arena.memoryBytes
    expect(decompressSnappy(block, 99_999)).toEqual({ ok: false, error: 'too-large', offset: 0 })
    expect(kernels.arena.memoryBytes).toBe(before)
    expect(decompressSnappy(block, 100_000).ok).toBe(true)
  })

  it('gives what another decoder gives, or a fault, for any bytes', () => {
    const element = fc.oneof(
      fc
        .string({ minLength: 1, maxLength: 20 })
        .map((text) => literal(text.replace(/[^ -~]/g, 'x'))),
      fc.tuple(fc.nat(7), fc.nat(40)).map(([size, distance]) => [(size << 2) | 1, distance]),
      fc
        .tuple(fc.nat(63), fc.nat(300))
        .map(([size, distance]) => [(size << 2) | 2, distance & 255, distance >> 8]),
    )
    fc.assert(
      fc.property(fc.array(element, { maxLength: 12 }), fc.nat(127), (elements, size) => {
        const block = Uint8Array.from([size, ...elements.flat()])
        const found = decompressSnappy(block, MAX)
        let want: Uint8Array | undefined
        try {
          want = SnappyJS.uncompress(block)
        } catch {
          // Its words for a malformed block.
        }
        if (found.ok) expect(found.bytes).toEqual(want)
        // It reads nothing as zeros where an element is cut off, so only some faults are seen there.
        else expect(found.offset).toBeLessThanOrEqual(block.length)
      }),
      { seed: 42, numRuns: 3000 },
    )
  })
})
