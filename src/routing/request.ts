import { err, ok, type Result } from '../result.ts'
import type { Bucket } from './catalog.ts'
import { type Content, ContentReader, jsonOf } from './content.ts'
import { invalid, type RoutingFault } from './faults.ts'
import type { RoutingRequest } from './types.ts'

/** Whose body it is: OpenAI's chat completions, or Anthropic's messages. */
export type Dialect = 'openai' | 'anthropic'

/** A request, with what only guardrails and affinity need. */
export interface ReadRequest extends RoutingRequest {
  /** UTF-16 units of the JSON of tools and response schema: they fill the context, too. */
  readonly schemaLength: number
  /** Leading bytes of `text` that a conversation keeps: to the end of the user's first message. */
  readonly prefixBytes: number
  /** Where the user's last message begins in the texts, in UTF-16 units. */
  readonly lastUserStart: number
  /** The bucket that the request names in place of a model; null where triage chooses it. */
  readonly forcedBucket: Bucket | null
  /** Whether its first content is waited for, and not its whole answer. */
  readonly isStream: boolean
}

export const MESSAGES_MAX = 10_000
export const TOOLS_MAX = 1_024
/** About two million tokens: more than any candidate's window. */
export const TEXT_BYTES_MAX = 8 * 1024 * 1024
const NAME_LENGTH_MAX = 256
const OUTPUT_TOKENS_MAX = 10_000_000

/** Model names that leave the choice to the router, with the bucket that they name. */
const AUTOMATIC: ReadonlyMap<string, Bucket | null> = new Map([
  ['auto', null],
  ['gjallar', null],
  ['gjallar/auto', null],
  ['gjallar/cheap', 'cheap'],
  ['gjallar/mid', 'mid'],
  ['gjallar/hard', 'hard'],
])

/** Whether a model's name leaves the choice to the router. */
export const isAutomatic = (model: string): boolean => AUTOMATIC.has(model)

type Fields = Readonly<Record<string, unknown>>

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Carries a fault out of the nested readers; nothing else is caught where it is. */
class FaultError extends Error {
  readonly fault: RoutingFault
  constructor(fault: RoutingFault) {
    super(fault.reason)
    this.fault = fault
  }
}

const refuse = (pointer: string, detail: string): never => {
  throw new FaultError(invalid(pointer, detail))
}

const isAbsent = (value: unknown): value is null | undefined =>
  value === undefined || value === null

const nameAt = (body: Fields, field: string): string | null => {
  const value = body[field]
  if (isAbsent(value)) return null
  if (typeof value !== 'string' || value === '' || value.length > NAME_LENGTH_MAX)
    return refuse(`#/${field}`, `must be a text of 1 to ${NAME_LENGTH_MAX} characters`)
  return value
}

const alphaOf = (body: Fields): number | null => {
  const { alpha } = body
  if (isAbsent(alpha)) return null
  // NaN compares false.
  if (typeof alpha !== 'number' || !(alpha >= 0 && alpha <= 1))
    return refuse('#/alpha', 'must be a number from 0 to 1')
  return alpha
}

const outputTokensOf = (body: Fields): number | null => {
  const field = isAbsent(body.max_completion_tokens) ? 'max_tokens' : 'max_completion_tokens'
  const value = body[field]
  if (isAbsent(value)) return null
  if (!Number.isInteger(value) || (value as number) < 1 || (value as number) > OUTPUT_TOKENS_MAX)
    return refuse(`#/${field}`, `must be a whole number from 1 to ${OUTPUT_TOKENS_MAX}`)
  return value as number
}

const FORMATS: Readonly<Record<string, RoutingRequest['responseFormat']>> = {
  text: 'text',
  json_object: 'json',
  json_schema: 'json-schema',
}

const formatOf = (body: Fields, field: string): RoutingRequest['responseFormat'] => {
  const value = body[field]
  if (isAbsent(value)) return 'text'
  if (!isFields(value)) return refuse(`#/${field}`, 'must be an object with a type')
  const { type } = value
  const format = typeof type === 'string' && Object.hasOwn(FORMATS, type) ? FORMATS[type] : null
  return format ?? refuse(`#/${field}/type`, `must be one of ${Object.keys(FORMATS).join(', ')}`)
}

const toolsOf = (body: Fields): readonly unknown[] => {
  const { tools } = body
  if (isAbsent(tools)) return []
  if (!Array.isArray(tools)) return refuse('#/tools', 'must be an array')
  if (tools.length > TOOLS_MAX) return refuse('#/tools', `at most ${TOOLS_MAX} tools are read`)
  const wrong = tools.findIndex((tool) => !isFields(tool))
  return wrong < 0 ? tools : refuse(`#/tools/${wrong}`, 'must be an object')
}

const messagesOf = (body: Fields): readonly unknown[] => {
  const { messages } = body
  if (!Array.isArray(messages)) return refuse('#/messages', 'must be an array of messages')
  if (messages.length === 0) return refuse('#/messages', 'must hold at least one message')
  if (messages.length > MESSAGES_MAX)
    return refuse('#/messages', `at most ${MESSAGES_MAX} messages are read`)
  return messages
}

const ROLES: Readonly<Record<Dialect, ReadonlySet<unknown>>> = {
  openai: new Set(['system', 'developer', 'user', 'assistant', 'tool', 'function']),
  anthropic: new Set(['user', 'assistant']),
}

/** Reads every message's content in order. Throws FaultError. */
const readContent = (body: Fields, dialect: Dialect): Content => {
  const reader = new ContentReader(dialect, refuse)
  // Anthropic has its instructions beside the messages.
  if (dialect === 'anthropic' && !isAbsent(body.system))
    reader.read('system', body.system, '#/system')
  for (const [i, message] of messagesOf(body).entries()) {
    const at = `#/messages/${i}`
    if (!isFields(message)) return refuse(at, 'must be an object with role and content')
    const { role } = message
    if (typeof role !== 'string' || !ROLES[dialect].has(role))
      return refuse(`${at}/role`, `must be one of ${[...ROLES[dialect]].join(', ')}`)
    reader.readMessage(role, message, at)
  }
  return reader.content
}

const utf8 = new TextEncoder()

/** Bytes of a text's parts, from their places in UTF-16 units. */
const encode = (content: Content, text: string) => {
  const bytes = utf8.encode(text)
  const { lastUser, prefixEnd, systems } = content
  // Of ASCII, which most texts are, places in units are places in bytes.
  const isAscii = bytes.length === text.length
  const bytesOf = (part: string): number => (isAscii ? part.length : utf8.encode(part).length)
  return {
    text: bytes,
    lastUserText: isAscii
      ? bytes.subarray(lastUser.start, lastUser.end)
      : utf8.encode(text.slice(lastUser.start, lastUser.end)),
    systemBytes: systems.reduce((sum, system) => sum + bytesOf(system), 0),
    lastUserStart: lastUser.start,
    prefixBytes: isAscii ? prefixEnd : bytesOf(text.slice(0, prefixEnd)),
  }
}

const conversationOf = (body: Fields): string | null =>
  nameAt(body, 'conversation') ?? nameAt(body, 'prompt_cache_key')

const read = (body: Fields, dialect: Dialect): Result<ReadRequest, RoutingFault> => {
  const content = readContent(body, dialect)
  const text = content.texts.join('\n')
  const tooLarge: RoutingFault = {
    reason: 'too-large',
    pointer: '#/messages',
    detail: `at most ${TEXT_BYTES_MAX} bytes of text are routed`,
    max: TEXT_BYTES_MAX,
  }
  // A unit is a byte at least, so that what is far too long is not encoded first.
  if (text.length > TEXT_BYTES_MAX) return err(tooLarge)
  const encoded = encode(content, text)
  if (encoded.text.length > TEXT_BYTES_MAX) return err(tooLarge)
  const tools = toolsOf(body)
  const formatField = dialect === 'openai' ? 'response_format' : 'output_format'
  const responseFormat = formatOf(body, formatField)
  const model = nameAt(body, 'model')
  const lengthOf = (field: string): number =>
    (jsonOf(body[field]) ?? refuse(`#/${field}`, 'is nested too deeply')).length
  return ok({
    ...encoded,
    turns: content.turns,
    messages: content.messages,
    tools: tools.length,
    images: content.images,
    responseFormat,
    maxOutputTokens: outputTokensOf(body),
    requestedModel: model === null || isAutomatic(model) ? null : model,
    forcedBucket: model === null ? null : (AUTOMATIC.get(model) ?? null),
    isStream: body.stream === true,
    alpha: alphaOf(body),
    conversationKey: conversationOf(body),
    schemaLength:
      (tools.length === 0 ? 0 : lengthOf('tools')) +
      (responseFormat === 'json-schema' ? lengthOf(formatField) : 0),
  })
}

/**
 * What is routed on, from the parsed JSON of a body. Fields that do not bear on the choice are not looked
 * at. Time and memory are linear in the body, which is bounded where it is read.
 *
 * Beside the protocol's own fields: `alpha` in [0, 1] and `conversation`, a name.
 */
export const readRoutingRequest = (
  body: unknown,
  dialect: Dialect,
): Result<ReadRequest, RoutingFault> => {
  if (!isFields(body)) return err(invalid('#', 'must be a JSON object'))
  try {
    return read(body, dialect)
  } catch (error) {
    if (error instanceof FaultError) return err(error.fault)
    throw error
  }
}
