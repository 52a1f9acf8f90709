import type { Dialect } from './request.ts'

/** The texts of a body's messages and what stands beside them; places are in UTF-16 units of the join. */
export interface Content {
  readonly texts: readonly string[]
  /** The texts among them that are instructions. */
  readonly systems: readonly string[]
  readonly messages: number
  readonly turns: number
  readonly images: number
  /** The user's last message in the join of all texts by '\n'. */
  readonly lastUser: { readonly start: number; readonly end: number }
  /** Where the user's first message ends; 0 without one. */
  readonly prefixEnd: number
}

/** Parts of all messages together: the walk over them is bounded. */
export const PARTS_MAX = 100_000

type Refuse = (pointer: string, detail: string) => never
type Fields = Readonly<Record<string, unknown>>

type PartKind = 'text' | 'image' | 'opaque' | 'input' | 'nested'

/** Where the text of a part stands, by type; `opaque` ones (audio, files, encrypted thoughts) have none. */
const PARTS: Readonly<Record<Dialect, Readonly<Record<string, readonly [PartKind, string]>>>> = {
  openai: {
    text: ['text', 'text'],
    refusal: ['text', 'refusal'],
    image_url: ['image', 'image_url'],
    input_audio: ['opaque', 'input_audio'],
    file: ['opaque', 'file'],
  },
  anthropic: {
    text: ['text', 'text'],
    thinking: ['text', 'thinking'],
    image: ['image', 'source'],
    document: ['opaque', 'source'],
    redacted_thinking: ['opaque', 'data'],
    tool_use: ['input', 'input'],
    server_tool_use: ['input', 'input'],
    tool_result: ['nested', 'content'],
    search_result: ['nested', 'content'],
    web_search_tool_result: ['opaque', 'content'],
  },
}

const INSTRUCTIONS = new Set(['system', 'developer'])

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A value's JSON, or null where it is nested more deeply than V8 writes. */
export const jsonOf = (value: unknown): string | null => {
  try {
    return JSON.stringify(value)
  } catch {
    // RangeError: V8 reads JSON of any depth but writes it by recursion.
    return null
  }
}

/** Gathers the content of messages in the order in which they are read. */
export class ContentReader {
  readonly #texts: string[] = []
  readonly #systems: string[] = []
  readonly #dialect: Dialect
  readonly #refuse: Refuse
  #length = 0
  #parts = 0
  #messages = 0
  #turns = 0
  #images = 0
  #lastUser = { start: 0, end: 0 }
  #prefixEnd = 0

  /** @param refuse ends the walk with a fault at a pointer */
  constructor(dialect: Dialect, refuse: Refuse) {
    this.#dialect = dialect
    this.#refuse = refuse
  }

  get content(): Content {
    return {
      texts: this.#texts,
      systems: this.#systems,
      messages: this.#messages,
      turns: this.#turns,
      images: this.#images,
      lastUser: this.#lastUser,
      prefixEnd: this.#prefixEnd,
    }
  }

  /** One message: its content and, of an assistant, the arguments of the calls that it made. */
  readMessage(role: string, message: Fields, at: string): void {
    const calls = this.#dialect === 'openai' ? message.tool_calls : undefined
    const hasCalls = calls !== undefined && calls !== null
    const { content } = message
    // Only an assistant that called something has nothing to say.
    if (content === null || content === undefined) {
      if (role !== 'assistant') this.#refuse(`${at}/content`, 'must be a text or an array of parts')
      this.#messages++
    } else {
      this.read(role, content, `${at}/content`)
    }
    if (hasCalls) this.#readCalls(calls, `${at}/tool_calls`)
  }

  /** A text, or an array of parts. */
  read(role: string, content: unknown, at: string): void {
    this.#messages++
    const start = this.#texts.length === 0 ? 0 : this.#length + 1
    const before = this.#texts.length
    if (typeof content === 'string') this.#add(content)
    else this.#readParts(content, at, true)
    if (INSTRUCTIONS.has(role)) this.#systems.push(...this.#texts.slice(before))
    if (role !== 'user') return
    this.#turns++
    this.#lastUser = { start: Math.min(start, this.#length), end: this.#length }
    if (this.#turns === 1) this.#prefixEnd = this.#length
  }

  #add(text: string): void {
    this.#length += text.length + (this.#texts.length === 0 ? 0 : 1)
    this.#texts.push(text)
  }

  #readParts(parts: unknown, at: string, mayNest: boolean): void {
    if (!Array.isArray(parts)) this.#refuse(at, 'must be a text or an array of parts')
    this.#parts += parts.length
    if (this.#parts > PARTS_MAX) this.#refuse(at, `at most ${PARTS_MAX} parts are read`)
    for (const [i, part] of parts.entries()) this.#readPart(part, `${at}/${i}`, mayNest)
  }

  #readPart(part: unknown, at: string, mayNest: boolean): void {
    if (!isFields(part)) this.#refuse(at, 'must be an object with a type')
    const types = PARTS[this.#dialect]
    const known = typeof part.type === 'string' && Object.hasOwn(types, part.type)
    const [kind, field] = (known && types[part.type as string]) || ['opaque', '']
    if (!known || (kind === 'nested' && !mayNest))
      this.#refuse(`${at}/type`, `must be one of ${Object.keys(types).join(', ')}`)
    const value = part[field]
    switch (kind) {
      case 'text':
        if (typeof value !== 'string') this.#refuse(`${at}/${field}`, 'must be a text')
        this.#add(value)
        return
      case 'image':
        if (!isFields(value) && typeof value !== 'string')
          this.#refuse(`${at}/${field}`, 'must say where the image is')
        this.#images++
        return
      case 'input':
        this.#add(jsonOf(value ?? {}) ?? this.#refuse(`${at}/${field}`, 'is nested too deeply'))
        return
      case 'nested':
        if (value === undefined || value === null) return
        if (typeof value === 'string') this.#add(value)
        else this.#readParts(value, `${at}/${field}`, false)
        return
      case 'opaque':
    }
  }

  #readCalls(calls: unknown, at: string): void {
    if (!Array.isArray(calls)) this.#refuse(at, 'must be an array of calls')
    this.#parts += calls.length
    if (this.#parts > PARTS_MAX) this.#refuse(at, `at most ${PARTS_MAX} calls are read`)
    for (const [i, call] of calls.entries()) {
      if (!isFields(call)) this.#refuse(`${at}/${i}`, 'must be an object')
      // Calls of other kinds than functions carry nothing that is text.
      if (!isFields(call.function)) continue
      const { arguments: given } = call.function
      if (typeof given !== 'string') this.#refuse(`${at}/${i}/function/arguments`, 'must be a text')
      this.#add(given)
    }
  }
}
