import http from 'node:http'
import type { LoadStack } from './stack.ts'

/** An answer that takes longer counts as an error. */
const ANSWER_TIMEOUT_MS = 10_000

export interface Reply {
  readonly status: number
  readonly body: string
}

export interface Ask {
  readonly method?: string
  readonly body?: string | Uint8Array
  /** JSON where there is a body and nothing else is said. */
  readonly type?: string
  /** Null sends no key. */
  readonly key?: string | null
}

export interface Client {
  /** @throws Error when the connection breaks or the answer takes longer than 10 s */
  ask(path: string, options?: Ask): Promise<Reply>
  /** JSON of an answer that must be 200. */
  json<T>(path: string, options?: Ask): Promise<T>
  close(): void
}

/** At most `connections` at once, kept open; a request waits for a free one. */
export const createClient = (stack: LoadStack, connections: number): Client => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections, scheduling: 'fifo' })
  const ask = (path: string, options: Ask = {}): Promise<Reply> =>
    new Promise((resolve, reject) => {
      const { body, key = stack.key } = options
      const headers: http.OutgoingHttpHeaders = {}
      if (key !== null) headers.authorization = `Bearer ${key}`
      if (body !== undefined) {
        headers['content-type'] = options.type ?? 'application/json'
        headers['content-length'] = Buffer.byteLength(body)
      }
      const request = http.request(`${stack.url}${path}`, {
        agent,
        headers,
        method: options.method ?? (body === undefined ? 'GET' : 'POST'),
        timeout: ANSWER_TIMEOUT_MS,
      })
      request.once('timeout', () => request.destroy(new Error(`${path} took too long`)))
      request.once('error', reject)
      request.once('response', (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.once('error', reject)
        response.once('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            body: Buffer.concat(chunks).toString('utf8'),
          }),
        )
      })
      request.end(body)
    })
  return {
    ask,
    json: async <T>(path: string, options?: Ask): Promise<T> => {
      const { status, body } = await ask(path, options)
      if (status !== 200) throw new Error(`${path} answered ${status}: ${body.slice(0, 200)}`)
      return JSON.parse(body) as T
    },
    close: () => agent.destroy(),
  }
}
