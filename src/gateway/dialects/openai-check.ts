import type { RoutingFault } from '../../routing/faults.ts'
import type { Fields } from '../chat.ts'
import { fieldsOf, isAbsent, isFields } from '../fields.ts'
import {
  checkImageUrl,
  checkMessages,
  checkModel,
  checkParts,
  checkSchema,
  checkToolName,
  checkTools,
  OUTPUT_TOKENS_MAX,
} from './checks.ts'
import { attempt, checkKind, checkNumber, checkTexts, refuse } from './refusal.ts'

/** Answers side by side; OpenAI's bound. */
export const N_MAX = 128
const STOPS_MAX = 64
const ROLES = new Set(['system', 'developer', 'user', 'assistant', 'tool', 'function'])
const FORMATS = new Set(['text', 'json_object', 'json_schema'])
const CHOICES = new Set(['none', 'auto', 'required'])

/** OpenAI's API reference, chat completions. */
const RANGES: Readonly<Record<string, { min: number; max: number; isWhole?: boolean }>> = {
  temperature: { min: 0, max: 2 },
  top_p: { min: 0, max: 1 },
  presence_penalty: { min: -2, max: 2 },
  frequency_penalty: { min: -2, max: 2 },
  n: { min: 1, max: N_MAX, isWhole: true },
  max_tokens: { min: 1, max: OUTPUT_TOKENS_MAX, isWhole: true },
  max_completion_tokens: { min: 1, max: OUTPUT_TOKENS_MAX, isWhole: true },
  top_logprobs: { min: 0, max: 20, isWhole: true },
  // A seed of 64 bits is read as the nearest number.
  seed: { min: -(2 ** 63), max: 2 ** 64, isWhole: true },
}

const KINDS: Readonly<Record<string, 'boolean' | 'string' | 'object'>> = {
  stream: 'boolean',
  logprobs: 'boolean',
  parallel_tool_calls: 'boolean',
  stream_options: 'object',
  logit_bias: 'object',
  response_format: 'object',
  user: 'string',
  reasoning_effort: 'string',
}

const checkPart = (part: Fields, at: string): void => {
  if (part.type === 'text') {
    if (typeof part.text !== 'string') refuse(`${at}/text`, 'must be a text')
  } else if (part.type === 'image_url') {
    if (!isFields(part.image_url)) refuse(`${at}/image_url`, 'must be an object with a url')
    checkImageUrl(part.image_url.url, `${at}/image_url/url`)
  }
}

const checkCalls = (calls: unknown, at: string): void =>
  checkTools(calls, at, (call, callAt) => {
    checkKind(call.function, `${callAt}/function`, 'object')
    const { arguments: given } = fieldsOf(call.function)
    checkKind(given, `${callAt}/function/arguments`, 'string')
  })

const checkMessage = (message: Fields, at: string): void => {
  const { role, content } = message
  // Only an assistant that called something has nothing to say.
  if (isAbsent(content)) {
    if (role !== 'assistant') refuse(`${at}/content`, 'must be a text or an array of parts')
  } else checkParts(content, `${at}/content`, checkPart)
  if (role === 'tool' && typeof message.tool_call_id !== 'string')
    refuse(`${at}/tool_call_id`, 'must name the call')
  if (role === 'assistant') checkCalls(message.tool_calls, `${at}/tool_calls`)
}

const checkTool = (tool: Fields, at: string): void => {
  const { type } = tool
  if (type === 'function') {
    if (!isFields(tool.function)) refuse(`${at}/function`, 'must be an object with a name')
    checkToolName(tool.function.name, `${at}/function/name`)
    checkKind(tool.function.description, `${at}/function/description`, 'string')
    checkSchema(tool.function.parameters, `${at}/function/parameters`)
  } else if (typeof type !== 'string') refuse(`${at}/type`, 'must be function')
}

const checkToolChoice = (choice: unknown): void => {
  if (isAbsent(choice) || isFields(choice)) return
  if (!CHOICES.has(choice as string))
    refuse('#/tool_choice', `must be an object or one of ${[...CHOICES].join(', ')}`)
}

const checkFormat = (format: unknown): void => {
  if (!isFields(format)) return
  if (!FORMATS.has(format.type as string))
    refuse('#/response_format/type', `must be one of ${[...FORMATS].join(', ')}`)
  if (format.type !== 'json_schema') return
  const at = '#/response_format/json_schema'
  if (!isFields(format.json_schema)) refuse(at, 'must be an object with a name and a schema')
  checkSchema(format.json_schema.schema, `${at}/schema`)
}

/** The whole body of a chat completion; fields that are not named here pass. */
export const checkOpenAi = (body: Fields): RoutingFault | null => {
  const checked = attempt(() => {
    checkModel(body)
    checkMessages(body, ROLES, checkMessage)
    for (const [field, range] of Object.entries(RANGES))
      checkNumber(body[field], `#/${field}`, range)
    for (const [field, kind] of Object.entries(KINDS)) checkKind(body[field], `#/${field}`, kind)
    checkTexts(body.stop, '#/stop', STOPS_MAX)
    checkTools(body.tools, '#/tools', checkTool)
    checkToolChoice(body.tool_choice)
    checkFormat(body.response_format)
  })
  return checked.ok ? null : checked.error
}
