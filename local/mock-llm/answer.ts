import type { Behaviour } from './behaviour.ts'

/** Tokens that the mock counts: a word of its answers is one, and four bytes of a prompt. */
export interface MockUsage {
  /** With what was read from and written to the cache. */
  readonly inputTokens: number
  readonly cachedInputTokens: number
  readonly cacheWriteTokens: number
  /** With the reasoning. */
  readonly outputTokens: number
  readonly reasoningTokens: number
}

/** What the mock reads of a request, whatever the dialect. */
export interface MockRequest {
  readonly model: string
  readonly isStream: boolean
  /** Of all texts, UTF-8 or nearly. */
  readonly textBytes: number
  readonly messages: number
  readonly images: number
  readonly lastRole: string
  readonly outputTokensMax: number | null
  readonly stop: readonly string[]
  readonly choices: number
  /** The first tool, where a call of one is due. */
  readonly tool: { readonly name: string; readonly schema: unknown } | null
  /** `json`: any object. */
  readonly schema: unknown
  readonly logprobs: boolean
  readonly includeUsage: boolean
}

export interface MockAnswer {
  readonly id: string
  readonly model: string
  readonly choices: number
  /** Joined they are the text. */
  readonly tokens: readonly string[]
  readonly reasoning: readonly string[]
  readonly tool: { readonly id: string; readonly name: string; readonly arguments: string } | null
  readonly finish: 'stop' | 'length' | 'tool_calls'
  readonly stopSequence: string | null
  readonly logprobs: boolean
  readonly usage: MockUsage
}

const BYTES_PER_TOKEN = 4
const DEPTH_MAX = 8
const FILLER = ['made', 'up', 'by', 'a', 'mock', '–', 'naïve', '日本', '🙂']

type Schema = Readonly<Record<string, unknown>>
const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The plainest value that a JSON schema takes; what it does not know is null. */
export const instanceOf = (schema: unknown, depth = 0): unknown => {
  if (!isSchema(schema) || depth > DEPTH_MAX) return null
  if ('const' in schema) return schema.const
  if (Array.isArray(schema.enum)) return schema.enum[0]
  const either = schema.anyOf ?? schema.oneOf
  if (Array.isArray(either)) return instanceOf(either[0], depth + 1)
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type
  switch (typeof type === 'string' ? type.toLowerCase() : '') {
    case 'string':
      return 'mock'
    case 'number':
    case 'integer':
      return typeof schema.minimum === 'number' ? schema.minimum : 0
    case 'boolean':
      return true
    case 'array':
      return [instanceOf(schema.items, depth + 1)]
    default: {
      if (type === undefined && schema.properties === undefined) return null
      const properties = isSchema(schema.properties) ? schema.properties : {}
      return Object.fromEntries(
        Object.entries(properties).map(([name, of]) => [name, instanceOf(of, depth + 1)]),
      )
    }
  }
}

/** Words with the space before them, as tokens of models mostly are. */
const tokensOf = (text: string): string[] => text.match(/\s*\S+/gu) ?? []

const textOf = (request: MockRequest, { text }: Behaviour): string => {
  if (text !== undefined) return text
  if (request.schema !== null) {
    const value = request.schema === 'json' ? { mock: true } : instanceOf(request.schema)
    return JSON.stringify(value, null, 1)
  }
  const { model, messages, textBytes, images, lastRole } = request
  return `This is a mock, not ${model}. It read ${messages} messages of ${textBytes} bytes and ${images} images, the last of the ${lastRole}.`
}

const filled = (tokens: string[], count: number): string[] => {
  const result = tokens.slice(0, count)
  while (result.length < count) result.push(` ${FILLER[result.length % FILLER.length]}`)
  return result
}

/** Cuts at the first stop sequence. */
const stopped = (tokens: string[], stop: readonly string[]) => {
  if (stop.length === 0) return { tokens, stopSequence: null }
  const text = tokens.join('')
  let end = text.length
  let stopSequence: string | null = null
  for (const sequence of stop) {
    const at = text.indexOf(sequence)
    if (at >= 0 && at < end) {
      end = at
      stopSequence = sequence
    }
  }
  return stopSequence === null
    ? { tokens, stopSequence }
    : { tokens: tokensOf(text.slice(0, end)), stopSequence }
}

/** The answer follows from the request and the behaviour alone. @param number of the request */
export const answerOf = (
  request: MockRequest,
  behaviour: Behaviour,
  number: number,
): MockAnswer => {
  const { model, outputTokensMax, choices } = request
  const reasoning = filled([], behaviour.reasoningTokens ?? 0)
  let { tokens, stopSequence } = stopped(tokensOf(textOf(request, behaviour)), request.stop)
  if (behaviour.outputTokens !== undefined) tokens = filled(tokens, behaviour.outputTokens)
  let tool: MockAnswer['tool'] = null
  if (request.tool !== null) {
    const { name, schema } = request.tool
    tool = { id: `call_mock_${number}`, name, arguments: JSON.stringify(instanceOf(schema) ?? {}) }
    tokens = []
    stopSequence = null
  }
  const isCut = outputTokensMax !== null && tokens.length > outputTokensMax
  if (isCut) {
    tokens = tokens.slice(0, outputTokensMax)
    stopSequence = null
  }
  // What was cut off a reasoning answer is the answer, as with models.
  const written = tool === null ? tokens.length : Math.ceil(tool.arguments.length / BYTES_PER_TOKEN)
  if (behaviour.paddingBytes !== undefined && tokens.length > 0) {
    tokens[0] = `${tokens[0]}${'x'.repeat(behaviour.paddingBytes)}`
  }
  const cachedInputTokens = behaviour.cachedInputTokens ?? 0
  const cacheWriteTokens = behaviour.cacheWriteTokens ?? 0
  const counted = Math.max(1, Math.ceil(request.textBytes / BYTES_PER_TOKEN))
  return {
    id: `mock-${number}`,
    model,
    choices,
    tokens,
    reasoning,
    tool,
    finish: tool !== null ? 'tool_calls' : isCut ? 'length' : 'stop',
    stopSequence,
    logprobs: request.logprobs,
    usage: {
      inputTokens: Math.max(counted, cachedInputTokens + cacheWriteTokens),
      cachedInputTokens,
      cacheWriteTokens,
      outputTokens: choices * written + reasoning.length,
      reasoningTokens: reasoning.length,
    },
  }
}

/** A vector of length 1 that follows from the text alone. @returns f64[dimensions] */
export const vectorOf = (text: string, dimensions: number): number[] => {
  let state = 2_166_136_261
  for (let i = 0; i < text.length; i++) {
    state = Math.imul(state ^ text.charCodeAt(i), 16_777_619) >>> 0
  }
  const values = Array.from({ length: dimensions }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2_147_483_648 - 1
  })
  const length = Math.hypot(...values) || 1
  return values.map((value) => value / length)
}
