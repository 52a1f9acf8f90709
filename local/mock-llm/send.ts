import type { ServerResponse } from 'node:http'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import type { MockAnswer } from './answer.ts'
import { type Behaviour, errorStatusOf, type Fault } from './behaviour.ts'
import type { Fields, MockDialect, Part } from './dialects/types.ts'

const MS_PER_SECOND = 1_000
const HTML = '<!doctype html><title>mock</title><h1>The mock answers with a page</h1>'
const BROKEN_EVENT = 'data: {"id":"mock","choices":[{"index":0,"del\n\n'
const ERROR_MESSAGE = 'an error that the mock was asked for'
const LINE_ENDS = { lf: '\n', crlf: '\r\n', cr: '\r' }

/** One answer on its way. */
export interface Exchange {
  readonly response: ServerResponse
  readonly dialect: MockDialect
  readonly behaviour: Behaviour
  readonly answer: MockAnswer
  readonly isStream: boolean
  /** Aborted when the client is gone. */
  readonly gone: AbortSignal
  /** The tokens were told. */
  told(): void
  /** The answer came to its own end. */
  completed(): void
  /** Nothing follows: what closes the connection now is the mock itself. */
  over(): void
}

const pause = (ms: number, gone: AbortSignal): Promise<unknown> => sleep(ms, null, { signal: gone })

const untilGone = (gone: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (gone.aborted) resolve()
    else gone.addEventListener('abort', () => resolve(), { once: true })
  })

const head = (
  response: ServerResponse,
  status: number,
  type: string,
  more: string[] = [],
): void => {
  response.writeHead(status, ['content-type', type, 'x-mock-llm', 'true', ...more])
}

/** Ends with a whole body. */
export const sendBody = (
  response: ServerResponse,
  status: number,
  type: string,
  body: string,
  more: string[] = [],
): void => {
  head(response, status, type, ['content-length', String(Buffer.byteLength(body)), ...more])
  response.end(body)
}

export const sendJson = (response: ServerResponse, status: number, body: Fields): void =>
  sendBody(response, status, 'application/json', JSON.stringify(body))

/** Faults before an answer. @returns whether there was one */
const failedEarly = async (exchange: Exchange): Promise<boolean> => {
  const { response, behaviour, dialect, gone } = exchange
  const { socket } = response
  const status = errorStatusOf(behaviour)
  if (status !== null) {
    const more = behaviour.retryAfter === undefined ? [] : ['retry-after', behaviour.retryAfter]
    exchange.over()
    if (behaviour.fault === 'html-error') sendBody(response, status, 'text/html', HTML, more)
    else {
      const body = JSON.stringify(dialect.error(status, ERROR_MESSAGE))
      sendBody(response, status, 'application/json', body, more)
    }
    return true
  }
  switch (behaviour.fault) {
    case 'reset':
      exchange.over()
      socket?.resetAndDestroy()
      return true
    case 'close':
      exchange.over()
      socket?.destroy()
      return true
    case 'reset-in-headers':
      exchange.over()
      socket?.write('HTTP/1.1 200 OK\r\ncontent-type: appl', () => socket.resetAndDestroy())
      return true
    case 'wrong-type':
      exchange.over()
      sendBody(response, 200, 'text/html', HTML)
      return true
    case 'stall':
      await untilGone(gone)
      return true
    default:
      return false
  }
}

const sendWhole = async (exchange: Exchange): Promise<void> => {
  const { response, behaviour, dialect, answer, gone } = exchange
  const { firstTokenDelayMs = 0, tokensPerSecond } = behaviour
  const thinkMs = tokensPerSecond ? (answer.tokens.length * MS_PER_SECOND) / tokensPerSecond : 0
  if (firstTokenDelayMs + thinkMs > 0) await pause(firstTokenDelayMs + thinkMs, gone)
  const json = JSON.stringify(dialect.whole(answer, behaviour))
  const half = json.slice(0, Math.floor(json.length / 2))
  switch (behaviour.fault) {
    case undefined:
      exchange.over()
      if (behaviour.usage !== 'none') exchange.told()
      exchange.completed()
      return sendBody(response, 200, 'application/json', json)
    case 'error-first':
    case 'error-event':
      exchange.over()
      return sendJson(response, 200, dialect.error(503, ERROR_MESSAGE))
    case 'empty':
      exchange.over()
      return sendBody(response, 200, 'application/json', '')
    case 'drop':
      exchange.over()
      head(response, 200, 'application/json', ['content-length', String(Buffer.byteLength(json))])
      response.write(half, () => response.socket?.resetAndDestroy())
      return
    case 'stall-stream':
    case 'stall-mid-stream':
      head(response, 200, 'application/json', ['content-length', String(Buffer.byteLength(json))])
      if (behaviour.fault === 'stall-stream') response.flushHeaders()
      else response.write(half)
      return untilGone(gone)
    default:
      // Broken off in order.
      exchange.over()
      return sendBody(response, 200, 'application/json', half)
  }
}

const FIRST: readonly (Fault | undefined)[] = ['error-first', 'malformed', 'stall-stream', 'empty']

/** Parts that go out before a fault. */
const beforeFault = (
  parts: readonly Part[],
  { fault, afterTokens }: Behaviour,
): readonly Part[] => {
  if (fault === undefined) return parts
  if (FIRST.includes(fault)) return []
  const tokens = parts.filter(({ kind }) => kind === 'token').length
  const limit = afterTokens ?? Math.floor(tokens / 2)
  let seen = 0
  for (const [index, { kind }] of parts.entries()) {
    if (kind === 'end') return parts.slice(0, index)
    if (kind !== 'token') continue
    if (seen === limit) return parts.slice(0, index)
    seen++
  }
  return parts
}

const rendered = ({ event, data }: Pick<Part, 'event' | 'data'>, lineEnd: string): string =>
  `${event === null ? '' : `event: ${event}${lineEnd}`}data: ${data}${lineEnd}${lineEnd}`

/** Waits where the client reads slower than it is written. */
const write = async ({ response, gone }: Exchange, bytes: string | Uint8Array): Promise<void> => {
  if (response.write(bytes) || gone.aborted) return
  await new Promise<void>((resolve) => {
    const done = (): void => {
      response.off('drain', done)
      gone.removeEventListener('abort', done)
      resolve()
    }
    response.once('drain', done)
    gone.addEventListener('abort', done, { once: true })
  })
}

const writeInChunks = async (exchange: Exchange, text: string, size: number): Promise<void> => {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length && !exchange.gone.aborted; at += size) {
    await write(exchange, bytes.subarray(at, at + size))
    // Of its own packet: what is written in one turn goes out together.
    await nextTurn()
  }
}

const writeParts = async (exchange: Exchange, parts: readonly Part[]): Promise<void> => {
  const { behaviour, gone } = exchange
  const { tokensPerSecond, writes, chunkBytes } = behaviour
  const lineEnd = LINE_ENDS[behaviour.lineEnd ?? 'lf']
  const isPaced = tokensPerSecond !== undefined || writes === 'each'
  const startedMs = performance.now()
  let waiting = ''
  let tokens = 0
  const flush = async (): Promise<void> => {
    const text = waiting
    waiting = ''
    if (text === '') return
    if (chunkBytes === undefined) await write(exchange, text)
    else await writeInChunks(exchange, text, chunkBytes)
  }
  for (const part of parts) {
    if (gone.aborted) return
    if (isPaced && part.kind === 'token') {
      if (writes === 'each') {
        await flush()
        await nextTurn()
      } else if (tokensPerSecond !== undefined) {
        const waitMs = startedMs + (tokens * MS_PER_SECOND) / tokensPerSecond - performance.now()
        if (waitMs > 0) {
          await flush()
          await pause(waitMs, gone)
        }
      }
      tokens++
    }
    waiting += rendered(part, lineEnd)
    if (part.tells) exchange.told()
    if (part.kind === 'end') exchange.completed()
  }
  await flush()
}

const sendStream = async (exchange: Exchange): Promise<void> => {
  const { response, behaviour, dialect, answer, gone } = exchange
  const { fault, firstTokenDelayMs = 0 } = behaviour
  const parts = beforeFault(dialect.parts(answer, behaviour), behaviour)
  head(response, 200, 'text/event-stream; charset=utf-8', ['cache-control', 'no-cache'])
  if (firstTokenDelayMs > 0 || parts.length === 0) response.flushHeaders()
  if (firstTokenDelayMs > 0) await pause(firstTokenDelayMs, gone)
  await writeParts(exchange, parts)
  if (gone.aborted) return
  switch (fault) {
    case 'error-first':
    case 'error-event':
      response.write(rendered(dialect.errorPart(ERROR_MESSAGE), '\n'))
      break
    case 'malformed':
    case 'malformed-event':
      response.write(BROKEN_EVENT)
      break
    case 'stall-stream':
    case 'stall-mid-stream':
      return untilGone(gone)
    case 'drop':
      exchange.over()
      // A moment later: a reset takes along what the other side has not read yet.
      await nextTurn()
      response.write('', () => response.socket?.resetAndDestroy())
      return
    default:
      break
  }
  exchange.over()
  response.end()
}

/** Answers as the behaviour says. Resolves also when the client left first. */
export const send = async (exchange: Exchange): Promise<void> => {
  const { behaviour, gone, isStream } = exchange
  try {
    if (behaviour.delayMs !== undefined) await pause(behaviour.delayMs, gone)
    if (behaviour.fault !== undefined && (await failedEarly(exchange))) return
    await (isStream ? sendStream(exchange) : sendWhole(exchange))
  } catch (error) {
    // The client left while the mock waited.
    if (!gone.aborted) throw error
  }
}
