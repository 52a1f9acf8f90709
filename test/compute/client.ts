import { OpenAPIHono } from '@hono/zod-openapi'
import { compute } from '../../src/compute/routes.ts'
import type { AppEnv, Scope } from '../../src/http/context.ts'
import { onError } from '../../src/http/errors.ts'
import { openApi } from '../../src/http/openapi.ts'
import '../kernels/load.ts'

/** The compute routes behind a key with the given scopes. */
export function appWith(scopes: Scope[]): OpenAPIHono<AppEnv> {
  const app = new OpenAPIHono<AppEnv>()
  app.use(async (c, next) => {
    c.set('requestId', 'request-1')
    c.set('principal', {
      keyId: 'key-1',
      organisationId: '00000000-0000-0000-0000-000000000001',
      organisation: 'acme',
      scopes: new Set(scopes),
      platformAdmin: false,
      expiresAt: null,
      limits: null,
    })
    await next()
  })
  app.route('/', compute)
  openApi(app)
  app.onError(onError)
  return app
}

const app = appWith(['read'])

export interface Answer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: the tests look into answers of every shape.
  readonly body: any
}

const answerOf = async (response: Response): Promise<Answer> => ({
  status: response.status,
  body: await response.json(),
})

export async function send(path: string, init: RequestInit): Promise<Answer> {
  return answerOf(await app.request(`/api/v1/compute/${path}`, { method: 'POST', ...init }))
}

export const sendText = (path: string, body: string): Promise<Answer> =>
  send(path, { body, headers: { 'content-type': 'application/json' } })

export const sendJson = (path: string, body: unknown): Promise<Answer> =>
  sendText(path, JSON.stringify(body))

export const sendNumbers = (
  path: string,
  numbers: Float64Array<ArrayBuffer> | Float32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>,
  contentType = numbers instanceof Float32Array
    ? 'application/octet-stream;dtype=f32'
    : 'application/octet-stream',
): Promise<Answer> => send(path, { body: numbers, headers: { 'content-type': contentType } })
