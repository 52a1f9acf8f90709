import type { UpstreamCall } from './attempt-call.ts'
import { type ChatEvent, isContent } from './chat.ts'
import type { UpstreamFault } from './faults.ts'
import type { StreamDecoder } from './providers/types.ts'
import { type SseEvent, SseSplitter } from './sse.ts'

/** One event as it came, and what it says. */
export interface Received {
  /** Null for the end of a stream that has no mark of its own. */
  readonly event: SseEvent | null
  readonly chat: readonly ChatEvent[]
}

/** What one read gave. */
export interface Step {
  readonly received: readonly Received[]
  /** `open` while more may come, `done` after the provider's own end. */
  readonly end: 'open' | 'done' | UpstreamFault
}

/** Reads after the end until the body is over: it is over at once where the provider is sound. */
const DRAIN_READS_MAX = 16
const NOTHING: readonly Received[] = []

const failed = (fault: UpstreamFault): Step => ({ received: NOTHING, end: fault })

/** Reads a provider's stream, one piece at a time and only when asked. */
export class StreamSource {
  readonly call: UpstreamCall
  /** Whether it said anything valid, content or not. */
  hasBegun = false
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #decoder: StreamDecoder
  readonly #splitter = new SseSplitter()
  #pending: Promise<Step> | null = null

  constructor(call: UpstreamCall, body: ReadableStream<Uint8Array>, decoder: StreamDecoder) {
    this.call = call
    this.#decoder = decoder
    this.#reader = body.getReader()
    // A read under way ends then, also where the body does not listen to the signal.
    call.whenStopped(() => this.release())
  }

  /** Ends the read under way and all others. */
  release(): void {
    this.#reader.cancel().catch(() => {
      // The body had failed before.
    })
  }

  /** The next piece. A read that is under way is waited for again, so that whoever peeked loses nothing. */
  next(): Promise<Step> {
    this.#pending ??= this.#read()
    return this.#pending
  }

  /** What `next` gave was taken. */
  taken(): void {
    this.#pending = null
  }

  /** Reads to the end of a body whose stream is done, so that the connection can be used again. */
  async drain(): Promise<void> {
    try {
      for (let i = 0; i < DRAIN_READS_MAX; i++) if ((await this.#reader.read()).done) return
      await this.#reader.cancel()
    } catch {
      // The connection broke behind the end: nothing is lost.
    } finally {
      this.call.close()
    }
  }

  async #read(): Promise<Step> {
    let bytes: Uint8Array | undefined
    try {
      const { done, value } = await this.#reader.read()
      bytes = done ? undefined : value
    } catch {
      // Whatever the runtime calls it: the connection broke, or the call was stopped.
      return failed(this.call.fault ?? { reason: 'interrupted', detail: 'the connection broke' })
    }
    if (this.call.fault !== null) return failed(this.call.fault)
    if (bytes === undefined) {
      const { received, end } = this.#decode(this.#splitter.end())
      if (end !== 'open') return { received, end }
      const chat = this.#decoder.end?.() ?? []
      if (chat.some(({ kind }) => kind === 'done'))
        return { received: [...received, { event: null, chat }], end: 'done' }
      return { received, end: { reason: 'interrupted', detail: 'the stream ended too early' } }
    }
    const split = this.#splitter.push(bytes)
    return split.ok ? this.#decode(split.value) : failed(split.error)
  }

  #decode(events: readonly SseEvent[]): Step {
    const received: Received[] = []
    for (const event of events) {
      const chat = this.#decoder.decode(event)
      const fault = chat.find(({ kind }) => kind === 'fault')
      if (fault?.kind === 'fault') return { received, end: fault.fault }
      received.push({ event, chat })
      // What comes behind the end belongs to nobody.
      if (chat.some(({ kind }) => kind === 'done')) return { received, end: 'done' }
    }
    return { received, end: 'open' }
  }
}

export const hasContent = (received: readonly Received[]): boolean =>
  received.some(({ chat }) => chat.some(isContent))
