import { err, ok, type Result } from '../result.ts'
import { type AnswerBody, readAnswerBody } from './attempt-body.ts'
import { type Stage, UpstreamCall } from './attempt-call.ts'
import type { UpstreamFault } from './faults.ts'
import type { Clock } from './gateway-clock.ts'
import type { ProviderProtocol, UpstreamRequest } from './providers/types.ts'
import { hasContent, type Received, type Step, StreamSource } from './stream-source.ts'

/** How long each step of one attempt may take, in milliseconds. */
export interface Deadlines {
  /** From sending to the answer's headers, of a stream. */
  readonly headersMs: number
  /** From sending to the end of an answer that is no stream. */
  readonly answerMs: number
  /** From sending to the first content, of a stream that has not been committed. */
  readonly firstTokenMs: number
  /** From sending until a stream that said anything valid is committed, with content or without. */
  readonly peekMs: number
  /** From one piece of a committed stream to the next. */
  readonly idleMs: number
}

export type Fetch = (url: string, init: RequestInit) => Promise<Response>

export interface AttemptPorts {
  readonly fetch: Fetch
  readonly clock: Clock
  readonly deadlines: Deadlines
}

export interface AttemptInput<T> {
  readonly protocol: Pick<ProviderProtocol, 'openStream' | 'readFault'>
  /** Of a whole answer. */
  readonly readAnswer: (bytes: Uint8Array, nowMs: number) => Result<T, UpstreamFault>
  readonly request: UpstreamRequest
  readonly isStream: boolean
  /** When the whole request must be committed. */
  readonly totalDueMs: number
  /** The client's, or that of whoever compares this attempt with another. */
  readonly signal: AbortSignal | null
}

/** A stream that the client may have: what was read of it already, then the rest. */
export interface ServedStream {
  readonly kind: 'stream'
  readonly source: StreamSource
  readonly received: readonly Received[]
  readonly end: 'open' | 'done'
  /** Null where it was committed at the peek deadline. */
  readonly firstContentAtMs: number | null
}

export interface ServedAnswer<T> {
  readonly kind: 'answer'
  /** As the provider wrote it. */
  readonly bytes: Uint8Array
  readonly value: T
}

export type Served<T> = ServedStream | ServedAnswer<T>

/** Of an answer that is no stream, in bytes. */
const ANSWER_BYTES_MAX = 32 * 1024 * 1024
/** Of an answer that is an error. */
const FAULT_BYTES_MAX = 64 * 1024
/** Held back while nobody knows whether the stream is one; beyond it the stream is committed. */
const PEEK_EVENTS_MAX = 4_096

/** No detail: the runtime's message may hold the address. */
const CONNECTION: UpstreamFault = { reason: 'connection', detail: 'no answer' }
/** What runtimes say of a connection that was never there: Node's codes, workerd's words. */
const REFUSED = /ECONNREFUSED|ENOTFOUND|EHOSTUNREACH|connection refused|DNS lookup failed/i

const messagesOf = (error: unknown): string =>
  error instanceof Error ? `${error.message} ${messagesOf(error.cause)}` : ''

/** A connection that was refused carried nothing: the request was not accepted. */
export const REFUSED_DETAIL = 'refused'

const connectionFault = (error: unknown): UpstreamFault => {
  const text = `${messagesOf(error)} ${(error as { code?: unknown } | null)?.code ?? ''}`
  return REFUSED.test(text) ? { reason: 'connection', detail: REFUSED_DETAIL } : CONNECTION
}

const isEventStream = (response: Response): boolean => {
  const type = response.headers.get('content-type') ?? ''
  // Servers that name no type, or a wrong one, are read all the same; JSON is surely none.
  return !/^application\/(?:[\w.+-]*\+)?json/i.test(type)
}

/** Reads a stream until it may be told to the client. */
const peek = async (
  call: UpstreamCall,
  source: StreamSource,
  toPeekDeadline: Promise<'peek'>,
): Promise<Result<ServedStream, UpstreamFault>> => {
  const received: Received[] = []
  for (;;) {
    const step: Step | 'peek' = await Promise.race([source.next(), toPeekDeadline])
    if (step === 'peek')
      return ok({ kind: 'stream', source, received, end: 'open', firstContentAtMs: null })
    source.taken()
    received.push(...step.received)
    const isContent = hasContent(step.received)
    if (typeof step.end === 'object') {
      // Content in front of it was told to nobody yet: another candidate may begin anew.
      call.stop(step.end)
      return err(step.end)
    }
    if (isContent || step.end === 'done' || received.length >= PEEK_EVENTS_MAX) {
      call.rest()
      const firstContentAtMs = isContent ? call.clock.now() : null
      return ok({ kind: 'stream', source, received, end: step.end, firstContentAtMs })
    }
    if (step.received.length > 0) source.hasBegun = true
  }
}

const readStream = async (
  call: UpstreamCall,
  response: Response,
  input: Pick<AttemptInput<unknown>, 'protocol' | 'totalDueMs'>,
  deadlines: Deadlines,
  sentAtMs: number,
): Promise<Result<ServedStream, UpstreamFault>> => {
  const stop = (fault: UpstreamFault): Result<never, UpstreamFault> => {
    call.stop(fault)
    return err(fault)
  }
  if (!isEventStream(response) || response.body === null)
    return stop({ reason: 'malformed', detail: 'the answer is no stream of events' })
  const source = new StreamSource(
    call,
    response.body as ReadableStream<Uint8Array>,
    input.protocol.openStream(),
  )
  const lastMs = Math.min(sentAtMs + deadlines.firstTokenMs, input.totalDueMs)
  const peekDueMs = sentAtMs + deadlines.peekMs
  let commit: (reason: 'peek') => void = () => undefined
  const toPeekDeadline = new Promise<'peek'>((resolve) => {
    commit = resolve
  })
  const watchLast = (): void => {
    const isTotal = lastMs === input.totalDueMs
    call.watch(isTotal ? 'total' : 'first-token', lastMs)
  }
  call.whenDue((stage) => {
    if (stage === 'peek') {
      if (source.hasBegun) commit('peek')
      else watchLast()
    } else {
      stop(timeoutOf(stage, call.clock.now() - sentAtMs))
    }
  })
  if (peekDueMs < lastMs) call.watch('peek', peekDueMs)
  else watchLast()
  return peek(call, source, toPeekDeadline)
}

/** The fault of a deadline that has passed. */
export const timeoutOf = (stage: Stage, afterMs: number): UpstreamFault => ({
  reason: 'timeout',
  stage: stage === 'answer' ? 'total' : stage === 'peek' ? 'first-token' : stage,
  afterMs,
})

const readWhole = async (
  call: UpstreamCall,
  response: Response,
  bytesMax: number,
): Promise<Result<Uint8Array, UpstreamFault>> => {
  const body: AnswerBody = await readAnswerBody(response, bytesMax)
  if (call.fault !== null) return err(call.fault)
  if (body.kind === 'whole') return ok(body.bytes)
  const fault: UpstreamFault =
    body.kind === 'broken'
      ? { reason: 'interrupted', detail: 'the answer ended too early' }
      : { reason: 'malformed', detail: `the answer is longer than ${bytesMax} bytes` }
  call.stop(fault)
  return err(fault)
}

const readAnswer = async <T>(
  call: UpstreamCall,
  response: Response,
  { readAnswer: read }: AttemptInput<T>,
): Promise<Result<ServedAnswer<T>, UpstreamFault>> => {
  const body = await readWhole(call, response, ANSWER_BYTES_MAX)
  if (!body.ok) return body
  call.close()
  const answer = read(body.value, call.clock.now())
  return answer.ok ? ok({ kind: 'answer', bytes: body.value, value: answer.value }) : answer
}

/** An answer that is not 2xx. What cannot be read of it does not matter: its status says enough. */
const readFault = async (
  call: UpstreamCall,
  response: Response,
  { protocol }: Pick<AttemptInput<unknown>, 'protocol'>,
): Promise<UpstreamFault> => {
  const { status, headers } = response
  const body = await readAnswerBody(response, FAULT_BYTES_MAX)
  if (call.fault?.reason === 'cancelled') return call.fault
  const bytes = body.kind === 'whole' ? body.bytes : new Uint8Array(0)
  const fault = protocol.readFault(status, headers, bytes)
  if (body.kind === 'whole') call.close()
  else call.stop(fault)
  return fault
}

/**
 * Asks one provider once. A stream is given back as soon as the client may have it: with its first content,
 * at its end, or at the peek deadline; until then every fault is a fault of the attempt, which another
 * candidate may make good.
 *
 * @throws never
 */
export const attempt = async <T>(
  input: AttemptInput<T>,
  { fetch, clock, deadlines }: AttemptPorts,
): Promise<Result<Served<T>, UpstreamFault>> => {
  const call = new UpstreamCall(clock, input.signal)
  if (call.fault !== null) return err(call.fault)
  const sentAtMs = clock.now()
  const ownMs = input.isStream
    ? Math.min(deadlines.headersMs, deadlines.firstTokenMs)
    : deadlines.answerMs
  const isTotal = input.totalDueMs <= sentAtMs + ownMs
  const stage: Stage = isTotal ? 'total' : input.isStream ? 'headers' : 'answer'
  call.whenDue((due) => call.stop(timeoutOf(due, clock.now() - sentAtMs)))
  call.watch(stage, isTotal ? input.totalDueMs : sentAtMs + ownMs)
  let response: Response
  try {
    const { url, headers, body } = input.request
    response = await fetch(url, {
      method: 'POST',
      headers,
      body: body as BodyInit,
      // A redirect would carry the credential to an address that nobody configured.
      redirect: 'manual',
      signal: call.signal,
    })
  } catch (error) {
    const fault = call.fault ?? connectionFault(error)
    call.close()
    return err(fault)
  }
  // Stopped while the headers were on their way, by a body that does not listen to the signal.
  if (call.fault !== null) return err(call.fault)
  if (!response.ok) return err(await readFault(call, response, input))
  if (input.isStream) return readStream(call, response, input, deadlines, sentAtMs)
  return readAnswer(call, response, input)
}
