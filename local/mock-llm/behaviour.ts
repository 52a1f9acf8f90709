import { z } from 'zod'

/** What the mock can do instead of answering well. */
export const FAULTS = [
  /** The connection is reset before an answer. */
  'reset',
  /** The connection is closed, in order, before an answer. */
  'close',
  /** Reset within the headers. */
  'reset-in-headers',
  /** Any status, `status` says which, with an error of the dialect. */
  'status',
  'rate-limited',
  'server-error',
  'unavailable',
  'overloaded',
  /** 502 with a page, as a proxy in front of a provider gives. */
  'html-error',
  /** 200 with a page. */
  'wrong-type',
  /** 200 with JSON that breaks off. */
  'malformed',
  /** 200 whose first event, or whole body, is an error. */
  'error-first',
  /** The rest comes in the middle of a stream, after `afterTokens`; a whole answer breaks at its middle. */
  'error-event',
  'malformed-event',
  'drop',
  /** Ends in order, without the dialect's end. */
  'truncated',
  /** Never any headers. */
  'stall',
  /** Headers, and never more. */
  'stall-stream',
  'stall-mid-stream',
  /** 200 without one event, or with an empty body. */
  'empty',
] as const
export type Fault = (typeof FAULTS)[number]

const DELAY_MS_MAX = 600_000
const TOKENS_MAX = 100_000
const BYTES_MAX = 8 * 1024 * 1024

export const behaviourSchema = z.strictObject({
  /** Before the headers. */
  delayMs: z.number().min(0).max(DELAY_MS_MAX).optional(),
  /** After the headers. */
  firstTokenDelayMs: z.number().min(0).max(DELAY_MS_MAX).optional(),
  /** Absent: as fast as it is read. */
  tokensPerSecond: z.number().positive().max(1_000_000).optional(),
  /** Tokens of the answer, where the request's limit is not lower. */
  outputTokens: z.number().int().min(0).max(TOKENS_MAX).optional(),
  cachedInputTokens: z.number().int().min(0).max(TOKENS_MAX).optional(),
  cacheWriteTokens: z.number().int().min(0).max(TOKENS_MAX).optional(),
  /** Tokens of reasoning that go before the answer. */
  reasoningTokens: z.number().int().min(0).max(TOKENS_MAX).optional(),
  /** The first token has so many bytes more: a long line of a stream. */
  paddingBytes: z.number().int().min(0).max(BYTES_MAX).optional(),
  /** `each`: an event a write, one in each turn of the event loop. */
  writes: z.enum(['together', 'each']).optional(),
  /** The stream in writes of so many bytes, whatever they split. */
  chunkBytes: z.number().int().min(1).max(BYTES_MAX).optional(),
  lineEnd: z.enum(['lf', 'crlf', 'cr']).optional(),
  /** Where a stream tells its tokens; Anthropic's and Gemini's have places of their own for them. */
  usage: z.enum(['own-chunk', 'finish-chunk', 'none']).optional(),
  /** Another text than the mock's own. */
  text: z.string().max(1_000_000).optional(),
  fault: z.enum(FAULTS).optional(),
  /** Of the fault `status`. */
  status: z.number().int().min(300).max(599).optional(),
  /** The header `Retry-After` of a fault with a status. */
  retryAfter: z.string().max(100).optional(),
  /** Where a fault in the middle of a stream comes. */
  afterTokens: z.number().int().min(0).max(TOKENS_MAX).optional(),
})

/** How one request is answered. Empty: at once and well. */
export type Behaviour = z.infer<typeof behaviourSchema>

const QUEUE_MAX = 100_000

export const scriptSchema = z.strictObject({
  /** For every request that nothing below is for. */
  always: behaviourSchema.optional(),
  /** One a request, in order, by `provider/model`, `provider/*` or `*`. */
  queues: z.record(z.string().max(300), z.array(behaviourSchema).max(QUEUE_MAX)).optional(),
})
export type Script = z.infer<typeof scriptSchema>

export const faultsSchema = z.strictObject({
  /** Share of requests [0, 1]. */
  rate: z.number().min(0).max(1),
  seed: z.number().int(),
  kinds: z
    .array(z.union([z.enum(FAULTS), behaviourSchema]))
    .min(1)
    .max(100),
})
export type Faults = z.infer<typeof faultsSchema>

/** Statuses of the faults that are one. */
const STATUSES: Partial<Record<Fault, number>> = {
  'rate-limited': 429,
  'server-error': 500,
  unavailable: 503,
  overloaded: 529,
  'html-error': 502,
}

/** @returns null where the behaviour is no answer with a status of an error */
export const errorStatusOf = ({ fault, status }: Behaviour): number | null => {
  if (fault === undefined) return null
  return fault === 'status' ? (status ?? 500) : (STATUSES[fault] ?? null)
}
