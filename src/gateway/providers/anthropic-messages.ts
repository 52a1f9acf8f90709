import type { Fields } from '../chat.ts'
import { refuse } from '../dialects/refusal.ts'
import { fieldsOf, isAbsent, isFields, listOf, readFields, textOf } from '../fields.ts'
import { unsignedId } from './call-ids.ts'
import { callsIn } from './functions.ts'

type Block = Record<string, unknown>
interface Turn {
  readonly role: 'user' | 'assistant'
  readonly content: Block[]
}

const DATA_URL = /^data:([\w.+/-]+)(?:;[\w=.-]+)*;base64,/i
const DATA_URL_HEAD_LENGTH = 200

/** Anthropic refuses texts that are blank. */
const textBlocks = (text: unknown): readonly Block[] =>
  typeof text === 'string' && text.trim() !== '' ? [{ type: 'text', text }] : []

const sourceOf = (url: string): Block => {
  const head = DATA_URL.exec(url.slice(0, DATA_URL_HEAD_LENGTH))
  return head === null
    ? { type: 'url', url }
    : { type: 'base64', media_type: head[1]?.toLowerCase(), data: url.slice(head[0].length) }
}

const fileOf = (file: Fields, at: string): Block => {
  const data = textOf(file.file_data)
  if (data === null)
    return refuse(`${at}/file/file_data`, 'must hold the file: the model is of Anthropic')
  const title = textOf(file.filename)
  return { type: 'document', source: sourceOf(data), ...(title === null ? {} : { title }) }
}

const partBlocks = (part: Fields, at: string): readonly Block[] => {
  switch (part.type) {
    case 'text':
      return textBlocks(part.text)
    case 'refusal':
      return textBlocks(part.refusal)
    case 'image_url': {
      const url = textOf(fieldsOf(part.image_url).url)
      if (url === null) return refuse(`${at}/image_url/url`, 'must be the address of an image')
      return [{ type: 'image', source: sourceOf(url) }]
    }
    case 'file':
      return [fileOf(fieldsOf(part.file), at)]
    default:
      return refuse(`${at}/type`, 'is not read by models of Anthropic')
  }
}

const contentBlocks = (content: unknown, at: string): readonly Block[] =>
  typeof content === 'string'
    ? textBlocks(content)
    : listOf(content).flatMap((part, i) => partBlocks(fieldsOf(part), `${at}/content/${i}`))

/** Anthropic takes letters, digits, _ and - alone; ids of other providers hold others. */
const callId = (id: unknown): string => unsignedId(String(id)).id.replace(/[^\w-]/g, '_')

const callBlock = (call: Fields, at: string): Block => {
  if (!isFields(call.function))
    return refuse(`${at}/type`, 'must be function: the model is of Anthropic')
  const json = textOf(call.function.arguments) ?? '{}'
  const input = readFields(json)
  if (input === null) return refuse(`${at}/function/arguments`, 'must be the JSON of an object')
  return { type: 'tool_use', id: callId(call.id), name: call.function.name, input }
}

const assistantBlocks = (message: Fields, at: string): readonly Block[] => {
  const calls = callsIn(message).map((call, i) =>
    callBlock(fieldsOf(call), `${at}/tool_calls/${i}`),
  )
  return [...contentBlocks(message.content, at), ...textBlocks(message.refusal), ...calls]
}

const resultBlock = (message: Fields, at: string): Block => ({
  type: 'tool_result',
  // The deprecated role `function` names the function in place of the call.
  tool_use_id: callId(message.tool_call_id ?? message.name),
  ...(isAbsent(message.content) ? {} : { content: contentBlocks(message.content, at) }),
})

const turnOf = (message: Fields, at: string): Turn => {
  switch (message.role) {
    case 'assistant':
      return { role: 'assistant', content: [...assistantBlocks(message, at)] }
    case 'tool':
    case 'function':
      return { role: 'user', content: [resultBlock(message, at)] }
    default:
      return { role: 'user', content: [...contentBlocks(message.content, at)] }
  }
}

const INSTRUCTIONS = new Set<unknown>(['system', 'developer'])

/**
 * OpenAI's messages as Anthropic has them: instructions, wherever they stand, aside; messages of one side
 * that follow each other as one turn, the results of calls among them. To be called within `attempt`.
 */
export const anthropicMessagesOf = (
  messages: unknown,
): { readonly system: readonly Block[]; readonly turns: readonly Turn[] } => {
  const system: Block[] = []
  const turns: Turn[] = []
  for (const [i, message] of listOf(messages).entries()) {
    const at = `#/messages/${i}`
    if (!isFields(message)) return refuse(at, 'must be an object with role and content')
    if (INSTRUCTIONS.has(message.role)) {
      system.push(...contentBlocks(message.content, at))
      continue
    }
    const turn = turnOf(message, at)
    const last = turns.at(-1)
    if (last?.role === turn.role) last.content.push(...turn.content)
    else if (turn.content.length > 0) turns.push(turn)
  }
  // Instructions alone are what is asked.
  return turns.length > 0
    ? { system, turns }
    : { system: [], turns: [{ role: 'user', content: system }] }
}
