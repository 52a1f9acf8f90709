import { err, ok, type Result } from '../result.ts'

/** Bytes of one member: LiteLLM's longest has three thousand. */
export const MEMBER_BYTES_MAX = 64 * 1024
/** Members of one object: LiteLLM has three thousand. */
export const MEMBERS_MAX = 20_000

export type Member = readonly [key: string, value: unknown]

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const isOpening = (byte: number): boolean => byte === 0x7b || byte === 0x5b
const isClosing = (byte: number): boolean => byte === 0x7d || byte === 0x5d
const isSpace = (byte: number): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Reads the members of a JSON object one by one, however its bytes are split: what is held is one member
 * at a time. Of each member JSON.parse is the judge.
 */
export class MemberReader {
  readonly #held = new Uint8Array(MEMBER_BYTES_MAX)
  #heldBytes = 0
  #depth = 0
  #isInString = false
  #isEscaped = false
  #isEnded = false
  /** A comma came last: a member must follow. */
  #isDue = false
  #members = 0

  /** @returns the members that end in these bytes, or why the text is no such object */
  push(bytes: Uint8Array): Result<readonly Member[], string> {
    const members: Member[] = []
    for (const byte of bytes) {
      const read = this.#take(byte)
      if (!read.ok) return read
      if (read.value !== null) members.push(read.value)
    }
    return ok(members)
  }

  /** Whether the object has ended. */
  get isWhole(): boolean {
    return this.#isEnded
  }

  #take(byte: number): Result<Member | null, string> {
    if (this.#isInString) {
      if (this.#isEscaped) this.#isEscaped = false
      else if (byte === BACKSLASH) this.#isEscaped = true
      else if (byte === QUOTE) this.#isInString = false
      return this.#hold(byte)
    }
    if (isSpace(byte)) return this.#heldBytes === 0 ? ok(null) : this.#hold(byte)
    if (this.#isEnded) return err('something follows the object')
    if (this.#depth === 0) {
      if (byte !== 0x7b) return err('it is no JSON object')
      this.#depth = 1
      return ok(null)
    }
    if (this.#depth === 1 && (byte === COMMA || byte === 0x7d)) return this.#close(byte)
    if (byte === QUOTE) this.#isInString = true
    else if (isOpening(byte)) this.#depth++
    else if (isClosing(byte) && --this.#depth < 1) return err('its brackets do not match')
    return this.#hold(byte)
  }

  #hold(byte: number): Result<null, string> {
    // Two bytes are for the braces around it.
    if (this.#heldBytes >= MEMBER_BYTES_MAX - 2)
      return err(`a member is longer than ${MEMBER_BYTES_MAX} bytes`)
    this.#held[++this.#heldBytes] = byte
    return ok(null)
  }

  #close(byte: number): Result<Member | null, string> {
    this.#isEnded = byte !== COMMA
    if (this.#heldBytes === 0) {
      const isEmpty = this.#isEnded && !this.#isDue
      return isEmpty ? ok(null) : err('a member is missing')
    }
    this.#isDue = byte === COMMA
    if (++this.#members > MEMBERS_MAX) return err(`it has more than ${MEMBERS_MAX} members`)
    this.#held[0] = 0x7b
    this.#held[this.#heldBytes + 1] = 0x7d
    const text = this.#held.subarray(0, this.#heldBytes + 2)
    this.#heldBytes = 0
    try {
      const [member] = Object.entries<unknown>(JSON.parse(utf8.decode(text)))
      return member === undefined ? err('a member is missing') : ok(member)
    } catch {
      // SyntaxError of JSON.parse, TypeError of the decoder.
      return err('a member is not JSON')
    }
  }
}
