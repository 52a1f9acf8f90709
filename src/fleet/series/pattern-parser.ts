/** Pattern text beyond this is refused. */
export const PATTERN_LENGTH_MAX = 4_096
/** Of `{n,m}`, as in RE2. */
const REPEAT_MAX = 1_000
const NESTING_MAX = 200
const CODE_POINT_MAX = 0x10ffff

/** A set of code points. */
export interface CharSet {
  readonly negated: boolean
  readonly foldCase: boolean
  /** Inclusive bounds, in pairs. */
  readonly ranges: number[]
  readonly nested: CharSet[]
  /** Unicode properties, each a RegExp of one code point. */
  readonly properties: RegExp[]
}

export type PatternNode =
  | { readonly kind: 'empty' }
  | { readonly kind: 'begin' }
  | { readonly kind: 'end' }
  | { readonly kind: 'set'; readonly set: CharSet }
  | { readonly kind: 'sequence' | 'alternatives'; readonly nodes: readonly PatternNode[] }
  /** A capturing group: numbered from 1, with '' where it has no name. */
  | {
      readonly kind: 'group'
      readonly node: PatternNode
      readonly number: number
      readonly name: string
    }
  | {
      readonly kind: 'repeat'
      readonly node: PatternNode
      readonly min: number
      readonly max: number
      /** Whether as few as possible are taken: it matters for what groups capture alone. */
      readonly lazy: boolean
    }

/** Thrown inside the parser, caught by its caller: the text says what the pattern has that is not taken. */
export class PatternFault extends Error {}

const setOf = (ranges: number[], negated = false, foldCase = false): CharSet => ({
  negated,
  foldCase,
  ranges,
  nested: [],
  properties: [],
})

const code = (char: string): number => char.codePointAt(0) ?? 0
const rangesOf = (...pairs: string[]) => pairs.flatMap((pair) => [code(pair), code(pair.slice(-1))])

const PERL: Readonly<Record<string, number[]>> = {
  d: rangesOf('09'),
  w: rangesOf('09', 'AZ', 'az', '__'),
  s: rangesOf('\t\n', '\f\r', '  '),
}
const POSIX: Readonly<Record<string, number[]>> = {
  alnum: rangesOf('09', 'AZ', 'az'),
  alpha: rangesOf('AZ', 'az'),
  ascii: [0, 0x7f],
  blank: rangesOf('\t\t', '  '),
  cntrl: [0, 0x1f, 0x7f, 0x7f],
  digit: rangesOf('09'),
  graph: rangesOf('!~'),
  lower: rangesOf('az'),
  print: rangesOf(' ~'),
  punct: rangesOf('!/', ':@', '[`', '{~'),
  space: rangesOf('\t\r', '  '),
  upper: rangesOf('AZ'),
  word: rangesOf('09', 'AZ', 'az', '__'),
  xdigit: rangesOf('09', 'AF', 'af'),
}
const CONTROL: Readonly<Record<string, number>> = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 }
const PUNCTUATION = /^[!-/:-@[-`{-~]$/

/**
 * Parser of RE2's syntax (https://github.com/google/re2/wiki/Syntax) as label matchers use it: `.`
 * takes any character. Word boundaries, `\C` and the flags m and U are refused, and so is what RE2 has
 * not: backreferences, look-around, possessive quantifiers.
 */
export class PatternParser {
  readonly #text: readonly string[]
  #position = 0
  #depth = 0
  #groups = 0
  #foldCase = false
  #dotTakesNewline = true

  constructor(text: string) {
    this.#text = Array.from(text)
  }

  parse(): PatternNode {
    const node = this.#alternatives()
    if (this.#position < this.#text.length) throw new PatternFault('unexpected )')
    return node
  }

  #peek(ahead = 0): string {
    return this.#text[this.#position + ahead] ?? ''
  }

  #take(): string {
    return this.#text[this.#position++] ?? ''
  }

  #takes(text: string): boolean {
    for (let index = 0; index < text.length; index++)
      if (this.#peek(index) !== text[index]) return false
    this.#position += text.length
    return true
  }

  #until(end: string, what: string): string {
    const from = this.#position
    while (this.#position < this.#text.length) {
      const at = this.#position
      if (this.#takes(end)) return this.#text.slice(from, at).join('')
      this.#position++
    }
    throw new PatternFault(`missing ${end} after ${what}`)
  }

  #alternatives(): PatternNode {
    if (++this.#depth > NESTING_MAX)
      throw new PatternFault(`groups are nested deeper than ${NESTING_MAX}`)
    const nodes = [this.#sequence()]
    while (this.#takes('|')) nodes.push(this.#sequence())
    this.#depth--
    return nodes.length === 1 ? (nodes[0] as PatternNode) : { kind: 'alternatives', nodes }
  }

  #sequence(): PatternNode {
    const nodes: PatternNode[] = []
    while (this.#peek() !== '' && this.#peek() !== '|' && this.#peek() !== ')') {
      if (this.#takes('\\Q')) {
        const rest = this.#text.slice(this.#position).join('')
        const end = rest.indexOf('\\E')
        const literal = end < 0 ? rest : rest.slice(0, end)
        this.#position += Array.from(literal).length + (end < 0 ? 0 : 2)
        for (const char of literal) nodes.push(this.#literal(code(char)))
        // A quantifier behind it is for the last character.
        const last = nodes.pop()
        if (last) nodes.push(this.#repeated(last))
      } else nodes.push(this.#repeated(this.#atom()))
    }
    return { kind: 'sequence', nodes }
  }

  #repeated(atom: PatternNode): PatternNode {
    let node = atom
    for (let count = 0; ; count++) {
      const bounds = this.#quantifier()
      if (!bounds) return node
      if (count > 0) throw new PatternFault('a quantifier follows a quantifier')
      const lazy = this.#takes('?')
      node = { kind: 'repeat', node, min: bounds[0], max: bounds[1], lazy }
    }
  }

  #quantifier(): readonly [number, number] | null {
    if (this.#takes('*')) return [0, Number.POSITIVE_INFINITY]
    if (this.#takes('+')) return [1, Number.POSITIVE_INFINITY]
    if (this.#takes('?')) return [0, 1]
    const found = /^\{(\d{1,6})(,(\d{0,6}))?\}/.exec(
      this.#text.slice(this.#position, this.#position + 16).join(''),
    )
    if (!found) return null
    this.#position += found[0].length
    const min = Number(found[1])
    const max =
      found[2] === undefined ? min : found[3] === '' ? Number.POSITIVE_INFINITY : Number(found[3])
    if (min > REPEAT_MAX || (Number.isFinite(max) && (max > REPEAT_MAX || max < min)))
      throw new PatternFault(`bad repetition ${found[0]}`)
    return [min, max]
  }

  #literal(point: number): PatternNode {
    return { kind: 'set', set: setOf([point, point], false, this.#foldCase) }
  }

  #atom(): PatternNode {
    const char = this.#take()
    if (char === '(') return this.#group()
    if (char === '[') return { kind: 'set', set: this.#class() }
    if (char === '.')
      return { kind: 'set', set: this.#dotTakesNewline ? setOf([], true) : setOf([10, 10], true) }
    if (char === '^') return { kind: 'begin' }
    if (char === '$') return { kind: 'end' }
    if (char === '*' || char === '+' || char === '?')
      throw new PatternFault(`nothing to repeat before ${char}`)
    if (char !== '\\') return this.#literal(code(char))
    if (this.#takes('A')) return { kind: 'begin' }
    if (this.#takes('z')) return { kind: 'end' }
    const set = this.#escape()
    return { kind: 'set', set: typeof set === 'number' ? this.#literalSet(set) : set }
  }

  #literalSet(point: number): CharSet {
    return setOf([point, point], false, this.#foldCase)
  }

  #group(): PatternNode {
    const foldCase = this.#foldCase
    const dotTakesNewline = this.#dotTakesNewline
    let name: string | null = ''
    if (this.#takes('?')) {
      if (this.#takes('P<') || (this.#peek() === '<' && /^\w$/.test(this.#peek(1)))) {
        name = this.#until('>', 'the name of a group').replace('<', '')
        if (!/^\w+$/.test(name)) throw new PatternFault('bad name of a group')
      } else if (this.#flags()) name = null
      else return { kind: 'empty' }
    }
    const number = name === null ? 0 : ++this.#groups
    const node = this.#alternatives()
    if (!this.#takes(')')) throw new PatternFault('missing )')
    this.#foldCase = foldCase
    this.#dotTakesNewline = dotTakesNewline
    return name === null ? node : { kind: 'group', node, number, name }
  }

  /** `(?i:` and the like. @returns whether a group follows; else the flags hold for what is left of this one */
  #flags(): boolean {
    let isOn = true
    for (;;) {
      const flag = this.#take()
      if (flag === ':') return true
      if (flag === ')') return false
      if (flag === '-' && isOn) isOn = false
      else if (flag === 'i') this.#foldCase = isOn
      else if (flag === 's') this.#dotTakesNewline = isOn
      else throw new PatternFault(`(?${flag} is not supported`)
    }
  }

  /** What follows a backslash: a code point, or a set. */
  #escape(): CharSet | number {
    const char = this.#take()
    const lower = char.toLowerCase()
    const perl = PERL[lower]
    if (perl) return setOf(perl, char !== lower)
    if (lower === 'p') return this.#property(char === 'P')
    const control = CONTROL[char]
    if (control !== undefined) return control
    if (char === 'x') {
      const digits = this.#takes('{') ? this.#until('}', '\\x{') : this.#take() + this.#take()
      const point = Number.parseInt(digits, 16)
      if (!/^[\da-f]{1,8}$/i.test(digits) || point > CODE_POINT_MAX)
        throw new PatternFault('bad \\x escape')
      return point
    }
    if (char === '0') return 0
    if (PUNCTUATION.test(char)) return code(char)
    throw new PatternFault(`\\${char} is not supported`)
  }

  #property(isUpper: boolean): CharSet {
    let name = this.#takes('{') ? this.#until('}', '\\p{') : this.#take()
    const isNegated = name.startsWith('^')
    if (isNegated) name = name.slice(1)
    if (!/^\w+$/.test(name)) throw new PatternFault('bad name of a Unicode class')
    const set = setOf([], isUpper !== isNegated, this.#foldCase)
    for (const property of name.length <= 2 ? [name] : [`Script=${name}`])
      try {
        set.properties.push(new RegExp(`^\\p{${property}}$`, 'u'))
      } catch {
        throw new PatternFault(`there is no Unicode class ${name}`)
      }
    return set
  }

  #class(): CharSet {
    const set = setOf([], this.#takes('^'), this.#foldCase)
    for (let isFirst = true; isFirst || this.#peek() !== ']'; isFirst = false) {
      if (this.#peek() === '') throw new PatternFault('missing ]')
      if (this.#takes('[:')) {
        const name = this.#until(':]', '[:')
        const ranges = POSIX[name.replace('^', '')]
        if (!ranges) throw new PatternFault(`there is no class [:${name}:]`)
        set.nested.push(setOf(ranges, name.startsWith('^'), this.#foldCase))
        continue
      }
      const low = this.#classMember()
      if (typeof low !== 'number') {
        set.nested.push(low)
        continue
      }
      let high = low
      if (this.#peek() === '-' && this.#peek(1) !== ']' && this.#peek(1) !== '') {
        this.#position++
        const end = this.#classMember()
        if (typeof end !== 'number' || end < low) throw new PatternFault('bad range in [ ]')
        high = end
      }
      set.ranges.push(low, high)
    }
    this.#position++
    return set
  }

  #classMember(): CharSet | number {
    const char = this.#take()
    return char === '\\' ? this.#escape() : code(char)
  }
}
