import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { replaceMembers } from '../../src/gateway/json-splice.ts'

const utf8 = new TextEncoder()
const text = new TextDecoder()
const splice = (json: string, replacements: Record<string, unknown>) =>
  text.decode(replaceMembers(utf8.encode(json), replacements))

describe('members of a JSON object', () => {
  it('are replaced where they stand, and no other byte is touched', () => {
    expect(
      splice('{ "seed" : 12345678901234567890,\n\t"model" : "a" , "x": 1.0e5, "é": "\\u00e9" }', {
        model: 'b/c',
      }),
    ).toBe('{ "seed" : 12345678901234567890,\n\t"model" : "b/c" , "x": 1.0e5, "é": "\\u00e9" }')
  })

  it('are put first where there are none', () => {
    expect(splice('{"a":1}', { model: 'b', n: null })).toBe('{"model":"b","n":null,"a":1}')
    expect(splice(' { } ', { model: 'b' })).toBe(' {"model":"b" } ')
  })

  it('are left out with their comma', () => {
    expect(splice('{"a":1,"b":2,"c":3}', { a: undefined })).toBe('{"b":2,"c":3}')
    expect(splice('{"a":1, "b":2, "c":3}', { b: undefined })).toBe('{"a":1, "c":3}')
    expect(splice('{"a":1,"b":2,"c":3 }', { b: undefined, c: undefined })).toBe('{"a":1 }')
    expect(splice('{"a":1,"b":2}', { a: undefined, b: undefined, m: 1 })).toBe('{"m":1}')
    expect(splice('{"a":1}', { b: undefined })).toBe('{"a":1}')
  })

  it('are all replaced where a name comes twice, also one with escapes', () => {
    expect(splice('{"model":"a","mod\\u0065l":"b"}', { model: 'c' })).toBe(
      '{"model":"c","mod\\u0065l":"c"}',
    )
  })

  it('are told from what stands in texts and in nested objects', () => {
    const json = '{"s":"\\"model\\":\\\\","o":{"model":[{"model":"}"}]},"model":true}'
    expect(splice(json, { model: 'x' })).toBe(
      '{"s":"\\"model\\":\\\\","o":{"model":[{"model":"}"}]},"model":"x"}',
    )
  })

  it('read as JSON.parse reads the same with the members replaced', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.oneof(fc.constantFrom('model', 'a', 'b'), fc.string()), fc.jsonValue()),
        fc.jsonValue(),
        fc.nat(2),
        (object, model, indent) => {
          const plain = JSON.parse(JSON.stringify(object)) as Record<string, unknown>
          const spliced = splice(JSON.stringify(plain, null, indent), { model, a: undefined })
          const { a: _, ...rest } = plain
          expect(JSON.parse(spliced)).toEqual(JSON.parse(JSON.stringify({ ...rest, model })))
        },
      ),
      { seed: 42, numRuns: 1000 },
    )
  })

  it('are found wherever the bytes begin in memory', () => {
    const json = '{"a":"x\\\\\\"y\\\\","model":"abcdefg","é":"\\""}'
    for (let offset = 0; offset < 8; offset++) {
      const memory = new Uint8Array(200)
      const { written } = utf8.encodeInto(json, memory.subarray(offset))
      const bytes = memory.subarray(offset, offset + written)
      expect(text.decode(replaceMembers(bytes, { model: 'x' }))).toBe(json.replace('abcdefg', 'x'))
    }
  })

  it('are put into the shortest object, wherever it begins in memory', () => {
    for (const offset of [0, 1, 2, 3]) {
      const memory = new Uint8Array(8)
      utf8.encodeInto('{}', memory.subarray(offset))
      const made = replaceMembers(memory.subarray(offset, offset + 2), { model: 'm' })
      expect(new TextDecoder().decode(made)).toBe('{"model":"m"}')
    }
  })

  it('throws where no object begins', () => {
    expect(() => splice('[]', { model: 'x' })).toThrow(RangeError)
  })
})
