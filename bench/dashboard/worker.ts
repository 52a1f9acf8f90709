import { createHash, randomBytes } from 'node:crypto'
import http from 'node:http'
import { freePort } from '../../local/checks.ts'
import { prepareWorkerd, startWorkerd, type WorkerOptions } from '../../local/workerd.ts'
import { createKey } from '../../src/database/access-queries.ts'
import type { Server } from './server.ts'

/** One request on a connection that stays open; resolves with the body when its last byte is here. */
export type Get = (path: string) => Promise<string>

/** Runs `work` against the worker on bare workerd, beside the server's database, with a key of the organisation. */
export const withWorker = async <T>(
  server: Server,
  organisationId: string,
  work: (get: Get) => Promise<T>,
): Promise<T> => {
  const key = `gjl_${randomBytes(32).toString('base64url')}`
  await createKey(server.db, organisationId, {
    name: 'bench',
    hash: createHash('sha256').update(key).digest(),
    prefix: key.slice(0, 12),
    scopes: ['read'],
  })
  const port = await freePort()
  const options: WorkerOptions = {
    port,
    stateFolder: server.stateFolder,
    variables: { DATABASE_URL: server.url, NEON_PROXY: server.neonProxy },
    onLine: () => {},
  }
  const child = await startWorkerd(options, await prepareWorkerd(options), () => {})
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  try {
    return await work((path) =>
      request(`http://127.0.0.1:${port}${path}`, {
        agent,
        headers: { authorization: `Bearer ${key}` },
      }),
    )
  } finally {
    agent.destroy()
    await child.stop()
  }
}

const request = (url: string, options: http.RequestOptions): Promise<string> =>
  new Promise((resolve, reject) => {
    http
      .get(url, options, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => {
          const body = Buffer.concat(chunks).toString('utf8')
          if (response.statusCode === 200) resolve(body)
          else reject(new Error(`${url} answered ${response.statusCode}: ${body.slice(0, 200)}`))
        })
      })
      .on('error', reject)
  })
