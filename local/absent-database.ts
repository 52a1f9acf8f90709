import { createServer } from 'node:http'

/**
 * Stands on the proxy's port while there is no database that can be used, or none with its tables
 * yet, and answers every query 503 with the reason, so that `/readyz` can tell it.
 *
 * @throws Error with code EADDRINUSE when the port is taken
 */
export const startAbsentDatabase = async (
  port: number,
  reason: () => string,
): Promise<{ stop(): Promise<void> }> => {
  const server = createServer((request, response) => {
    request.resume()
    response.writeHead(503, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' })
    response.end(reason())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return {
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}
