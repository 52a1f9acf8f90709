import { describe, expect, it } from 'vitest'
import { CAPTURE_VISITS_MAX, MADE_LABEL_LENGTH_MAX } from '../../../src/fleet/query/limits.ts'
import { compileReplacement } from '../../../src/fleet/query/replacement.ts'

const replaced = (pattern: string, replacement: string, text: string): string | null => {
  const replace = compileReplacement(pattern, replacement, () => undefined)
  if (!replace.ok) throw new Error(replace.error)
  return replace.value(text)
}

describe('replacements', () => {
  it.each([
    ['(.*):(.*)', '$1-$2', 'host:9100', 'host-9100'],
    ['(.*):(.*)', `\${2}`, 'a:b:c', 'c'],
    ['(.*?):(.*)', '$1', 'a:b:c', 'a'],
    ['(?P<host>[^:]+)(:(?P<port>\\d+))?', '$host/$port/$none', 'web', 'web//'],
    ['(a|ab)(c|bcd)(d*)', '$1.$2.$3', 'abcd', 'a.bcd.'],
    ['(?i)(WEB)-(\\d+)', '$2 $1', 'web-1', '1 web'],
    ['(a+)+', '$1', 'aaa', 'aaa'],
    ['(a{2}|b){2,3}', '$1', 'aabaa', 'aa'],
    ['(é.)', '<$1>', 'é😀', '<é😀>'],
    ['', 'all', '', 'all'],
    ['a(?:b)c', '$$1 $1x', 'abc', '$1 '],
  ])('of %s by %s in %s are %s', (pattern, replacement, text, expected) => {
    expect(replaced(pattern, replacement, text)).toBe(expected)
  })

  it('are none where the whole text does not match', () => {
    expect(replaced('b', 'x', 'abc')).toBeNull()
    expect(replaced('(.+)x', '$1', 'abc')).toBeNull()
  })

  it('refuse what RE2 has not', () => {
    for (const pattern of ['(a', '(a)\\1', '(?=a)', '(?P<a b>x)', 'a**', '(a{1000}){1000}'])
      expect(compileReplacement(pattern, '', () => undefined).ok).toBe(false)
  })

  it('take time in proportion to the text, whatever the pattern', () => {
    const text = `${'a'.repeat(2_000)}!`
    expect(replaced('(a*)*b', '$1', text)).toBeNull()
    expect(replaced('(a|aa)+$', '$1', text)).toBeNull()
    expect(replaced('((.*)(.*)(.*)(.*)(.*)[^!]|.*!)', 'x', text)).toBe('x')
  })

  it('tell how long a text will be before they make it', () => {
    const lengths: number[] = []
    const make = (length: number) => {
      lengths.push(length)
      if (length > MADE_LABEL_LENGTH_MAX) throw new Error('too long')
    }
    const replace = compileReplacement('(.*)', '<$1>'.repeat(10), make)
    if (!replace.ok) throw new Error(replace.error)
    expect(replace.value('abc')).toBe('<abc>'.repeat(10))
    expect(lengths).toEqual([50])
    expect(() => replace.value('x'.repeat(MADE_LABEL_LENGTH_MAX / 2))).toThrow('too long')
  })

  it('end where patterns and texts are too large together', () => {
    const replace = compileReplacement('(a?){200}.*', '$1', () => undefined)
    if (!replace.ok) throw new Error(replace.error)
    const matchMany = () => {
      for (let index = 0; index < CAPTURE_VISITS_MAX / 500_000; index++)
        replace.value(`${'b'.repeat(1_000)}${index}`)
    }
    expect(matchMany).toThrow('a pattern looks at no more than')
  })
})
