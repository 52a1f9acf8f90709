import { createServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { freePort } from '../../local/checks.ts'
import { startNeonProxy } from '../../local/neon-proxy.ts'

const ended: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end()
})

/** A message of PostgreSQL's protocol: its type, its length with the four bytes of it, its body. */
const message = (type: string, body: Buffer): Buffer => {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length + 4)
  return Buffer.concat([Buffer.from(type), length, body])
}
const AUTHENTICATED = message('R', Buffer.alloc(4))
const READY = message('Z', Buffer.from('I'))
const DYING = message(
  'E',
  Buffer.from('SFATAL\0C57P01\0Mterminating connection due to unexpected postmaster exit\0\0'),
)

/** Lets clients in and dies, all in one packet. */
const startDying = async (): Promise<number> => {
  const port = await freePort()
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.end(Buffer.concat([AUTHENTICATED, READY, DYING])))
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  ended.push(() => server.close())
  return port
}

describe('the Neon proxy', () => {
  it('survives a PostgreSQL that dies as it lets a connection in', async () => {
    const target = `postgresql://gjallar:password@127.0.0.1:${await startDying()}/gjallar`
    const proxy = await startNeonProxy({ target })
    ended.push(() => proxy.stop())
    for (let attempt = 0; attempt < 3; attempt++) {
      const answer = await fetch(`http://127.0.0.1:${proxy.port}/sql`, {
        method: 'POST',
        headers: { 'neon-connection-string': target },
        body: JSON.stringify({ query: 'SELECT 1', params: [] }),
      })
      expect(answer.status).toBe(503)
    }
  })
})
