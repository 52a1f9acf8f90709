import { describe, expect, it } from 'vitest'
import { milliseconds, share, shortHash, term, tokens } from '../../dashboard/src/llm/measures.ts'
import { nanoUsd, usd } from '../../dashboard/src/llm/money.ts'

describe('money of requests', () => {
  it.each([
    [0, '$0'],
    [1e-9, '<$0.000001'],
    [0.000009, '$0.0000090'],
    [0.000182, '$0.00018'],
    [0.0099999, '$0.010'],
    [0.0432, '$0.0432'],
    [3.456, '$3.46'],
    [12_916.4, '$12,916'],
    [-0.0119, '−$0.0119'],
    [-1e-9, '>−$0.000001'],
    [Number.NaN, '–'],
    [null, '–'],
    [undefined, '–'],
  ])('%s dollars read %s', (value, text) => expect(usd(value)).toBe(text))

  it('is counted in billionths where sums must be exact', () => {
    expect(nanoUsd(2_176_700)).toBe('$0.0022')
    expect(nanoUsd(1)).toBe('<$0.000001')
  })
})

describe('measures of requests', () => {
  it.each([
    [4.478, '4.5 ms'],
    [9.96, '10 ms'],
    [999.4, '999 ms'],
    [999.6, '1.00 s'],
    [9_996, '10.0 s'],
    [95_000, '95.0 s'],
    [null, '–'],
  ])('%s ms read %s', (ms, text) => expect(milliseconds(ms)).toBe(text))

  it.each([
    [0, '0'],
    [9_999, '9,999'],
    [12_345, '12.3k'],
    [999_499, '999k'],
    [999_500, '1.00M'],
    [1.5e6, '1.50M'],
  ])('%d tokens read %s', (count, text) => expect(tokens(count)).toBe(text))

  it('do not call little nothing, nor nothing little', () => {
    expect(share(0)).toBe('0 %')
    expect(share(0.0001)).toBe('<0.1 %')
    expect(share(0.425)).toBe('42.5 %')
    expect(share(-0.031)).toBe('−3.1 %')
    expect(share(null)).toBe('–')
  })

  it('write terms of a score with a real minus and without a negative nothing', () => {
    expect(term(0.5183)).toBe('0.518')
    expect(term(-0.0665)).toBe('−0.067')
    expect(term(-0.0001)).toBe('0.000')
    expect(term(-0)).toBe('0.000')
  })

  it('shorten a version to its beginning', () => {
    expect(shortHash('0d9764d2c03c3620686e9600769f2b43')).toBe('0d9764d2c0')
  })
})
