import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { getKernels } from '../../src/kernels/module.ts'
import { JsonText, type ParsedNumbers, parseNumbers } from '../../src/kernels/parse.ts'
import { random } from './cases.ts'
import { BUILDS, useBuild } from './load.ts'

/** A million numbers of each form where the variable is set, a hundred thousand otherwise. */
const COUNT = process.env.GJALLAR_EXHAUSTIVE === '1' ? 1_000_000 : 100_000

const utf8 = new TextEncoder()
const parse = (text: string): ParsedNumbers => parseNumbers(utf8.encode(text))

/** What JSON.parse makes of an array of numbers and nulls; undefined where it is none. */
const reference = (text: string): number[] | undefined => {
  try {
    const parsed: unknown = JSON.parse(text)
    if (!Array.isArray(parsed)) return undefined
    if (!parsed.every((x) => x === null || (typeof x === 'number' && Number.isFinite(x)))) {
      return undefined
    }
    return parsed.map((x) => x ?? Number.NaN)
  } catch {
    return undefined
  }
}

/** Index of the first element that differs in a bit; −1 where none does. */
const firstDifference = (got: ArrayLike<number>, want: ArrayLike<number>): number => {
  for (let i = 0; i < Math.max(got.length, want.length); i++) {
    if (!Object.is(got[i], want[i])) return i
  }
  return -1
}

/** Fails with the numeral that was read otherwise than JSON.parse reads it. */
const expectEqualToJsonParse = (numerals: readonly string[]): void => {
  const text = `[${numerals.join(',')}]`
  const found = parse(text)
  if (!found.ok) throw new Error(`${found.error} at ${text.slice(found.offset, found.offset + 60)}`)
  const want = JSON.parse(text) as number[]
  const at = firstDifference(found.values, want)
  if (at >= 0) {
    throw new Error(`${numerals[at]} is ${want[at]}, and was read as ${found.values[at]}`)
  }
}

const bits = new BigUint64Array(1)
const asDouble = new Float64Array(bits.buffer)

/** A finite double of random bits. */
const randomDouble = (uniform: () => number): number => {
  do {
    bits[0] = (BigInt(Math.floor(uniform() * 2 ** 32)) << 32n) | BigInt((uniform() * 2 ** 32) >>> 0)
  } while (!Number.isFinite(asDouble[0]))
  return asDouble[0] ?? 0
}

/** All decimal digits of a double, or of the middle between it and the next one away from zero. */
const exactDecimal = (value: number, isMiddle = false): string => {
  asDouble[0] = Math.abs(value)
  const [pattern = 0n] = bits
  const exponent = Number(pattern >> 52n)
  const fraction = pattern & ((1n << 52n) - 1n)
  const mantissa = exponent === 0 ? fraction : fraction | (1n << 52n)
  const power = Math.max(exponent, 1) - 1075
  const scaled = isMiddle ? 2n * mantissa + 1n : mantissa
  const shift = isMiddle ? power - 1 : power
  const sign = value < 0 ? '-' : ''
  if (shift >= 0) return `${sign}${scaled << BigInt(shift)}`
  const digits = (scaled * 5n ** BigInt(-shift)).toString().padStart(-shift + 1, '0')
  return `${sign}${digits.slice(0, shift)}.${digits.slice(shift)}`
}

describe.each(BUILDS)('%s', (build) => {
  beforeAll(() => {
    useBuild(build)
  })

  describe('powers of five', () => {
    it('are what integer arithmetic gives', () => {
      const { arena, exports } = getKernels()
      const bytes = arena.u8(exports.powers_of_five(), 16 * (342 + 308 + 1)).slice()
      const words = new BigUint64Array(bytes.buffer)
      const leading = (value: bigint): bigint => {
        const length = BigInt(value.toString(2).length)
        return length >= 128n ? value >> (length - 128n) : value << (128n - length)
      }
      for (let q = -342; q <= 308; q++) {
        let want: bigint
        if (q >= 0) want = leading(5n ** BigInt(q))
        else {
          const divisor = 5n ** BigInt(-q)
          const z = BigInt((divisor - 1n).toString(2).length)
          want = leading((1n << (q >= -27 ? z + 127n : 2n * z + 128n)) / divisor + 1n)
        }
        const [high = 0n, low = 0n] = words.slice(2 * (q + 342))
        if (((high << 64n) | low) !== want) throw new Error(`5^${q} is wrong`)
      }
    })
  })

  describe('numbers', () => {
    const forms: Record<string, (x: number, uniform: () => number) => string> = {
      'the shortest form': (x) => (Object.is(x, -0) ? '-0' : String(x)),
      '17 significant digits': (x, uniform) =>
        uniform() < 0.5 ? x.toPrecision(17) : x.toExponential(16),
      '30 to 60 digits': (x, uniform) => {
        const [mantissa = '0', exponent = '0'] = x.toExponential(20).split('e')
        const all = exactDecimal(x).replace(/^-|\./g, '').replace(/^0+/, '') || '0'
        const length = 30 + Math.floor(uniform() * 31)
        const digits = all.slice(0, length).padEnd(length, '0')
        return `${mantissa.startsWith('-') ? '-' : ''}${digits[0]}.${digits.slice(1)}e${exponent}`
      },
    }
    it.each(Object.entries(forms))(
      'of random bits are read as JSON.parse reads them: %s',
      (_name, form) => {
        const uniform = random()
        for (let done = 0; done < COUNT; done += 10_000) {
          expectEqualToJsonParse(
            Array.from({ length: 10_000 }, () => form(randomDouble(uniform), uniform)),
          )
        }
      },
      600_000,
    )

    it('of everyday sizes are read as JSON.parse reads them, in every notation', () => {
      const uniform = random(7)
      for (let decade = -12; decade <= 24; decade++) {
        const values = Array.from({ length: 400 }, () => (uniform() - 0.5) * 10 ** decade)
        expectEqualToJsonParse(values.map(String))
        for (const digits of [0, 1, 2, 6, 15, 20]) {
          expectEqualToJsonParse(values.map((x) => x.toFixed(digits)).filter((s) => !/e/.test(s)))
        }
        for (const digits of [0, 3, 8, 15, 18, 25]) {
          expectEqualToJsonParse(values.map((x) => x.toExponential(digits).replace('e', 'E')))
        }
      }
    })

    it('of every length and every place of the point', () => {
      const digits = '9123456789876543219123456789876543210'
      const all: string[] = []
      for (let whole = 1; whole <= digits.length; whole++) {
        for (let length = whole; length <= digits.length; length++) {
          const fraction = digits.slice(whole, length)
          const numeral = digits.slice(0, whole) + (fraction ? `.${fraction}` : '')
          all.push(numeral, `-${numeral}`, `0.${numeral.replace('.', '')}`)
          expectEqualToJsonParse(all.slice(-3))
          expectEqualToJsonParse([`${numeral}e-7`, `${numeral}e+19`, `${numeral}E-300`])
        }
      }
      // What is beside a number decides how it is read.
      const zeros = [
        '0',
        '-0',
        '0.0',
        '-0.000000000000000000000',
        '0.5',
        '-12.25',
        '4503599627370497.5',
      ]
      for (const neighbour of ['1', '-12.5', '3.1415926535897931', '0.10000000000000000555']) {
        expectEqualToJsonParse([...all, ...zeros].flatMap((numeral) => [numeral, neighbour]))
        expectEqualToJsonParse(
          [...all, ...zeros].flatMap((n) => [n, neighbour, neighbour, neighbour]),
        )
      }
    })

    it.each([
      '4.9e-324',
      '5e-324',
      '2.4703282292062327e-324',
      '2.4703282292062328e-324',
      '2.2250738585072011e-308',
      '2.2250738585072012e-308',
      '2.2250738585072014e-308',
      '1.7976931348623157e308',
      '1.7976931348623158e308',
      '9007199254740991',
      '9007199254740992',
      '9007199254740993',
      '9007199254740993.0',
      '9007199254740993.00000000000000000000000000001',
      '9007199254740995',
      '9223372036854775807',
      '18446744073709551615',
      '18446744073709551616',
      '9999999999999999999',
      '99999999999999999999',
      '1e22',
      '1e23',
      '8.5e22',
      '1e-400',
      '0e999',
      '-0e-999',
      '-0.0',
      `0.${'0'.repeat(400)}1e400`,
      `1${'0'.repeat(308)}`,
      `1${'0'.repeat(400)}e-400`,
      `0.${'0'.repeat(30)}`,
      `3.${'0'.repeat(900)}`,
      `3.${'0'.repeat(900)}1`,
      '6.631236846766476e-316',
      '3.2378839133029012895883524125015321748630094239541372e-319',
      '7.2057594037927933e16',
      '1.00000000000000011102230246251565404236316680908203125',
      '1.00000000000000011102230246251565404236316680908203124',
      '1.00000000000000011102230246251565404236316680908203126',
      '0.500000000000000166533453693773481063544750213623046875',
      '3.518437208883201171875e13',
      '6.929495644600919896e15',
      '8511030020275656e-329',
      '1e-10000000000',
      '0e10000000000000000000000',
      `1${'0'.repeat(20)}e-0000000000000000000000000020`,
    ])('%s', (numeral) => {
      expectEqualToJsonParse(numeral.startsWith('-') ? [numeral] : [numeral, `-${numeral}`])
    })

    it('in the middle of two doubles, one digit above and below it', () => {
      const uniform = random(3)
      const ends = [
        0,
        5e-324,
        2 ** -1022 - 2 ** -1074,
        2 ** -1022,
        1,
        2 ** 53,
        2 ** 1023,
        1e23,
        0.1,
      ]
      const values = [
        ...ends,
        ...Array.from({ length: 300 }, () => Math.abs(randomDouble(uniform))),
      ]
      for (const value of values) {
        const middle = exactDecimal(value, true)
        const pointed = middle.includes('.') ? middle : `${middle}.0`
        expectEqualToJsonParse([
          middle,
          `${pointed}${'0'.repeat(900)}`,
          `${pointed}${'0'.repeat(900)}1`,
          `${pointed}1`,
          `${middle.slice(0, -1)}4`,
          `${middle.slice(0, -1)}4${middle.includes('.') ? '9'.repeat(800) : ''}`,
        ])
      }
    })

    it('of 800 digits and more', () => {
      const uniform = random(5)
      const digits = (n: number) =>
        Array.from({ length: n }, () => Math.floor(uniform() * 10)).join('')
      expectEqualToJsonParse(
        Array.from({ length: 200 }, (_, i) => `7${digits(800 + i)}.${digits(i + 1)}e-${790 + i}`),
      )
    })

    it.each([
      '1e309',
      '1e999',
      '-1e400',
      '1.7976931348623159e308',
      exactDecimal(Number.MAX_VALUE, true),
      `1${'0'.repeat(309)}`,
      '1e99999999999999999999',
    ])('beyond the range are refused at their place: %s', (numeral) => {
      expect(parse(`[1, ${numeral},2]`)).toEqual({ ok: false, error: 'not-finite', offset: 4 })
      expect(reference(`[${numeral}]`)).toBeUndefined()
    })

    it('keep the sign of zero', () => {
      const found = parse('[-0,0,-0.0,-0e5]')
      expect(found.ok && [...found.values].map((x) => Object.is(x, -0))).toEqual([
        true,
        false,
        true,
        true,
      ])
    })
  })

  describe('the array', () => {
    it.each([0, 1, 3, 4, 5, 15, 16, 17, 1023, 5000])(
      'of %i numbers with and without space',
      (n) => {
        const uniform = random()
        const values = Array.from({ length: n }, () => Math.round(uniform() * 1e6) / 100)
        for (const text of [JSON.stringify(values), JSON.stringify(values, null, 3)]) {
          const found = parse(` \t${text}`)
          expect(found).toMatchObject({ ok: true, nullCount: 0, end: text.length + 2 })
          expect(found.ok && firstDifference(found.values, values)).toBe(-1)
        }
      },
    )

    it('counts nulls and reads them as NaN', () => {
      const found = parse('[null, 1 ,null\n]')
      expect(found).toMatchObject({ ok: true, nullCount: 2, end: 16 })
      expect(found.ok && [...found.values]).toEqual([Number.NaN, 1, Number.NaN])
    })

    it('begins where it is told and leaves what follows it alone', () => {
      const text = '{"a":[1,2],"b":[3]}'
      expect(parseNumbers(utf8.encode(text), 5)).toMatchObject({ ok: true, end: 10 })
      expect(parseNumbers(utf8.encode(text), 15)).toMatchObject({ ok: true, end: 18 })
      expect(() => parseNumbers(utf8.encode(text), 20)).toThrow(RangeError)
    })

    it.each([
      ['', 'unexpected-end', 0],
      ['  ', 'unexpected-end', 2],
      ['[', 'unexpected-end', 1],
      ['[1', 'unexpected-end', 2],
      ['[1,', 'unexpected-end', 3],
      ['[1 ', 'unexpected-end', 3],
      ['[-', 'unexpected-end', 2],
      ['[1.', 'unexpected-end', 3],
      ['[1e', 'unexpected-end', 3],
      ['[1e+', 'unexpected-end', 4],
      ['[nul', 'unexpected-end', 4],
      ['1', 'unexpected-byte', 0],
      ['[1,]', 'unexpected-byte', 3],
      ['[,1]', 'unexpected-byte', 1],
      ['[1,,2]', 'unexpected-byte', 3],
      ['[1 2]', 'unexpected-byte', 3],
      ['[01]', 'unexpected-byte', 2],
      ['[-01]', 'unexpected-byte', 3],
      ['[00.5]', 'unexpected-byte', 2],
      ['[+1]', 'unexpected-byte', 1],
      ['[.5]', 'unexpected-byte', 1],
      ['[1.]', 'unexpected-byte', 3],
      ['[1.e5]', 'unexpected-byte', 3],
      ['[1e]', 'unexpected-byte', 3],
      ['[1e5.5]', 'unexpected-byte', 4],
      ['[1.5.5]', 'unexpected-byte', 4],
      ['[--1]', 'unexpected-byte', 2],
      ['[- 1]', 'unexpected-byte', 2],
      ['[0x10]', 'unexpected-byte', 2],
      ['[1_000]', 'unexpected-byte', 2],
      ['[nulx]', 'unexpected-byte', 4],
      ['[NaN]', 'unexpected-byte', 1],
      ['[Infinity]', 'unexpected-byte', 1],
      ['[1\u00a0]', 'unexpected-byte', 2],
      ['[1\u000b]', 'unexpected-byte', 2],
      ['[1\u0000]', 'unexpected-byte', 2],
      ['[1}', 'unexpected-byte', 2],
      ['[1,"2"]', 'not-a-number', 3],
      ['[[1]]', 'not-a-number', 1],
      ['[{}]', 'not-a-number', 1],
      ['[1, true]', 'not-a-number', 4],
    ])('%o is refused: %s at %i', (text, error, offset) => {
      expect(parse(text)).toEqual({ ok: false, error, offset })
      expect(reference(text)).toBeUndefined()
    })

    it('tells a fault behind many good numbers at its byte', () => {
      const good = `[${'12.5,'.repeat(10_000)}`
      expect(parse(`${good}x]`)).toEqual({
        ok: false,
        error: 'unexpected-byte',
        offset: good.length,
      })
      expect(parse(good)).toEqual({ ok: false, error: 'unexpected-end', offset: good.length })
    })

    it('stops at the capacity and writes nothing behind it', () => {
      getKernels().arena.lease((lease) => {
        const text = new JsonText(lease, utf8.encode('[1,2, 3]'))
        const output = lease.allocate(64)
        getKernels().arena.f64(output, 8).fill(-7)
        expect(text.parseNumbers(0, output, 2)).toEqual({ ok: false, error: 'too-many', offset: 6 })
        expect([...getKernels().arena.f64(output, 4)]).toEqual([1, 2, -7, -7])
        expect(text.parseNumbers(0, output, 3)).toMatchObject({ ok: true, count: 3, end: 8 })
      })
    })
  })

  describe('strings near an array of numbers', () => {
    const token = fc.constantFrom(
      ...'[ [ ] ] , , , 0 1 9 10 -1 -0 1.5 0.25 . e E - + null nul true "a" { } 1e5 1E-7 12e+3 \t \n 01 '
        .split(' ')
        .map((part) => (part === '' ? ' ' : part)),
      '\r',
      '\u000c',
      '123456789012345678901',
      '0.1234567890123456789',
    )
    const noise = fc.array(token, { maxLength: 12 }).map((parts) => parts.join(''))
    const element = fc.oneof(
      { weight: 8, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }).map(String) },
      { weight: 1, arbitrary: fc.constantFrom('null', ' 1', '2 ', '\n3\t', '1e400') },
      { weight: 1, arbitrary: noise },
    )
    const array = fc.array(element, { maxLength: 40 }).map((parts) => `[${parts.join(',')}]`)
    const text = fc.oneof(
      noise,
      noise.map((inner) => `[${inner}]`),
      array,
      fc
        .tuple(array, fc.nat(), fc.constantFrom('', ' ', ',', '0', '.', ']', '-', 'e', '\u00e9'))
        .map(([good, at, mark]) => {
          const cut = at % (good.length + 1)
          return good.slice(0, cut) + mark + good.slice(cut + 1)
        }),
    )

    it('are accepted where JSON.parse accepts them, with the same values', () => {
      fc.assert(
        fc.property(text, (candidate) => {
          const bytes = utf8.encode(candidate)
          const found = parseNumbers(bytes)
          const rest = found.ok ? utf8.encode(candidate).slice(found.end) : undefined
          const isWhole = rest?.every((byte) => [0x20, 0x09, 0x0a, 0x0d].includes(byte)) ?? false
          const want = reference(candidate)
          expect(isWhole).toBe(want !== undefined)
          if (found.ok && want) expect(firstDifference(found.values, want)).toBe(-1)
          if (!found.ok) {
            expect(found.offset).toBeLessThanOrEqual(bytes.length)
            // What comes before an unexpected byte can be completed; with the byte it cannot.
            if (found.error === 'unexpected-end') expect(found.offset).toBe(bytes.length)
          }
        }),
        { numRuns: 20_000, seed: 42 },
      )
    })
  })
})
