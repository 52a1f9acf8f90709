import { err, ok, type Result } from '../../result.ts'

export interface LineFields {
  readonly measurement: string
  readonly tags: readonly (readonly [key: string, value: string])[]
  /** Numbers and booleans (as 1 and 0); text is left out. */
  readonly fields: readonly { readonly key: string; readonly value: number }[]
  /** Digits with a sign; null where the line has no timestamp. */
  readonly time: string | null
}

export interface LineFault {
  readonly reason: 'invalid-line' | 'not-finite'
  readonly detail: string
}

/** Tags and fields of one line. */
const PARTS_MAX = 10_000

const COMMA = 0x2c
const SPACE = 0x20
const EQUALS = 0x3d
const QUOTE = 0x22
const BACKSLASH = 0x5c

class LineError extends Error {
  readonly reason: LineFault['reason']
  constructor(detail: string, reason: LineFault['reason'] = 'invalid-line') {
    super(detail)
    this.reason = reason
  }
}

const quoted = (text: string): string => JSON.stringify(text.slice(0, 60))

const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/
const INTEGER = /^[+-]?\d+$/
const NOT_FINITE = /^[+-]?(nan|inf(inity)?)$/i
const TRUE = /^(t|T|true|True|TRUE)$/
const FALSE = /^(f|F|false|False|FALSE)$/

const integerOf = (text: string, min: bigint, max: bigint): number => {
  if (!INTEGER.test(text) || text.length > 21) throw new LineError(`${quoted(text)} is no integer`)
  const value = BigInt(text.replace('+', ''))
  if (value < min || value > max) throw new LineError(`${quoted(text)} is beyond 64 bits`)
  return Number(value)
}

/** A field's value that is no text. */
const fieldValue = (text: string): number => {
  if (TRUE.test(text)) return 1
  if (FALSE.test(text)) return 0
  if (text.endsWith('i')) return integerOf(text.slice(0, -1), -(2n ** 63n), 2n ** 63n - 1n)
  if (text.endsWith('u')) return integerOf(text.slice(0, -1), 0n, 2n ** 64n - 1n)
  if (NOT_FINITE.test(text)) throw new LineError('a field must be a finite number', 'not-finite')
  const value = NUMBER.test(text) ? Number(text) : Number.NaN
  if (Number.isNaN(value)) throw new LineError(`${quoted(text)} is no value of a field`)
  if (!Number.isFinite(value))
    throw new LineError(`${quoted(text)} is beyond the range of a double`, 'not-finite')
  return value
}

/** Walks one line from the left. */
class LineReader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  at(unit: number): boolean {
    return this.#text.charCodeAt(this.#at) === unit
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length
  }

  skip(): void {
    this.#at++
  }

  skipSpaces(): void {
    while (this.at(SPACE)) this.#at++
  }

  get rest(): string {
    return this.#text.slice(this.#at)
  }

  /**
   * Text up to one of `ends`, unescaped: a backslash escapes what ends a part, elsewhere it stands for
   * itself.
   */
  until(ends: readonly number[], escaped: readonly number[]): string {
    let text = ''
    let from = this.#at
    for (; this.#at < this.#text.length; this.#at++) {
      const unit = this.#text.charCodeAt(this.#at)
      if (unit === BACKSLASH && escaped.includes(this.#text.charCodeAt(this.#at + 1))) {
        text += this.#text.slice(from, this.#at)
        this.#at++
        from = this.#at
      } else if (ends.includes(unit)) break
    }
    return text + this.#text.slice(from, this.#at)
  }

  /** Goes behind a string in quotes. */
  skipString(): void {
    this.#at++
    while (!this.isAtEnd && !this.at(QUOTE)) this.#at += this.at(BACKSLASH) ? 2 : 1
    if (this.isAtEnd) throw new LineError('a string has no closing quote')
    this.#at++
  }
}

const readTags = (reader: LineReader): [string, string][] => {
  const tags: [string, string][] = []
  while (reader.at(COMMA)) {
    reader.skip()
    const key = reader.until([EQUALS, COMMA, SPACE], [EQUALS, COMMA, SPACE])
    if (!reader.at(EQUALS)) throw new LineError(`tag ${quoted(key)} has no value`)
    reader.skip()
    const value = reader.until([EQUALS, COMMA, SPACE], [EQUALS, COMMA, SPACE])
    if (key === '' || value === '' || reader.at(EQUALS))
      throw new LineError(`tag ${quoted(key)} is malformed`)
    if (tags.push([key, value]) > PARTS_MAX) throw new LineError('the line has too many tags')
  }
  return tags
}

const readFields = (reader: LineReader): { key: string; value: number }[] => {
  const fields: { key: string; value: number }[] = []
  for (;;) {
    const key = reader.until([EQUALS, COMMA, SPACE], [EQUALS, COMMA, SPACE])
    if (key === '' || !reader.at(EQUALS)) throw new LineError(`field ${quoted(key)} has no value`)
    reader.skip()
    if (reader.at(QUOTE)) reader.skipString()
    else fields.push({ key, value: fieldValue(reader.until([COMMA, SPACE], [])) })
    if (fields.length > PARTS_MAX) throw new LineError('the line has too many fields')
    if (!reader.at(COMMA)) return fields
    reader.skip()
  }
}

const readTime = (reader: LineReader): string | null => {
  const text = reader.rest.trim()
  if (text === '') return null
  if (!/^-?\d{1,20}$/.test(text)) throw new LineError(`${quoted(text)} is no timestamp`)
  return text
}

const read = (reader: LineReader): LineFields => {
  const measurement = reader.until([COMMA, SPACE], [COMMA, SPACE])
  if (measurement === '') throw new LineError('the line has no measurement')
  const tags = readTags(reader)
  if (!reader.at(SPACE)) throw new LineError('the line has no fields')
  reader.skipSpaces()
  const fields = readFields(reader)
  if (!reader.isAtEnd && !reader.at(SPACE))
    throw new LineError('behind a field stands neither a comma nor a space')
  return { measurement, tags, fields, time: readTime(reader) }
}

/** `measurement[,tag=value…] field=value[,field=value…] [timestamp]`, without a line break at the end. */
export const readLine = (text: string): Result<LineFields, LineFault> => {
  try {
    return ok(read(new LineReader(text)))
  } catch (error) {
    if (!(error instanceof LineError)) throw error
    return err({ reason: error.reason, detail: error.message })
  }
}
