import type { RoutingFault } from '../../routing/faults.ts'
import type { Fields } from '../chat.ts'
import { fieldsOf, isAbsent, isFields } from '../fields.ts'
import {
  checkBase64Image,
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

const STOPS_MAX = 8_191
const ROLES = new Set(['user', 'assistant'])
const CHOICES = new Set(['auto', 'any', 'tool', 'none'])

const checkImage = (source: unknown, at: string): void => {
  if (!isFields(source)) refuse(at, 'must say where the image is')
  if (source.type === 'base64') checkBase64Image(source.data, `${at}/data`)
  else if (source.type === 'url') checkImageUrl(source.url, `${at}/url`)
}

const checkBlock = (block: Fields, at: string): void => {
  switch (block.type) {
    case 'text':
      if (typeof block.text !== 'string') refuse(`${at}/text`, 'must be a text')
      return
    case 'image':
      checkImage(block.source, `${at}/source`)
      return
    case 'tool_use':
      if (typeof block.id !== 'string') refuse(`${at}/id`, 'must be a text')
      checkToolName(block.name, `${at}/name`)
      checkSchema(block.input, `${at}/input`)
      return
    case 'tool_result':
      if (typeof block.tool_use_id !== 'string') refuse(`${at}/tool_use_id`, 'must name the call')
      if (isAbsent(block.content)) return
      checkParts(block.content, `${at}/content`, (part, partAt) => {
        if (part.type === 'image') checkImage(part.source, `${partAt}/source`)
        else if (part.type === 'text' && typeof part.text !== 'string')
          refuse(`${partAt}/text`, 'must be a text')
      })
  }
}

const checkTool = (tool: Fields, at: string): void => {
  checkToolName(tool.name, `${at}/name`)
  const isCustom = isAbsent(tool.type) || tool.type === 'custom'
  if (isCustom && !isFields(tool.input_schema))
    refuse(`${at}/input_schema`, 'must be a JSON schema')
  checkSchema(tool.input_schema, `${at}/input_schema`)
}

const checkThinking = (thinking: unknown): void => {
  checkKind(thinking, '#/thinking', 'object')
  const { type, budget_tokens: budget } = fieldsOf(thinking)
  if (type !== 'enabled') return
  if (isAbsent(budget)) refuse('#/thinking/budget_tokens', 'must be a whole number')
  const range = { min: 1024, max: OUTPUT_TOKENS_MAX, isWhole: true }
  checkNumber(budget, '#/thinking/budget_tokens', range)
}

/** The whole body of a message; fields that are not named here pass. */
export const checkAnthropic = (body: Fields): RoutingFault | null => {
  const checked = attempt(() => {
    checkModel(body)
    // 0 fills the cache without an answer.
    const tokens = { min: 0, max: OUTPUT_TOKENS_MAX, isWhole: true }
    if (isAbsent(body.max_tokens)) refuse('#/max_tokens', 'must be a whole number')
    checkNumber(body.max_tokens, '#/max_tokens', tokens)
    checkNumber(body.temperature, '#/temperature', { min: 0, max: 1 })
    checkNumber(body.top_p, '#/top_p', { min: 0, max: 1 })
    checkNumber(body.top_k, '#/top_k', { min: 0, max: OUTPUT_TOKENS_MAX, isWhole: true })
    checkKind(body.stream, '#/stream', 'boolean')
    checkKind(body.metadata, '#/metadata', 'object')
    checkKind(body.output_config, '#/output_config', 'object')
    if (!isAbsent(body.system)) checkParts(body.system, '#/system', checkBlock)
    checkMessages(body, ROLES, ({ content }, at) =>
      checkParts(content, `${at}/content`, checkBlock),
    )
    checkTexts(body.stop_sequences, '#/stop_sequences', STOPS_MAX)
    checkTools(body.tools, '#/tools', checkTool)
    checkKind(body.tool_choice, '#/tool_choice', 'object')
    const { type } = fieldsOf(body.tool_choice)
    if (!isAbsent(body.tool_choice) && !CHOICES.has(type as string))
      refuse('#/tool_choice/type', `must be one of ${[...CHOICES].join(', ')}`)
    checkThinking(body.thinking)
  })
  return checked.ok ? null : checked.error
}
