import type { Result } from '../../result.ts'
import type { RoutingFault } from '../../routing/faults.ts'
import type { Fields } from '../chat.ts'
import { countOf, fieldsOf, isAbsent, isFields, listOf, textOf, writeJson } from '../fields.ts'
import { attempt, refuse } from './refusal.ts'

type Message = Record<string, unknown>

/** Thinking budgets, in tokens, up to which an effort is said; above it is high. */
const EFFORTS = [
  ['low', 2_048],
  ['medium', 8_192],
] as const

const joinTexts = (content: unknown): string =>
  typeof content === 'string'
    ? content
    : listOf(content)
        .map((block) => textOf(fieldsOf(block).text))
        .filter((text) => text !== null)
        .join('\n')

const imageOf = (source: Fields, at: string): Message => {
  if (source.type !== 'base64' && source.type !== 'url')
    return refuse(`${at}/type`, 'must be base64 or url: the model is not of Anthropic')
  const url = source.type === 'url' ? source.url : `data:${source.media_type};base64,${source.data}`
  return { type: 'image_url', image_url: { url } }
}

const documentOf = (block: Fields, at: string): Message => {
  const source = fieldsOf(block.source)
  if (source.type === 'text') return { type: 'text', text: textOf(source.data) ?? '' }
  if (source.type !== 'base64')
    return refuse(`${at}/source/type`, 'must be base64 or text: the model is not of Anthropic')
  const file_data = `data:${source.media_type};base64,${source.data}`
  return { type: 'file', file: { filename: textOf(block.title) ?? 'document.pdf', file_data } }
}

/** A user's part, or a part of a call's result. */
const partOf = (block: Fields, at: string): Message => {
  switch (block.type) {
    case 'text':
      return { type: 'text', text: block.text }
    case 'image':
      return imageOf(fieldsOf(block.source), `${at}/source`)
    case 'document':
      return documentOf(block, at)
    case 'search_result':
      return { type: 'text', text: joinTexts(block.content) }
    default:
      return refuse(`${at}/type`, 'is read by models of Anthropic alone')
  }
}

/** One text stays a text: servers that read no parts are many. */
const contentOf = (parts: readonly Message[]): unknown =>
  parts.length === 1 && parts[0]?.type === 'text' ? parts[0].text : parts

/** What a call gave: its texts, and what else there is as parts for the user's message. */
const resultOf = (
  content: unknown,
  at: string,
): { readonly text: string; readonly parts: readonly Message[] } => {
  if (typeof content === 'string') return { text: content, parts: [] }
  const parts = listOf(content).map((inner, i) => partOf(fieldsOf(inner), `${at}/content/${i}`))
  return {
    text: joinTexts(parts.filter(({ type }) => type === 'text')),
    parts: parts.filter(({ type }) => type !== 'text'),
  }
}

/** Results come first, each a message of its own; images and files in them follow with what the user says. */
const userMessages = (content: unknown, at: string): readonly Message[] => {
  if (typeof content === 'string') return [{ role: 'user', content }]
  const results: Message[] = []
  const parts: Message[] = []
  for (const [i, block] of listOf(content).entries()) {
    const blockAt = `${at}/content/${i}`
    if (!isFields(block)) continue
    if (block.type === 'tool_result') {
      const result = resultOf(block.content, blockAt)
      results.push({ role: 'tool', tool_call_id: block.tool_use_id, content: result.text })
      parts.push(...result.parts)
      continue
    }
    parts.push(partOf(block, blockAt))
  }
  return parts.length === 0 ? results : [...results, { role: 'user', content: contentOf(parts) }]
}

/** Thinking stays behind: only the provider that thought it can read its proof. */
const assistantMessage = (content: unknown, at: string): Message => {
  const blocks = listOf(content).filter(isFields)
  const calls = blocks
    .filter(({ type }) => type === 'tool_use')
    .map(({ id, name, input }) => ({
      id,
      type: 'function',
      function: { name, arguments: writeJson(input ?? {}) ?? refuse(at, 'is nested too deeply') },
    }))
  const text = joinTexts(content)
  return {
    role: 'assistant',
    content: text === '' && calls.length > 0 ? null : text,
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  }
}

const messagesOf = (body: Fields): readonly Message[] => {
  const system = joinTexts(body.system)
  const messages = listOf(body.messages).flatMap((message, i) => {
    const { role, content } = fieldsOf(message)
    return role === 'assistant'
      ? [assistantMessage(content, `#/messages/${i}`)]
      : userMessages(content, `#/messages/${i}`)
  })
  return system === '' ? messages : [{ role: 'system', content: system }, ...messages]
}

const toolOf = (tool: unknown, i: number): Message => {
  const { type, name, description, input_schema, strict } = fieldsOf(tool)
  if (!isAbsent(type) && type !== 'custom')
    return refuse(`#/tools/${i}/type`, 'is run by Anthropic alone')
  return {
    type: 'function',
    function: {
      name,
      ...(isAbsent(description) ? {} : { description }),
      parameters: input_schema,
      ...(isAbsent(strict) ? {} : { strict }),
    },
  }
}

const TOOL_CHOICES: Readonly<Record<string, string>> = {
  auto: 'auto',
  any: 'required',
  none: 'none',
}

const toolChoiceOf = (choice: unknown): Message => {
  if (!isFields(choice)) return {}
  const { type, name, disable_parallel_tool_use: isSerial } = choice
  return {
    tool_choice:
      type === 'tool' ? { type: 'function', function: { name } } : TOOL_CHOICES[String(type)],
    ...(isSerial === true ? { parallel_tool_calls: false } : {}),
  }
}

const effortOf = (body: Fields): Message => {
  const { effort } = fieldsOf(body.output_config)
  const thinking = fieldsOf(body.thinking)
  if (typeof effort === 'string')
    return { reasoning_effort: effort === 'low' || effort === 'medium' ? effort : 'high' }
  if (thinking.type !== 'enabled') return {}
  const budget = countOf(thinking.budget_tokens) ?? 0
  return { reasoning_effort: EFFORTS.find(([, most]) => budget <= most)?.[0] ?? 'high' }
}

/** `output_config.format`, or `output_format` as it was called at first. */
const formatOf = (body: Fields): Message => {
  const format = fieldsOf(fieldsOf(body.output_config).format ?? body.output_format)
  if (format.type !== 'json_schema') return {}
  const { schema } = format
  return {
    response_format: { type: 'json_schema', json_schema: { name: 'answer', schema, strict: true } },
  }
}

const given = (fields: Message): Message =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => !isAbsent(value)))

/**
 * A body of Anthropic's messages as OpenAI's chat completions have it. What OpenAI has no word for is left
 * out (`top_k`, cache marks, thinking of former turns); what would change the answer is refused (tools that
 * Anthropic runs, files by id).
 */
export const toChat = (body: Fields): Result<Fields, RoutingFault> =>
  attempt(() => ({
    model: body.model,
    messages: messagesOf(body),
    ...given({
      max_completion_tokens: body.max_tokens === 0 ? 1 : body.max_tokens,
      stop: listOf(body.stop_sequences).length === 0 ? null : body.stop_sequences,
      temperature: body.temperature,
      top_p: body.top_p,
      stream: body.stream,
      user: fieldsOf(body.metadata).user_id,
      tools: listOf(body.tools).length === 0 ? null : listOf(body.tools).map(toolOf),
    }),
    ...toolChoiceOf(body.tool_choice),
    ...effortOf(body),
    ...formatOf(body),
  }))
