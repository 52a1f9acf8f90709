import type { MiddlewareHandler } from 'hono'
import type { AppEnv } from './context.ts'

export interface ProtocolError {
  readonly status: number
  /** What happened, for people; the problem's detail, else its title. */
  readonly message: string
  /** Where in the body, an RFC 6901 fragment; absent where the problem names no field. */
  readonly pointer?: string
}

export interface ProtocolBody {
  readonly contentType: string
  readonly body: string | Uint8Array<ArrayBuffer>
}

/**
 * Says errors as a protocol has them: every problem that leaves the routes behind it, also that of a missing
 * key or of a method that is not there, is written anew with the same status and headers.
 */
export const errorsAs =
  (render: (error: ProtocolError, request: Request) => ProtocolBody): MiddlewareHandler<AppEnv> =>
  async (c, next) => {
    await next()
    if (!c.res.headers.get('content-type')?.startsWith('application/problem+json')) return
    const { status } = c.res
    const told = (await c.res.json()) as {
      title?: string
      detail?: string
      errors?: { pointer: string }[]
    }
    const pointer = told.errors?.[0]?.pointer
    const message = told.detail ?? told.title ?? ''
    const { contentType, body } = render(
      { status, message, ...(pointer === undefined ? {} : { pointer }) },
      c.req.raw,
    )
    const headers = new Headers(c.res.headers)
    headers.set('content-type', contentType)
    headers.delete('content-length')
    c.res = undefined
    c.res = new Response(body, { status, headers })
  }
