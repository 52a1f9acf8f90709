import { describe, expect, it } from 'vitest'
import type { Expression } from '../../../src/fleet/query/ast.ts'
import { EXPRESSION_LENGTH_MAX } from '../../../src/fleet/query/limits.ts'
import { parseQuery } from '../../../src/fleet/query/parse.ts'

const parsed = (text: string): Expression => {
  const result = parseQuery(text)
  if (!result.ok) throw new Error(`${text}: ${result.error.message}`)
  return result.value
}

const faultOf = (text: string) => {
  const result = parseQuery(text)
  if (result.ok) throw new Error(`${text} was taken`)
  return result.error
}

describe('numbers and strings', () => {
  it.each([
    ['42', 42],
    ['.5', 0.5],
    ['1.23e-3', 0.00123],
    ['0x3D', 61],
    ['1_000', 1000],
    ['Inf', Number.POSITIVE_INFINITY],
    ['-inf', Number.NEGATIVE_INFINITY],
    ['NaN', Number.NaN],
    ['5m', 300],
    ['1h30m', 5400],
  ])('%s is %d', (text, value) => {
    expect(parsed(text)).toMatchObject({ kind: 'number', value })
  })

  it.each([
    [String.raw`"a\tb\"c"`, 'a\tb"c'],
    [String.raw`'it\'s'`, "it's"],
    ['`raw\\n`', 'raw\\n'],
    [String.raw`"\u00e9\x41\101\U0001F600"`, 'éAA😀'],
    [String.raw`"\xc3\xa9"`, 'é'],
  ])('%s is a string with its escapes read', (text, value) => {
    expect(parsed(text)).toMatchObject({ kind: 'string', value })
  })

  it('binds a power more tightly than a sign', () => {
    expect(parsed('-1 ^ 2')).toMatchObject({ kind: 'negation', expression: { op: '^' } })
    expect(parsed('(-1) ^ 2')).toMatchObject({ kind: 'binary', op: '^' })
  })
})

describe('selectors', () => {
  it('have matchers, a range, an offset and a moment', () => {
    expect(parsed('up{job=~"a|b",x!="y"}[5m] offset -1h @ 100.5')).toMatchObject({
      kind: 'selector',
      type: 'matrix',
      matchers: [
        { name: '__name__', op: '=', value: 'up' },
        { name: 'job', op: '=~', value: 'a|b' },
        { name: 'x', op: '!=', value: 'y' },
      ],
      rangeMs: 300_000,
      offsetMs: -3_600_000,
      at: { kind: 'time', ms: 100_500 },
      start: 0,
      end: 44,
    })
  })

  it('may be subqueries with a step of their own or the default', () => {
    expect(parsed('rate(x[1m])[10m:30s] @ end()')).toMatchObject({
      kind: 'subquery',
      rangeMs: 600_000,
      stepMs: 30_000,
      at: { kind: 'end' },
    })
    expect(parsed('x[10m:]')).toMatchObject({ stepMs: null })
  })

  it('take durations that are sums of durations', () => {
    expect(parsed('x[1h + 2 * 5m]')).toMatchObject({ rangeMs: 4_200_000 })
  })

  it('take the name in braces as any other label, more than once too', () => {
    const name = (value: string, op = '=') => ({ name: '__name__', op, value })
    expect(parsed('{__name__="a",__name__="a"}')).toMatchObject({
      matchers: [name('a'), name('a')],
    })
    expect(parsed('{__name__="a",__name__!="b"}')).toMatchObject({
      matchers: [name('a'), name('b', '!=')],
    })
  })

  it('take a name in quotes', () => {
    expect(parsed('{"cpu.utilization", "host.name"="a"}')).toMatchObject({
      matchers: [
        { name: '__name__', value: 'cpu.utilization' },
        { name: 'host.name', value: 'a' },
      ],
    })
  })
})

describe('operators and aggregations', () => {
  it('keep how series are matched', () => {
    expect(parsed('a / on(x, y) group_left(z) b')).toMatchObject({
      matching: { on: true, labels: ['x', 'y'], many: 'left', include: ['z'] },
    })
    expect(parsed('a > bool ignoring(x) b')).toMatchObject({
      bool: true,
      matching: { on: false, labels: ['x'], many: null },
    })
  })

  it('keep the grouping on either side', () => {
    const grouping = { without: true, labels: ['a', 'b'] }
    expect(parsed('sum without(a, b) (x)')).toMatchObject({ op: 'sum', grouping })
    expect(parsed('sum(x) without(a, b,)')).toMatchObject({ op: 'sum', grouping })
    expect(parsed('topk(3, x)')).toMatchObject({ op: 'topk', parameter: { value: 3 } })
  })

  it('ignore comments', () => {
    expect(parsed('# all of them\nsum( # here\n x )')).toMatchObject({ op: 'sum' })
  })
})

describe('what is not PromQL', () => {
  it.each([
    ['', 'no expression found in input', 0, 0],
    ['1 +', 'unexpected end of input', 3, 3],
    ['a{b=}', 'unexpected "}"', 4, 5],
    ['a{b="x" c="y"}', 'unexpected "c"', 8, 9],
    ['rate(x[5m)', 'unexpected ")"', 9, 10],
    ['x}', 'unexpected "}"', 1, 2],
    ['1 2', 'unexpected "2"', 2, 3],
    ['sum(x) by (a', 'unexpected end of input', 12, 12],
    ['foo(x[5m])', 'unknown function with name "foo"', 0, 3],
    ['abs("a', 'unterminated quoted string', 4, 6],
    [String.raw`"a\q"`, 'unknown escape sequence', 2, 4],
    ['rate(x)', 'expected type range vector in call to function "rate", got instant vector', 5, 6],
    [
      'sum(x[5m])',
      'expected type instant vector in aggregation expression, got range vector',
      4,
      9,
    ],
    ['round(x, 1, 2)', 'expected 1 to 2 argument(s) in call to "round", got 3', 0, 14],
    ['1 > 2', 'comparisons between scalars must use BOOL modifier', 0, 5],
    ['1 and 2', 'set operator "and" not allowed in binary scalar expression', 0, 7],
    ['x + bool y', 'bool modifier can only be used on comparison operators', 0, 10],
    ['{a=~".*"}', 'vector selector must contain at least one non-empty matcher', 0, 9],
    ['x{a=~"(b"}', 'missing )', 5, 9],
    ['x{__name__="y"}', 'metric name must not be set twice: "x" or "y"', 0, 15],
    ['x{a="b",__name__!~"y"}', 'metric name must not be set twice: "x" or "y"', 0, 22],
    ['x[0s]', 'duration must be greater than 0', 2, 4],
    ['x offset 200y', 'duration out of range', 9, 13],
    ['x offset 1m offset 2m', 'offset may not be set multiple times', 0, 21],
    ['(x + y)[5m]', 'ranges only allowed for vector selectors', 1, 11],
    [
      '(x + y) offset 5m',
      'offset modifier must be preceded by an instant vector selector or range vector selector or a subquery',
      1,
      17,
    ],
    ['x offset 5m[1m]', 'no offset or @ modifiers allowed before range', 0, 15],
  ])('is refused with its place: %s', (text, message, start, end) => {
    expect(faultOf(text)).toMatchObject({ reason: 'parse', message, span: { start, end } })
  })

  it('says what could have stood there', () => {
    expect(faultOf('a{b=}')).toMatchObject({ expected: 'a quoted string' })
    expect(faultOf('rate(x[')).toMatchObject({ expected: 'a duration, ":" or "]"' })
  })
})

describe('PromQL that is not answered', () => {
  it.each([
    ['1 + info(x)', 4, 8],
    ['limitk(2, x)', 0, 6],
    ['mad_over_time(x[5m])', 0, 13],
    ['x[5m:step()]', 5, 11],
    ['a + fill(0) b', 4, 11],
    ['rate(x[5m] anchored)', 11, 19],
  ])('is told from what is wrong: %s', (text, start, end) => {
    expect(faultOf(text)).toMatchObject({ reason: 'unsupported', span: { start, end } })
  })
})

describe('bounds', () => {
  it('hold for length, nesting and selectors', () => {
    expect(faultOf(`${' '.repeat(EXPRESSION_LENGTH_MAX)}1`).reason).toBe('limit')
    expect(faultOf(`${'('.repeat(5_000)}1${')'.repeat(5_000)}`).reason).toBe('limit')
    expect(faultOf(`${'-('.repeat(2_000)}1${')'.repeat(2_000)}`).reason).toBe('limit')
    expect(faultOf(Array(2_000).fill('1').join('+')).reason).toBe('limit')
    expect(faultOf(Array(65).fill('x').join('+')).reason).toBe('limit')
  })

  it('leave room for what people write', () => {
    expect(parsed(Array(60).fill('x{a="b"}').join(' or ')).kind).toBe('binary')
    expect(parsed(`${'('.repeat(90)}1${')'.repeat(90)}`).kind).toBe('number')
  })
})

/** The structure of an expression, in parentheses. */
const structure = (expression: Expression): string => {
  switch (expression.kind) {
    case 'number':
      return `${expression.value}`
    case 'selector': {
      const [name] = expression.matchers
      const offset = expression.offsetMs === 0 ? '' : `~${expression.offsetMs / 1_000}`
      const at = expression.at?.kind === 'time' ? `@${expression.at.ms / 1_000}` : ''
      return `${name?.value}${offset}${at}`
    }
    case 'negation':
      return `-(${structure(expression.expression)})`
    case 'binary':
      return `(${structure(expression.left)} ${expression.op} ${structure(expression.right)})`
    default:
      return expression.kind
  }
}

describe('precedence', () => {
  it.each([
    ['a + b * c', '(a + (b * c))'],
    ['a * b + c', '((a * b) + c)'],
    ['a - b - c', '((a - b) - c)'],
    ['a ^ b ^ c', '(a ^ (b ^ c))'],
    ['-a ^ b', '-((a ^ b))'],
    ['-a * b', '(-(a) * b)'],
    ['2 ^ -1 ^ 2', '(2 ^ -((1 ^ 2)))'],
    ['2 - -1', '(2 - -1)'],
    ['a == b and c or d unless e', '(((a == b) and c) or (d unless e))'],
    ['a - a offset 1h', '(a - a~3600)'],
    ['a + b @ 100 * 3', '(a + (b@100 * 3))'],
    ['-a offset 5m', '-(a~300)'],
    ['a * b offset 5m + c', '((a * b~300) + c)'],
    ['a ^ b offset 5m ^ c', '(a ^ (b~300 ^ c))'],
    ['a or b offset 1h @ 7 and c', '(a or (b~3600@7 and c))'],
    ['(a + b) * c', '((a + b) * c)'],
  ])('%s is %s', (text, expected) => {
    expect(structure(parsed(text))).toBe(expected)
  })
})
