import type { Fields } from '../chat.ts'
import { isFields, listOf } from '../fields.ts'

/** What a call's id carries the proof of its thought behind, so that the client brings it back. */
const SIGNATURE_MARK = '-sig-'

/** An id of [A-Za-z0-9_-], as every dialect takes it. */
export const signedId = (id: string, signature: string | null): string => {
  const plain = id.replaceAll(/[^A-Za-z0-9_-]/g, '_')
  if (signature === null) return plain
  const url = signature.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
  return `${plain}${SIGNATURE_MARK}${url}`
}

export const unsignedId = (id: string): { id: string; signature: string | null } => {
  const at = id.indexOf(SIGNATURE_MARK)
  if (at < 0) return { id, signature: null }
  const url = id.slice(at + SIGNATURE_MARK.length)
  const base64 = url.replaceAll('-', '+').replaceAll('_', '/')
  return { id: id.slice(0, at), signature: base64.padEnd(Math.ceil(url.length / 4) * 4, '=') }
}

const isSigned = (id: unknown): boolean => typeof id === 'string' && id.includes(SIGNATURE_MARK)
const plainOf = (id: unknown): unknown => (typeof id === 'string' ? unsignedId(id).id : id)

const callsOf = (message: unknown): readonly Fields[] =>
  isFields(message) ? listOf(message.tool_calls).filter(isFields) : []

/**
 * A chat's messages without the proofs in their calls' ids, for other providers than the one that wrote them:
 * OpenAI takes ids of 40 characters.
 *
 * @returns null where no id has one, as nearly always
 */
export const unsignedMessages = (messages: unknown): readonly unknown[] | null => {
  const all = listOf(messages)
  if (!all.some((message) => callsOf(message).some(({ id }) => isSigned(id)))) return null
  return all.map((message) => {
    if (!isFields(message)) return message
    if (isSigned(message.tool_call_id))
      return { ...message, tool_call_id: plainOf(message.tool_call_id) }
    return callsOf(message).length === 0
      ? message
      : {
          ...message,
          tool_calls: callsOf(message).map((call) => ({ ...call, id: plainOf(call.id) })),
        }
  })
}
