import { connect } from 'node:net'
import type { Api } from './api.ts'

export const DIALECTS = ['openai', 'anthropic'] as const
export type ClientDialect = (typeof DIALECTS)[number]

export interface ChatAsk {
  readonly dialect: ClientDialect
  readonly model: string
  readonly isStream: boolean
  readonly more?: Readonly<Record<string, unknown>>
  readonly signal?: AbortSignal
}

/** What a client has in the end. */
export interface ChatEnd {
  readonly status: number
  /** `complete`: with the dialect's end; `error`: a well-formed one, instead of an answer or in it. */
  readonly kind: 'complete' | 'error'
  readonly text: string
  readonly message: string
  readonly retryAfter: string | null
  /** As the client was told it; null where nothing was. */
  readonly costNanoUsd: bigint | null
  /** All that came. */
  readonly raw: string
}

const PATHS = { openai: '/v1/chat/completions', anthropic: '/v1/messages' }

/** Exact, as the gateway writes it: nine digits behind the point. */
const nanoUsdOf = (usd: string | null | undefined): bigint | null => {
  const [, whole, fraction = ''] = /^(\d+)(?:\.(\d{1,9}))?$/.exec(usd ?? '') ?? []
  return whole === undefined ? null : BigInt(whole + fraction.padEnd(9, '0'))
}

interface ErrorBody {
  type?: string
  error?: { type?: string; message?: string; code?: unknown; param?: unknown }
}

/** @throws Error where it is no error of the dialect */
const messageOf = (dialect: ClientDialect, body: ErrorBody): string => {
  const { error } = body
  const isWell =
    typeof error?.message === 'string' &&
    typeof error.type === 'string' &&
    (dialect === 'anthropic' ? body.type === 'error' : 'code' in error && 'param' in error)
  if (!isWell) throw new Error(`no error of ${dialect}: ${JSON.stringify(body)}`)
  return error?.message ?? ''
}

interface Event {
  readonly event: string | null
  readonly data: string
}

const eventsOf = (raw: string): Event[] =>
  raw
    .split('\n\n')
    .filter((block) => block !== '' && !block.split('\n').every((line) => line.startsWith(':')))
    .map((block) => {
      const lines = block.split('\n')
      const field = (name: string): string | null =>
        lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? null
      const data = field('data')
      if (data === null) throw new Error(`no data in ${JSON.stringify(block.slice(0, 200))}`)
      return { event: field('event'), data }
    })

interface Piece {
  choices?: { delta?: { content?: string | null } }[]
  delta?: { text?: string }
  type?: string
  error?: unknown
}

/** @throws Error where a stream ends neither well nor with an error */
const streamEnd = (
  dialect: ClientDialect,
  raw: string,
): Pick<ChatEnd, 'kind' | 'text' | 'message'> => {
  let text = ''
  let message = ''
  let kind: ChatEnd['kind'] | null = null
  for (const { event, data } of eventsOf(raw)) {
    if (kind !== null) throw new Error(`behind the end of the stream comes ${data.slice(0, 200)}`)
    if (data === '[DONE]') {
      kind = 'complete'
      continue
    }
    const piece = JSON.parse(data) as Piece
    if (piece.error !== undefined) {
      message = messageOf(dialect, piece as ErrorBody)
      if (dialect === 'anthropic' && event !== 'error') throw new Error('an error of no event')
      kind = 'error'
    } else if (piece.type === 'message_stop') {
      kind = 'complete'
    } else {
      text += piece.choices?.[0]?.delta?.content ?? piece.delta?.text ?? ''
    }
  }
  if (kind === null) throw new Error(`the stream just ends: ${JSON.stringify(raw.slice(-200))}`)
  return { kind, text, message }
}

const wholeText = (dialect: ClientDialect, body: string): string => {
  const answer = JSON.parse(body) as {
    choices?: { message: { content: string } }[]
    content?: { text?: string }[]
  }
  const text =
    dialect === 'openai'
      ? answer.choices?.[0]?.message.content
      : answer.content?.map((block) => block.text ?? '').join('')
  if (typeof text !== 'string') throw new Error(`no answer: ${body.slice(0, 200)}`)
  return text
}

const bodyOf = ({ model, isStream, more }: ChatAsk): string =>
  JSON.stringify({
    model,
    stream: isStream,
    max_tokens: 1_000,
    messages: [{ role: 'user', content: 'Hello, is anybody there?' }],
    ...more,
  })

/**
 * One question as a client sends it, to its end.
 *
 * @throws Error where the answer is neither complete nor a well-formed error
 */
export const askChat = async (api: Pick<Api, 'url' | 'key'>, ask: ChatAsk): Promise<ChatEnd> => {
  const { dialect, isStream, signal } = ask
  const response = await fetch(`${api.url}${PATHS[dialect]}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${api.key}` },
    body: bodyOf(ask),
    signal: signal ?? AbortSignal.timeout(60_000),
  })
  const raw = await response.text()
  const { status, headers } = response
  const retryAfter = headers.get('retry-after')
  const cost = /: gjallar cost-usd=(\S+)/.exec(raw)?.[1] ?? headers.get('x-gjallar-cost-usd')
  const told = { status, retryAfter, costNanoUsd: nanoUsdOf(cost), raw }
  if (status !== 200) {
    const message = messageOf(dialect, JSON.parse(raw) as ErrorBody)
    return { ...told, kind: 'error', text: '', message }
  }
  if (!isStream) return { ...told, kind: 'complete', text: wholeText(dialect, raw), message: '' }
  return { ...told, ...streamEnd(dialect, raw) }
}

/** Sends a question and resets its connection: workerd takes an end in order for one that still listens. */
export const askAndReset = async (
  api: Pick<Api, 'url' | 'key'>,
  ask: ChatAsk,
  wasAsked: () => Promise<unknown>,
): Promise<void> => {
  const { hostname, port } = new URL(api.url)
  const body = bodyOf(ask)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  socket.write(
    `POST ${PATHS[ask.dialect]} HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: Bearer ${api.key}\r\n` +
      `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
  await wasAsked()
  socket.resetAndDestroy()
}
