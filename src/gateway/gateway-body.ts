import { err, ok, type Result } from '../result.ts'
import type { RoutingFault } from '../routing/faults.ts'
import type { Fields } from './chat.ts'
import { isFields } from './fields.ts'

/** Images come in the body: several of the largest that a provider reads. */
export const CHAT_BODY_BYTES_MAX = 32 * 1024 * 1024

export interface ReadBody {
  readonly bytes: Uint8Array
  readonly body: Fields
  /** UTF-8 bytes of a UTF-16 unit, 1 to 3. */
  readonly bytesPerUnit: number
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

/** Reads a body once. */
export const readJsonBody = (bytes: Uint8Array): Result<ReadBody, RoutingFault> => {
  try {
    const text = utf8.decode(bytes)
    const body: unknown = JSON.parse(text)
    if (!isFields(body))
      return err({ reason: 'invalid', pointer: '#', detail: 'must be a JSON object' })
    return ok({ bytes, body, bytesPerUnit: bytes.length / Math.max(1, text.length) })
  } catch (error) {
    // TypeError of the decoder, SyntaxError of the parser; anything else is a bug.
    if (error instanceof SyntaxError)
      return err({ reason: 'malformed', detail: `not JSON: ${error.message.slice(0, 200)}` })
    if (error instanceof TypeError) return err({ reason: 'malformed', detail: 'not UTF-8' })
    throw error
  }
}
