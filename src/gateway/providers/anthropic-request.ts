import type { Result } from '../../result.ts'
import type { RoutingFault } from '../../routing/faults.ts'
import type { Fields } from '../chat.ts'
import { attempt, refuse } from '../dialects/refusal.ts'
import { countOf, fieldsOf, isAbsent, isFields, listOf, ownOf, textOf } from '../fields.ts'
import { anthropicMessagesOf } from './anthropic-messages.ts'
import { endsWithResults, thinkingOf } from './anthropic-thinking.ts'
import { functionChoiceOf, functionsOf } from './functions.ts'

type Members = Record<string, unknown>

/** OpenAI's temperatures reach to 2. */
const TEMPERATURE_MAX = 1
const JSON_ALONE = 'Answer with one JSON object and nothing else.'

const toolOf = ({ name, description, parameters, strict }: Fields): Members => ({
  name,
  ...(isAbsent(description) ? {} : { description }),
  input_schema: isFields(parameters) ? parameters : { type: 'object', properties: {} },
  ...(strict === true ? { strict } : {}),
})

/** Tools that former turns called: Anthropic reads no call of a tool that is not there. */
const formerTools = (turns: readonly { readonly content: readonly Fields[] }[]) => {
  const calls = turns.flatMap(({ content }) => content.filter(({ type }) => type === 'tool_use'))
  return [...new Set(calls.map(({ name }) => name))].map((name) => ({
    name,
    input_schema: { type: 'object' },
  }))
}

const NO_TOOL: Members = { type: 'none' }
const CHOICES: Readonly<Record<string, string>> = { auto: 'auto', required: 'any', none: 'none' }

const toolChoiceOf = (body: Fields): Members | null => {
  const { mode, name } = functionChoiceOf(body)
  const type = name === null ? ownOf(CHOICES, mode ?? '') : 'tool'
  const isSerial = body.parallel_tool_calls === false && type !== 'none'
  if (type === undefined && !isSerial) return null
  return {
    type: type ?? 'auto',
    ...(name === null ? {} : { name }),
    ...(isSerial ? { disable_parallel_tool_use: true } : {}),
  }
}

/** One of the two alone: newer models refuse both. Thinking models take neither. */
const samplingOf = (body: Fields, isThinking: boolean): Members => {
  const { temperature, top_p } = body
  if (isThinking) return {}
  if (typeof temperature === 'number')
    return { temperature: Math.min(temperature, TEMPERATURE_MAX) }
  return typeof top_p === 'number' ? { top_p } : {}
}

const stopsOf = (stop: unknown): readonly string[] =>
  (typeof stop === 'string' ? [stop] : listOf(stop)).filter(
    (text): text is string => typeof text === 'string' && text.trim() !== '',
  )

const outputFormatOf = (body: Fields): Members | null => {
  const format = fieldsOf(body.response_format)
  const { schema } = fieldsOf(format.json_schema)
  return format.type === 'json_schema' && isFields(schema) ? { type: 'json_schema', schema } : null
}

const translate = (body: Fields, model: string, bucketEffort: string | null): Fields => {
  if (typeof body.n === 'number' && body.n > 1)
    return refuse('#/n', 'must be 1: the model is of Anthropic')
  const { system, turns } = anthropicMessagesOf(body.messages)
  const given = functionsOf(body, 'Anthropic').map(toolOf)
  const tools = given.length > 0 ? given : formerTools(turns)
  const choice = given.length > 0 ? toolChoiceOf(body) : NO_TOOL
  const asked = countOf(body.max_completion_tokens) ?? countOf(body.max_tokens)
  const effort = textOf(body.reasoning_effort) ?? bucketEffort
  const thought = thinkingOf(model, effort, {
    maxTokens: asked,
    isForced: choice?.type === 'any' || choice?.type === 'tool',
    isMidTurn: endsWithResults(turns),
  })
  const format = outputFormatOf(body)
  const isJson = fieldsOf(body.response_format).type === 'json_object'
  const instructions = isJson ? [...system, { type: 'text', text: JSON_ALONE }] : system
  const stops = stopsOf(body.stop)
  const user = textOf(body.user) ?? textOf(body.safety_identifier)
  const outputConfig = {
    ...(thought.effort === null ? {} : { effort: thought.effort }),
    ...(format === null ? {} : { format }),
  }
  return {
    model,
    max_tokens: thought.maxTokens,
    ...(instructions.length === 0 ? {} : { system: instructions }),
    messages: turns,
    ...(tools.length === 0 ? {} : { tools }),
    ...(choice === null || tools.length === 0 ? {} : { tool_choice: choice }),
    ...samplingOf(body, thought.thinking !== null),
    ...(stops.length === 0 ? {} : { stop_sequences: stops }),
    ...(thought.thinking === null ? {} : { thinking: thought.thinking }),
    ...(Object.keys(outputConfig).length === 0 ? {} : { output_config: outputConfig }),
    ...(user === null ? {} : { metadata: { user_id: user } }),
    ...(body.stream === true ? { stream: true } : {}),
  }
}

/**
 * A chat completion's body as Anthropic's messages have it. What Anthropic has no word for is left out
 * (`seed`, `logit_bias`, `logprobs`, penalties); what would change the answer is refused (`n`, audio, custom
 * tools). A JSON schema goes as `output_config.format`, which Anthropic holds the model to; `json_object`,
 * which it has not, as an instruction.
 */
export const toMessages = (
  body: Fields,
  model: string,
  bucketEffort: string | null,
): Result<Fields, RoutingFault> => attempt(() => translate(body, model, bucketEffort))
