import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { scanObject, type TakeValue } from '../../src/kernels/json-object.ts'
import { parseNumbers } from '../../src/kernels/parse.ts'
import { BUILDS, useBuild } from './load.ts'

const utf8 = new TextEncoder()
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

const scan = (text: string) => scanObject(utf8.encode(text))

/** What JSON.parse makes of the bytes where that is an object. */
const reference = (bytes: Uint8Array): object | undefined => {
  try {
    const value: unknown = JSON.parse(strict.decode(bytes))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

const takeNumbers =
  (bytes: Uint8Array): TakeValue =>
  (key, offset) => {
    if (key !== 'values') return undefined
    const found = parseNumbers(bytes, offset)
    return found.ok ? { ok: true, value: [...found.values], end: found.end } : found
  }

describe.each(BUILDS)('%s', (build) => {
  beforeAll(() => {
    useBuild(build)
  })

  describe('the members of a JSON object', () => {
    it('are read one by one, those that are taken elsewhere too', () => {
      const bytes = utf8.encode(' {"values":[1,2.5], "percentiles" : [50,"]}"],"method":"exact"} ')
      const found = scanObject(bytes, takeNumbers(bytes))
      expect(found.ok && Object.fromEntries(found.members)).toEqual({
        values: [1, 2.5],
        percentiles: [50, ']}'],
        method: 'exact',
      })
    })

    it('may be named by escapes, come twice and be called __proto__', () => {
      const found = scan('{"a":1,"\\u0061":2,"__proto__":{"x":1}}')
      expect(found.ok && [...found.members]).toEqual([
        ['a', 2],
        ['__proto__', { x: 1 }],
      ])
    })

    it.each([
      ['', 0],
      ['[1]', 0],
      ['{', 1],
      ['{"a"}', 4],
      ['{"a":1', 6],
      ['{"a":1,}', 7],
      ['{,"a":1}', 1],
      ['{"a":1 "b":2}', 7],
      ['{"a":1}x', 7],
      ['{"a":}', 5],
      ['{"a":01}', 5],
      ['{"a":[1,}', 5],
      ['{"a":"b}', 5],
      ['{a:1}', 1],
      ['{"a\n":1}', 1],
      ['{"a":\ufeff1}', 5],
    ])('%o is refused at byte %i', (text, offset) => {
      expect(scan(text)).toEqual({ ok: false, offset })
      expect(reference(utf8.encode(text))).toBeUndefined()
    })

    it('may stand behind a byte order mark, and must be UTF-8', () => {
      expect(scan('\ufeff{"a":1}').ok).toBe(true)
      for (const bytes of [
        [0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d],
        [0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x7d],
      ]) {
        expect(scanObject(Uint8Array.from(bytes)).ok).toBe(false)
        expect(reference(Uint8Array.from(bytes))).toBeUndefined()
      }
    })

    it('are those of JSON.parse, also where the text was damaged', () => {
      const member = fc.oneof(
        fc.json({ maxDepth: 3 }).map((value) => `"k":${value}`),
        fc
          .array(fc.double({ noNaN: true, noDefaultInfinity: true }), { maxLength: 5 })
          .map((values) => `"values":${JSON.stringify(values)}`),
        fc.tuple(fc.string(), fc.json()).map(([key, value]) => `${JSON.stringify(key)}: ${value} `),
      )
      const text = fc
        .tuple(
          fc.array(member, { maxLength: 4 }).map((members) => `{${members.join(',')}}`),
          fc.option(
            fc.tuple(fc.nat(), fc.constantFrom('', '"', ',', '}', '{', '[', '\\', ':', ' ')),
          ),
        )
        .map(([good, damage]) => {
          if (!damage) return good
          const cut = damage[0] % (good.length + 1)
          return good.slice(0, cut) + damage[1] + good.slice(cut + 1)
        })
      fc.assert(
        fc.property(text, (candidate) => {
          const bytes = utf8.encode(candidate)
          const want = reference(bytes)
          for (const found of [scanObject(bytes), scanObject(bytes, takeNumbers(bytes))]) {
            // A `values` that is no array of numbers is refused by who takes it.
            if (!found.ok && want && 'values' in want) continue
            expect(found.ok).toBe(want !== undefined)
            if (found.ok && want) {
              expect(Object.fromEntries(found.members)).toStrictEqual({ ...want })
            }
          }
        }),
        { numRuns: 5_000, seed: 42 },
      )
    })
  })
})
