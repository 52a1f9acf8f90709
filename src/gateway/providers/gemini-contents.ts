import type { Fields } from '../chat.ts'
import { refuse } from '../dialects/refusal.ts'
import { fieldsOf, isFields, listOf, textOf } from '../fields.ts'
import { unsignedId } from './call-ids.ts'
import { callsIn } from './functions.ts'
import { jsonOf } from './wire.ts'

interface Content {
  readonly role: 'user' | 'model'
  readonly parts: Fields[]
}

/**
 * Stands for the proof of a call that another model made: Gemini 3 refuses a call without one.
 * Source: ai.google.dev/gemini-api/docs/thought-signatures
 */
const UNSIGNED = 'skip_thought_signature_validator'

const DATA_URL = /^data:([^;,]{1,100})(?:;[^;,]*)*;base64,/i
const DATA_URL_HEAD_LENGTH = 200
const IMAGE_TYPES: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  webp: 'image/webp',
  gif: 'image/gif',
  heic: 'image/heic',
  heif: 'image/heif',
}

/** Bytes in the URL as `inlineData`, elsewhere as `fileData`, whose type its ending tells. */
const mediaPart = (url: string): Fields => {
  // V8's expressions go back over all that they took: of megabytes they run out of memory.
  const [head, mimeType] = DATA_URL.exec(url.slice(0, DATA_URL_HEAD_LENGTH)) ?? []
  if (head !== undefined) return { inlineData: { mimeType, data: url.slice(head.length) } }
  const [, ending = ''] = /\.([a-z]{3,4})(?:[?#]|$)/i.exec(url) ?? []
  const known = IMAGE_TYPES[ending.toLowerCase()]
  return { fileData: { fileUri: url, ...(known === undefined ? {} : { mimeType: known }) } }
}

const partOf = (part: Fields, at: string): readonly Fields[] => {
  switch (part.type) {
    case 'text':
      return [{ text: textOf(part.text) ?? '' }]
    case 'refusal':
      return [{ text: textOf(part.refusal) ?? '' }]
    case 'image_url': {
      const url = textOf(part.image_url) ?? textOf(fieldsOf(part.image_url).url)
      if (url === null) return refuse(`${at}/image_url/url`, 'must be the address of an image')
      return [mediaPart(url)]
    }
    case 'input_audio': {
      const { data, format } = fieldsOf(part.input_audio)
      return [{ inlineData: { mimeType: `audio/${format === 'mp3' ? 'mp3' : 'wav'}`, data } }]
    }
    case 'file': {
      const data = textOf(fieldsOf(part.file).file_data)
      if (data === null)
        return refuse(`${at}/file/file_data`, 'must hold the file: the model is of Google')
      return [mediaPart(data)]
    }
    default:
      return refuse(`${at}/type`, 'is not read by models of Google')
  }
}

const partsOf = (content: unknown, at: string): readonly Fields[] => {
  if (typeof content === 'string') return content === '' ? [] : [{ text: content }]
  return listOf(content).flatMap((part, i) => partOf(fieldsOf(part), `${at}/content/${i}`))
}

const textContentOf = (content: unknown, at: string): string =>
  partsOf(content, at)
    .map(({ text }) => textOf(text) ?? '')
    .join('')

/** What a function gave; Gemini takes objects alone. */
const responseOf = (content: unknown, at: string): Fields => {
  const text = textContentOf(content, at)
  const value = jsonOf(text)
  return isFields(value) ? value : { result: value === undefined ? text : value }
}

const callParts = (message: Fields, needsSignature: boolean): readonly Fields[] =>
  callsIn(message).map((call, i) => {
    const { id: given, function: called, extra_content: extra } = fieldsOf(call)
    const { id, signature } = unsignedId(textOf(given) ?? '')
    const { name, arguments: json } = fieldsOf(called)
    const proof =
      textOf(fieldsOf(fieldsOf(extra).google).thought_signature) ??
      signature ??
      // Of parallel calls the first alone has one.
      (needsSignature && i === 0 ? UNSIGNED : null)
    return {
      functionCall: { ...(id === '' ? {} : { id }), name, args: fieldsOf(jsonOf(String(json))) },
      ...(proof === null ? {} : { thoughtSignature: proof }),
    }
  })

/** Gathers contents: neighbours of one role are one, as answers to parallel calls must be. */
class Contents {
  readonly list: Content[] = []

  add(role: Content['role'], parts: readonly Fields[]): void {
    if (parts.length === 0) return
    const last = this.list[this.list.length - 1]
    if (last?.role === role) last.parts.push(...parts)
    else this.list.push({ role, parts: [...parts] })
  }
}

/**
 * Messages of a chat completion as Gemini's `contents` and `systemInstruction`. To be called within `attempt`.
 *
 * @param needsSignature whether the model refuses calls in the history without a proof
 */
export const contentsOf = (messages: readonly unknown[], needsSignature: boolean): Fields => {
  const contents = new Contents()
  const system: Fields[] = []
  const names = new Map<string, string>()
  for (const [i, message] of messages.entries()) {
    const at = `#/messages/${i}`
    if (!isFields(message)) continue
    switch (message.role) {
      case 'system':
      case 'developer':
        system.push(...partsOf(message.content, at))
        break
      case 'assistant':
        for (const call of callsIn(message)) {
          const { id, function: called } = fieldsOf(call)
          names.set(String(id), textOf(fieldsOf(called).name) ?? '')
        }
        contents.add('model', [
          ...partsOf(message.content, at),
          ...callParts(message, needsSignature),
        ])
        break
      case 'tool':
      case 'function': {
        const given = textOf(message.tool_call_id) ?? ''
        const { id } = unsignedId(given)
        const name = names.get(given) ?? textOf(message.name) ?? ''
        const response = responseOf(message.content, at)
        const answer = { ...(id === '' ? {} : { id }), name, response }
        contents.add('user', [{ functionResponse: answer }])
        break
      }
      default:
        contents.add('user', partsOf(message.content, at))
    }
  }
  // Gemini asks for a content; instructions alone are one.
  if (contents.list.length === 0) return { contents: [{ role: 'user', parts: system }] }
  return {
    contents: contents.list,
    ...(system.length === 0 ? {} : { systemInstruction: { parts: system } }),
  }
}
