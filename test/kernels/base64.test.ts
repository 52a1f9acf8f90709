import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Base64Alphabet, decodeBase64 } from '../../src/kernels/base64.ts'
import { random, SIZES } from './cases.ts'
import { BUILDS, useBuild } from './load.ts'

const utf8 = new TextEncoder()
const decode = (text: string, alphabet: Base64Alphabet = 'standard') =>
  decodeBase64(utf8.encode(text), alphabet)

describe.each(BUILDS)('%s', (build) => {
  beforeAll(() => {
    useBuild(build)
  })

  describe('base64', () => {
    it.each([
      ['', ''],
      ['Zg==', 'f'],
      ['Zm8=', 'fo'],
      ['Zm9v', 'foo'],
      ['Zm9vYg==', 'foob'],
      ['Zm9vYmE=', 'fooba'],
      ['Zm9vYmFy', 'foobar'],
    ])('%o holds %o (RFC 4648 §10)', (text, want) => {
      for (const form of [text, text.replace(/=+$/, '')]) {
        expect(decode(form, 'url')).toEqual({ ok: true, bytes: utf8.encode(want) })
      }
      expect(decode(text)).toEqual({ ok: true, bytes: utf8.encode(want) })
    })

    it.each([...SIZES, 40_000])('gives %i bytes back from every form', (n) => {
      const uniform = random(n)
      const bytes = Uint8Array.from({ length: n }, () => uniform() * 256)
      const buffer = Buffer.from(bytes)
      for (let cut = 0; cut < Math.min(4, n + 1); cut++) {
        const part = buffer.subarray(cut)
        const want = { ok: true, bytes: new Uint8Array(part) }
        expect(decode(part.toString('base64'))).toEqual(want)
        expect(decode(part.toString('base64url'), 'url')).toEqual(want)
      }
    })

    it('takes the characters of one alphabet and no others, wherever they stand', () => {
      const at = [0, 5, 16, 31, 39, 62]
      for (let code = 0; code < 256; code++) {
        for (const alphabet of ['standard', 'url'] as const) {
          const marks = alphabet === 'url' ? '-_' : '+/'
          const isIn =
            /[A-Za-z0-9]/.test(String.fromCharCode(code)) ||
            marks.includes(String.fromCharCode(code))
          for (const offset of at) {
            const text = new Uint8Array(64).fill(0x41)
            text[offset] = code
            const found = decodeBase64(text, alphabet)
            if (isIn) expect(found.ok).toBe(true)
            else expect(found).toEqual({ ok: false, error: 'unexpected-byte', offset })
          }
        }
      }
    })

    it.each([
      ['Zg', 'standard', 'unexpected-end', 2],
      ['Zm8', 'standard', 'unexpected-end', 3],
      ['Z', 'url', 'unexpected-end', 1],
      ['Zm9vZ', 'url', 'unexpected-end', 5],
      ['Zg=', 'url', 'unexpected-byte', 2],
      ['Zg=', 'standard', 'unexpected-byte', 2],
      ['Z===', 'standard', 'unexpected-byte', 1],
      ['====', 'url', 'unexpected-byte', 0],
      ['Zg==Zg==', 'standard', 'unexpected-byte', 2],
      ['Zm9v====', 'standard', 'unexpected-byte', 4],
      ['Zm9v\n', 'standard', 'unexpected-byte', 4],
      ['Zm 9v', 'url', 'unexpected-byte', 2],
      ['Zh==', 'standard', 'loose-bits', 1],
      ['Zm9=', 'standard', 'loose-bits', 2],
      ['Zm9', 'url', 'loose-bits', 2],
    ] as const)('refuses %o (%s): %s at %i', (text, alphabet, error, offset) => {
      expect(decode(text, alphabet)).toEqual({ ok: false, error, offset })
    })

    it('accepts exactly the texts that an encoder makes', () => {
      const alphabet = fc.constantFrom(...'ABCZabz019+/-_= ')
      fc.assert(
        fc.property(fc.array(alphabet, { maxLength: 50 }), (characters) => {
          const text = characters.join('')
          const standard = Buffer.from(text, 'base64').toString('base64')
          expect(decode(text).ok).toBe(standard === text)
          const url = Buffer.from(text, 'base64url').toString('base64url')
          const padded = url.padEnd(Math.ceil(url.length / 4) * 4, '=')
          expect(decode(text, 'url').ok).toBe(url === text || padded === text)
        }),
        { numRuns: 5_000, seed: 42 },
      )
    })
  })
})
