import { err, type Result } from '../result.ts'
import type { RoutingFault } from './faults.ts'
import { type Dialect, type ReadRequest, readRoutingRequest } from './request.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

/** A body's request, read. */
export const parseRoutingRequest = (
  body: Uint8Array,
  dialect: Dialect,
): Result<ReadRequest, RoutingFault> => {
  try {
    return readRoutingRequest(JSON.parse(utf8.decode(body)), dialect)
  } catch (error) {
    // TypeError of the decoder, SyntaxError of the parser; anything else is a bug.
    if (error instanceof SyntaxError)
      return err({ reason: 'malformed', detail: `not JSON: ${error.message.slice(0, 200)}` })
    if (error instanceof TypeError) return err({ reason: 'malformed', detail: 'not UTF-8' })
    throw error
  }
}
