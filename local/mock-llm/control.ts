import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from 'zod'
import { faultsSchema, scriptSchema } from './behaviour.ts'
import type { Counts } from './counts.ts'
import type { Fields } from './dialects/types.ts'
import type { Director } from './script.ts'
import { sendJson } from './send.ts'

interface State {
  readonly director: Director
  readonly counts: Counts
}

/** @throws ZodError and SyntaxError @returns null where there is no such control */
const done = (what: string, body: Buffer, { director, counts }: State): Fields | null => {
  const said = (): unknown => JSON.parse(body.toString())
  switch (what) {
    case 'GET /control/counts':
      return { ...counts.toJSON(), queued: director.queued }
    case 'GET /control/requests':
      return { requests: counts.recorded }
    case 'PUT /control/script':
      director.setScript(scriptSchema.parse(said()))
      return {}
    case 'PUT /control/faults':
      director.setFaults(faultsSchema.parse(said()))
      return {}
    case 'DELETE /control':
      director.setScript({})
      director.setFaults({ rate: 0, seed: 0, kinds: ['reset'] })
      counts.clear()
      return {}
    default:
      return null
  }
}

/**
 * `GET /control/counts`, `GET /control/requests`, `PUT /control/script`, `PUT /control/faults` and
 * `DELETE /control`, which forgets all that was said and seen.
 */
export const control = (
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  body: Buffer,
  state: State,
): void => {
  const answer = (status: number, fields: Fields): void =>
    sendJson(response, status, { mock: true, ...fields })
  // Browsers send Origin; the mock is no matter of web pages.
  if (request.headers.origin !== undefined) {
    answer(403, { error: 'not for web pages' })
    return
  }
  try {
    const fields = done(`${request.method} ${path}`, body, state)
    if (fields === null) answer(404, { error: 'there is no such control' })
    else answer(200, fields)
  } catch (error) {
    const isInvalid = error instanceof z.ZodError
    answer(400, { error: isInvalid ? z.prettifyError(error) : 'the body is not JSON' })
  }
}
