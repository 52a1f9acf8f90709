import { type ServedStream, timeoutOf } from './attempt.ts'
import type { ChatEvent } from './chat.ts'
import type { GatewayError } from './dialects/types.ts'
import type { UpstreamFault } from './faults.ts'
import { hasContent, type Received, type Step } from './stream-source.ts'
import type { StreamWriter } from './stream-writer.ts'

/** How a stream that a client had ended. */
export interface StreamEnd {
  readonly outcome: 'ok' | 'interrupted' | 'cancelled'
  readonly fault: UpstreamFault | null
}

export interface PumpOptions {
  readonly served: ServedStream
  readonly writer: StreamWriter
  /** Told of every event before the client is. */
  readonly observe: (event: ChatEvent) => void
  readonly idleMs: number
  /** Called once, before the client has the end. @returns an SSE comment for it, or '' */
  readonly ended: (end: StreamEnd) => string
  /** What the client is told of a fault. */
  readonly errorOf: (fault: UpstreamFault) => GatewayError
  /** With the first content, where the stream was committed before it. */
  readonly began: () => void
}

/** Longest that one stream may take after it was committed. */
const STREAM_MS_MAX = 3_600_000

const BROKEN: UpstreamFault = { reason: 'interrupted', detail: 'the gateway failed' }

const utf8 = new TextEncoder()

export interface Pump {
  readonly body: ReadableStream<Uint8Array>
  /** Once nothing of the stream is left to do. Never rejects. */
  readonly finished: Promise<void>
}

/**
 * A committed stream on its way to the client. A piece is read from the provider when the client has room
 * for one: nothing is held here, and a slow client slows the provider down. A stream that breaks ends with
 * an event that says so, never with the protocol's own end.
 */
export const pump = (options: PumpOptions): Pump => {
  const { served, writer, observe, idleMs, began } = options
  const { source } = served
  const { call } = source
  const untilMs = call.clock.now() + STREAM_MS_MAX
  let first: Step | null = { received: served.received, end: served.end }
  let hasBegun = served.firstContentAtMs !== null
  let isOver = false
  let finish: () => void = () => undefined
  const finished = new Promise<void>((resolve) => {
    finish = resolve
  })
  const end = (how: StreamEnd): string => {
    isOver = true
    return options.ended(how)
  }

  /** Tells pieces to whoever observes, and to the client what it understands of them. */
  const textOf = (received: readonly Received[]): string => {
    let text = ''
    for (const one of received) {
      for (const event of one.chat) observe(event)
      text += writer.write(one)
    }
    return text
  }

  const lastTextOf = (received: readonly Received[]): string => {
    // What is said behind the protocol's own end is not read by everyone.
    const text = textOf(received.slice(0, -1))
    const closing = textOf(received.slice(-1))
    return `${text}${end({ outcome: 'ok', fault: null })}${closing}`
  }

  const brokenTextOf = (received: readonly Received[], fault: UpstreamFault): string => {
    const text = textOf(received)
    const comment = end({ outcome: 'interrupted', fault })
    return `${text}${writer.fault(options.errorOf(fault))}${comment}`
  }

  const next = async (): Promise<Step> => {
    if (first !== null) {
      const held = first
      first = null
      return held
    }
    call.watch('idle', Math.min(call.clock.now() + idleMs, untilMs))
    const step = await source.next()
    source.taken()
    call.rest()
    return step
  }

  /** @returns whether the client was told anything */
  const step = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
    const { received, end: how } = await next()
    if (isOver) return true
    if (!hasBegun && hasContent(received)) {
      hasBegun = true
      began()
    }
    if (how === 'open') {
      const text = textOf(received)
      if (text !== '') controller.enqueue(utf8.encode(text))
      return text !== ''
    }
    if (how === 'done') {
      controller.enqueue(utf8.encode(lastTextOf(received)))
      controller.close()
      source.drain().then(finish)
      return true
    }
    controller.enqueue(utf8.encode(brokenTextOf(received, how)))
    controller.close()
    call.stop(how)
    finish()
    return true
  }

  const stopped = (): void => {
    source.release()
    // Where nothing is read at the moment, nobody else finds out that the client left.
    if (isOver || call.fault?.reason !== 'cancelled') return
    end({ outcome: 'cancelled', fault: call.fault })
    finish()
  }
  call.whenStopped(stopped)
  if (call.fault !== null) stopped()
  call.whenDue(() => call.stop(timeoutOf('idle', idleMs)))

  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          // Reads until there is something to tell: pull is not called again before.
          while (!isOver && !(await step(controller)));
        } catch (error) {
          // A bug: the request is settled all the same, and the connection ends.
          if (!isOver) end({ outcome: 'interrupted', fault: BROKEN })
          call.stop(BROKEN)
          finish()
          throw error
        }
      },
      cancel() {
        if (!isOver) call.stop({ reason: 'cancelled' })
      },
    },
    { highWaterMark: 0 },
  )
  return { body, finished }
}
