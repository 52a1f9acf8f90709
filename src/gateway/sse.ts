import { err, ok, type Result } from '../result.ts'
import type { UpstreamFault } from './faults.ts'

/** One server-sent event. */
export interface SseEvent {
  /** The `event:` field; null where it has none. */
  readonly event: string | null
  /** The `data:` lines, joined by line feeds. */
  readonly data: string
}

/** Longest event, and longest line, in UTF-16 units: an image in base64 fits. */
export const EVENT_LENGTH_MAX = 4 * 1024 * 1024

/** Of one UTF-16 unit in UTF-8: a line of more bytes than this times its longest is surely too long. */
const UNIT_BYTES_MAX = 3
const LINE_FEED = 10
const CARRIAGE_RETURN = 13
const NOTHING: readonly SseEvent[] = []

// A mark of byte order counts at the head of a stream alone, not of each line.
const utf8 = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })

/**
 * Cuts a stream of bytes into server-sent events, however the bytes are split: WHATWG HTML §9.2.6. Comments,
 * `id` and `retry` are dropped. Lines are decoded whole, so that no character is ever cut; time is linear in
 * the bytes, also where each comes alone.
 */
export class SseSplitter {
  readonly #lengthMax: number
  /** Bytes of the line that has not ended. */
  #held = new Uint8Array(0)
  #heldBytes = 0
  #isHead = true
  /** The last byte was a carriage return: a line feed that follows belongs to it. */
  #isAfterReturn = false
  #data = ''
  #hasData = false
  #event: string | null = null
  #fault: UpstreamFault | null = null

  /** @param lengthMax of an event and of a line, in UTF-16 units */
  constructor(lengthMax = EVENT_LENGTH_MAX) {
    this.#lengthMax = lengthMax
  }

  /** @returns the events that end in these bytes; a fault comes after the events before it, and stays */
  push(bytes: Uint8Array): Result<readonly SseEvent[], UpstreamFault> {
    if (this.#fault !== null) return err(this.#fault)
    const start = this.#isAfterReturn && bytes[0] === LINE_FEED ? 1 : 0
    if (bytes.length > 0) this.#isAfterReturn = bytes[bytes.length - 1] === CARRIAGE_RETURN
    const end = 1 + Math.max(bytes.lastIndexOf(LINE_FEED), bytes.lastIndexOf(CARRIAGE_RETURN))
    let events = NOTHING
    if (end > start) {
      events = this.#readLines(this.#takeText(bytes.subarray(start, end)))
      this.#hold(bytes.subarray(end))
    } else {
      this.#hold(bytes.subarray(start))
    }
    return this.#fault !== null && events.length === 0 ? err(this.#fault) : ok(events)
  }

  /**
   * The bytes are over. An event without its empty line is given all the same, unlike the standard: some
   * servers leave out the last line break, and JSON that was cut is told apart by not being JSON.
   */
  end(): readonly SseEvent[] {
    if (this.#fault !== null) return NOTHING
    return this.#readLines(`${this.#takeText(new Uint8Array(0))}\n\n`)
  }

  #hold(bytes: Uint8Array): void {
    const total = this.#heldBytes + bytes.length
    if (total > this.#lengthMax * UNIT_BYTES_MAX) {
      this.#refuse()
      return
    }
    if (total > this.#held.length) {
      const grown = new Uint8Array(Math.max(total, 2 * this.#held.length))
      grown.set(this.#held.subarray(0, this.#heldBytes))
      this.#held = grown
    }
    this.#held.set(bytes, this.#heldBytes)
    this.#heldBytes = total
  }

  /** Text of the held bytes and of these. */
  #takeText(bytes: Uint8Array): string {
    let whole = bytes
    if (this.#heldBytes > 0) {
      this.#hold(bytes)
      whole = this.#held.subarray(0, this.#heldBytes)
      this.#heldBytes = 0
    }
    const text = utf8.decode(whole)
    if (!this.#isHead || whole.length === 0) return text
    this.#isHead = false
    return text.startsWith('\uFEFF') ? text.slice(1) : text
  }

  /** @param text ends with a line break */
  #readLines(text: string): readonly SseEvent[] {
    const events: SseEvent[] = []
    // Nearly every stream has line feeds alone.
    let nextReturn = text.indexOf('\r')
    let start = 0
    while (start < text.length && this.#fault === null) {
      const feed = text.indexOf('\n', start)
      if (nextReturn >= 0 && nextReturn < start) nextReturn = text.indexOf('\r', start)
      const isReturn = nextReturn >= 0 && (feed < 0 || nextReturn < feed)
      const end = isReturn ? nextReturn : feed
      if (end === start) this.#dispatch(events)
      else this.#readLine(text, start, end)
      start = isReturn && feed === end + 1 ? end + 2 : end + 1
    }
    return events
  }

  #readLine(text: string, start: number, end: number): void {
    if (end - start + this.#data.length > this.#lengthMax) this.#refuse()
    else if (text.startsWith('data', start)) {
      const value = this.#valueOf(text, start + 4, end)
      if (value === null) return
      this.#data = this.#hasData ? `${this.#data}\n${value}` : value
      this.#hasData = true
    } else if (text.startsWith('event', start)) {
      const value = this.#valueOf(text, start + 5, end)
      if (value !== null) this.#event = value === '' ? null : value
    }
  }

  /** What follows a field's name and colon; null where the name goes on. */
  #valueOf(text: string, colon: number, end: number): string | null {
    if (colon === end) return ''
    if (text[colon] !== ':') return null
    return text.slice(colon + (text[colon + 1] === ' ' ? 2 : 1), end)
  }

  #dispatch(events: SseEvent[]): void {
    if (this.#hasData) events.push({ event: this.#event, data: this.#data })
    this.#data = ''
    this.#hasData = false
    this.#event = null
  }

  #refuse(): void {
    this.#fault = { reason: 'malformed', detail: `an event is longer than ${this.#lengthMax}` }
  }
}
