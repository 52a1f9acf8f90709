import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileMatchers, type Matcher } from '../../../src/fleet/series/matchers.ts'
import { compilePattern } from '../../../src/fleet/series/pattern.ts'

const matches = (pattern: string, text: string): boolean => {
  const compiled = compilePattern(pattern)
  if (!compiled.ok) throw new Error(compiled.error)
  return compiled.value.matches(text)
}

describe('patterns of label matchers', () => {
  it.each([
    ['web.*', 'web-01', true],
    ['web.*', 'my-web', false],
    ['', '', true],
    ['', 'a', false],
    ['.+', '', false],
    ['.*', 'two\nlines', true],
    ['(?-s).*', 'two\nlines', false],
    ['(?i)WEB-\\d{2}', 'web-07', true],
    ['(?i:WEB)-a', 'web-A', false],
    ['a|b|', '', true],
    ['(?:api|web)-(eu|us)-[0-9]+', 'api-us-12', true],
    ['(?P<zone>eu|us)', 'eu', true],
    ['[^a-c]+', 'xyz', true],
    ['[^a-c]+', 'xbz', false],
    ['[]a-]+', 'a]-', true],
    ['[[:alpha:]_]+', 'ab_', true],
    ['[[:^digit:]]+', 'ab1', false],
    ['\\pL+', 'Grüße', true],
    ['\\p{Greek}+', 'αβγ', true],
    ['\\PL+', '12', true],
    ['\\Qa.b\\E+', 'a.bbb', true],
    ['a{2,3}', 'aaaa', false],
    ['a{2,}', 'aaaa', true],
    ['a{,2}', 'a{,2}', true],
    ['^abc$', 'abc', true],
    ['x^abc', 'xabc', false],
    ['a$b|c', 'c', true],
    ['\\x41\\x{1F600}', 'A😀', true],
    ['/var/lib/docker\\-1', '/var/lib/docker-1', true],
  ] as const)('%s on %j is %s', (pattern, text, expected) => {
    expect(matches(pattern, text)).toBe(expected)
  })

  it.each([
    '(a',
    'a)',
    '[a',
    '*a',
    'a**',
    'a++',
    '\\1',
    '(?=a)',
    '(?<!a)',
    '\\bword',
    '(?P<a-b>x)',
    '[b-a]',
    'a{3,2}',
    'a{1001}',
    '(a{1000}){1000}',
    '\\p{Nowhere}',
    '(?m)^a',
    'a\\',
  ])('does NOT take %s', (pattern) => {
    expect(compilePattern(pattern).ok).toBe(false)
  })

  it('does NOT take what is nested or written beyond the bounds', () => {
    expect(compilePattern('('.repeat(1_000)).ok).toBe(false)
    expect(compilePattern('a'.repeat(5_000)).ok).toBe(false)
  })

  it('agrees with the language’s own expressions', () => {
    const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '(a|b)', '(ab)', '(?:b|)')
    const piece = fc.tuple(atom, fc.constantFrom('', '*', '+', '?', '{2}', '{1,3}', '*?'))
    const source = fc
      .array(fc.array(piece, { maxLength: 4 }), { minLength: 1, maxLength: 3 })
      .map((parts) => parts.map((list) => list.map((pair) => pair.join('')).join('')).join('|'))
    const text = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 8 })
    fc.assert(
      fc.property(source, text, (pattern, chars) => {
        const expected = new RegExp(`^(?:${pattern})$`, 'su').test(chars.join(''))
        expect(matches(pattern, chars.join(''))).toBe(expected)
      }),
      { seed: 42, numRuns: 2_000 },
    )
  })

  it('takes what makes a backtracking engine hang', () => {
    expect(matches('(a+)+b', 'a'.repeat(4_000))).toBe(false)
    expect(matches('(a|a)*(a|a)*(a|a)*c', 'a'.repeat(4_000))).toBe(false)
  })
})

describe('matchers', () => {
  const compiled = (...matchers: Matcher[]) => {
    const result = compileMatchers(matchers)
    if (!result.ok) throw new Error(result.error.detail)
    return result.value
  }

  it('match an absent label like an empty one', () => {
    const [equal, pattern, unequal] = compiled(
      { name: 'a', op: '=', value: '' },
      { name: 'a', op: '=~', value: 'x|' },
      { name: 'a', op: '!=', value: 'x' },
    )
    expect([equal, pattern, unequal].map((matcher) => matcher?.matchesAbsent)).toEqual([
      true,
      true,
      true,
    ])
    expect(compiled({ name: 'a', op: '!~', value: '.*' })[0]?.matchesAbsent).toBe(false)
  })

  it('know the values of a list without running an automaton', () => {
    expect(compiled({ name: 'a', op: '=~', value: 'x|y' })[0]?.values).toEqual(['x', 'y'])
    expect(compiled({ name: 'a', op: '!~', value: 'x|y' })[0]?.values).toBeNull()
  })

  it('name the label whose pattern is faulty', () => {
    expect(compileMatchers([{ name: 'job', op: '=~', value: '(' }])).toEqual({
      ok: false,
      error: { reason: 'invalid-pattern', name: 'job', detail: 'missing )' },
    })
  })
})
