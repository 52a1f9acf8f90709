import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  millisecondsOf,
  type Precision,
  readInfluxLines,
} from '../../../src/fleet/ingest/influx-lines.ts'
import '../../kernels/load.ts'
import { samplesOf } from './series-read.ts'

const now = 1_772_366_400_000

const read = (text: string, precision: Precision = 'ns', isRepaired = false) => {
  const write = readInfluxLines(text, { precision, now, isRepaired })
  if (!write) throw new Error('too many samples')
  return write
}

const samples = (text: string, precision: Precision = 'ns') => samplesOf(read(text, precision))
const refusals = (text: string) => read(text).refused.map(({ index, reason }) => [index, reason])

describe('Influx lines', () => {
  it('name a series by measurement and field, and take tags as labels', () => {
    const text =
      'cpu,cpu=cpu-total,host=web-1 usage_idle=97.5,usage_user=1i 1772366400123456789\n' +
      'temperature,room=a value=21.5\n'
    expect(samples(text)).toEqual({
      'cpu_usage_idle{cpu="cpu-total",host="web-1"}': [[now + 123, 97.5]],
      'cpu_usage_user{cpu="cpu-total",host="web-1"}': [[now + 123, 1]],
      'temperature{room="a"}': [[now, 21.5]],
    })
  })

  it.each([
    ['1', 1],
    ['-1.5e3', -1_500],
    ['+.5', 0.5],
    ['1.', 1],
    ['9223372036854775807i', 2 ** 63],
    ['-9223372036854775808i', -(2 ** 63)],
    ['18446744073709551615u', 2 ** 64],
    ['t', 1],
    ['TRUE', 1],
    ['False', 0],
    ['-0', -0],
  ])('read the field %s as %s', (field, value) => {
    expect(samples(`a value=${field}`)).toEqual({ a: [[now, value]] })
  })

  it.each([
    ['nan', 'not-finite'],
    ['-Inf', 'not-finite'],
    ['1e999', 'not-finite'],
    ['9223372036854775808i', 'invalid-line'],
    ['-1u', 'invalid-line'],
    ['1.5i', 'invalid-line'],
    ['i', 'invalid-line'],
    ['0x10', 'invalid-line'],
    ['tru', 'invalid-line'],
    ['', 'invalid-line'],
    ['1f', 'invalid-line'],
    ['.', 'invalid-line'],
  ])('refuse the field %s: %s', (field, reason) => {
    expect(refusals(`a value=${field}`)).toEqual([[0, reason]])
  })

  it('leave text out, whatever stands in it, and keep what stands beside it', () => {
    const text = 'a s="x,y=1 \\"z\\\\",n=1 1000000\nb s="over\ntwo lines",n=2 2000000\nc s="only"'
    expect(samples(text)).toEqual({ a_n: [[1, 1]], b_n: [[2, 2]] })
    expect(refusals(text)).toEqual([])
  })

  it('undo escapes where they escape something', () => {
    expect(samples('my\\ m\\,x,k\\=1=v\\ \\,\\=w,p=c:\\dir f\\ 1=1')).toEqual({
      'my_m_x_f_1{k_1="v ,=w",p="c:\\dir"}': [[now, 1]],
    })
  })

  it('skip comments, blank lines and the carriage returns of Windows', () => {
    expect(samples('# cpu value=1\r\n\r\n  a value=1 1000000\r\n')).toEqual({ a: [[1, 1]] })
  })

  it('are refused one by one, by their number', () => {
    const text = [
      'good value=1',
      'no fields',
      ',tag=a value=1',
      'a,tag value=1',
      'a,tag= value=1',
      'a,=x value=1',
      'a, value=1',
      'a value=1 yesterday',
      'a value=1 1 1',
      'a value=1,',
      'a value="x"y',
      'a,b=c=d value=1',
      'a',
      'good value=2 1000000',
    ].join('\n')
    expect(refusals(text).map(([index]) => index)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
    expect(samples(text)).toEqual({ good: [[now, 1], [1, 2]] }) // biome-ignore format: pairs
  })

  it('do not let a string without end swallow the lines behind it', () => {
    const text = 'a s="open\nb value=1 1000000\nc s="open too\nd value=2 1000000'
    // Between the quotes of lines 0 and 2 lies one string, as far as the syntax goes.
    expect(refusals('a s="open\nb value=1 1000000')).toEqual([[0, 'invalid-line']])
    expect(Object.keys(samples('a s="open\nb value=1 1000000'))).toEqual(['b'])
    expect(Object.keys(samples(text))).toEqual(['d'])
  })

  it('number lines behind a string of several lines as the sender sees them', () => {
    expect(refusals('a s="1\n2\n3"\nbad')).toEqual([[3, 'invalid-line']])
  })

  it('refuse names and tags that make no label set', () => {
    expect(refusals('ü ü=1\na,x=1,x=2 value=1\na,__name__=b value=1')).toEqual([
      [0, 'invalid-labels'],
      [1, 'invalid-labels'],
    ])
  })

  it('refuse lines whose bytes were no text', () => {
    const write = read('a,t=\ufffd value=1\nb value=2', 'ns', true)
    expect(write.refused).toMatchObject([{ index: 0, reason: 'invalid-utf8' }])
    expect(samplesOf(write)).toEqual({ b: [[now, 2]] })
  })

  it('are read in time that grows with their length alone', () => {
    const lines = 60_000
    const noQuotes = read('a,t=x value=1 1000000\n'.repeat(lines))
    expect(noQuotes.values).toHaveLength(lines)
    expect(read('a,t="x value=1 1000000\n'.repeat(lines)).values).toHaveLength(lines)
    expect(read('a value="x 1000000\n'.repeat(lines - 1)).refused.length).toBeGreaterThan(1)
  })

  it('are too many beyond what is stored at once', () => {
    const text = 'a value=1\n'.repeat(1_000_001)
    expect(readInfluxLines(text, { precision: 'ns', now, isRepaired: false })).toBeNull()
  })
})

describe('the timestamp of a line', () => {
  it.each<[string, Precision, number | null]>([
    ['1772366400123999999', 'ns', now + 123],
    ['1772366400123999', 'us', now + 123],
    ['1772366400123', 'ms', now + 123],
    ['1772366400', 's', now],
    ['-1', 'ns', -1],
    ['-1000000', 'ns', -1],
    ['-1000001', 'ns', -2],
    ['-9223372036854775808', 'ns', -9_223_372_036_855],
    ['9223372036854775807', 'ns', 9_223_372_036_854],
    ['9223372036854775808', 'ns', null],
    ['9223372036854775807', 's', null],
    ['9007199254740992', 'ms', 2 ** 53],
    ['9007199254740993', 'ms', null],
    ['0', 'ns', 0],
  ])('%s in %s is %s ms', (text, precision, expected) => {
    expect(millisecondsOf(text, precision)).toBe(expected)
  })
})

describe('any text', () => {
  it('gives a write whose lines are stored, refused or left out', () => {
    const piece = fc.constantFrom(
      'a',
      ',',
      '=',
      ' ',
      '"',
      '\\',
      '\n',
      '1',
      'i',
      't',
      '#',
      '\r',
      'ü',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const text = pieces.join('')
        const { refused, values } = read(text)
        const lines = text.split('\n').length
        for (const { index } of refused) expect(index).toBeLessThan(lines)
        expect(values.every(Number.isFinite)).toBe(true)
      }),
      { seed: 42, numRuns: 5_000 },
    )
  })
})
