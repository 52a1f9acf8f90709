import type { Dialect } from '../routing/request.ts'
import type { DialectEncoder, GatewayError } from './dialects/types.ts'
import { readFields } from './fields.ts'
import type { SseEvent } from './sse.ts'
import type { Received } from './stream-source.ts'

/** Says a provider's stream to a client. */
export interface StreamWriter {
  /** @returns text of whole SSE events, '' for what this client is not told */
  write(received: Received): string
  /** The event that ends a stream which was committed and then broke. */
  fault(error: GatewayError): string
}

/** One event as it came, without what only its transport was: comments, ids, kinds of line ends. */
export const eventText = ({ event, data }: SseEvent): string => {
  const name = event === null ? '' : `event: ${event}\n`
  // A line feed inside of data begins a line of its own.
  const lines = data.includes('\n') ? data.replaceAll('\n', '\ndata: ') : data
  return `${name}data: ${lines}\n\n`
}

/**
 * Whether an event holds nothing but tokens: OpenAI's last chunk, which only who asked for it expects. Others
 * tell tokens in every chunk, also in those whose choices say something that nobody here reads.
 */
const isUsageAlone = ({ event, chat }: Received): boolean => {
  if (event === null || chat.length === 0) return false
  if (!chat.every(({ kind }) => kind === 'usage')) return false
  const { choices } = readFields(event.data) ?? {}
  return !Array.isArray(choices) || choices.length === 0
}

/** The mark at the end of a stream, for providers that leave it out. */
const END_TEXT: Readonly<Record<Dialect, string>> = {
  openai: 'data: [DONE]\n\n',
  anthropic: 'event: message_stop\ndata: {"type":"message_stop"}\n\n',
}

/**
 * The provider speaks the client's dialect: events go on as they came, unknown fields and all.
 *
 * @param includeUsage whether the client asked for the chunk of usage that we ask every provider for
 */
export const passingWriter = (
  dialect: Dialect,
  includeUsage: boolean,
  fault: DialectEncoder['fault'],
): StreamWriter => ({
  write: (received) => {
    if (received.event === null) return END_TEXT[dialect]
    return !includeUsage && isUsageAlone(received) ? '' : eventText(received.event)
  },
  fault,
})

/** The provider speaks another one. */
export const translatingWriter = (encoder: DialectEncoder): StreamWriter => ({
  write: ({ chat }) => {
    let text = ''
    for (const event of chat) text += encoder.encode(event)
    return text
  },
  fault: (error) => encoder.fault(error),
})
