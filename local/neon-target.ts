import { connect } from 'node:net'
import type { WebSocket } from 'ws'

/** What a connection string reaches. */
export interface Target {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  readonly password: string
}

/** Reads a `postgresql://` URL; its options do not count. @returns null when it is none */
export const targetOf = (url: string): Target | null => {
  try {
    const { protocol, hostname, port, pathname, username, password } = new URL(url)
    if (!/^postgres(?:ql)?:$/.test(protocol)) return null
    return {
      host: hostname,
      port: Number(port || 5432),
      database: decodeURIComponent(pathname.slice(1)),
      user: decodeURIComponent(username),
      password: decodeURIComponent(password),
    }
  } catch {
    // Not a URL, or a broken percent escape.
    return null
  }
}

export const sameTarget = (left: Target, right: Target): boolean =>
  left.host === right.host &&
  left.port === right.port &&
  left.database === right.database &&
  left.user === right.user &&
  left.password === right.password

const STARTUP_BYTES_MAX = 10_000
/** Protocol 3.x. Source: PostgreSQL documentation, 54.7 "Message Formats", StartupMessage. */
const PROTOCOL_MAJOR = 3

/** Pipes one session; ends it at once when its first message asks for another database or user. */
export const pipeWebSocket = (webSocket: WebSocket, target: Target): void => {
  let first: Buffer = Buffer.alloc(0)
  let isOpen = false
  const socket = connect({ host: target.host, port: target.port })
  const end = (): void => {
    socket.destroy()
    webSocket.close()
  }
  socket.setNoDelay(true)
  socket.on('data', (bytes) => webSocket.send(bytes))
  socket.on('close', end)
  // The close that follows ends the other side.
  socket.on('error', () => {})
  webSocket.on('error', end)
  webSocket.on('close', () => socket.end())
  webSocket.on('message', (data: Buffer | ArrayBuffer | Buffer[]) => {
    const bytes = Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Buffer)
    if (isOpen) {
      socket.write(bytes)
      return
    }
    first = Buffer.concat([first, bytes])
    const size = first.length >= 4 ? first.readUInt32BE(0) : 0
    if (size > STARTUP_BYTES_MAX) return end()
    if (size === 0 || first.length < size) return
    const asked = startupParameters(first.subarray(0, size))
    const isAllowed =
      asked?.get('user') === target.user &&
      (asked.get('database') ?? asked.get('user')) === target.database
    if (!isAllowed) return end()
    isOpen = true
    socket.write(first)
  })
}

const startupParameters = (message: Buffer): ReadonlyMap<string, string> | null => {
  if (message.length < 8 || message.readUInt16BE(4) !== PROTOCOL_MAJOR) return null
  const parts = message.toString('utf8', 8).split('\0')
  const parameters = new Map<string, string>()
  for (let at = 0; at + 1 < parts.length && parts[at] !== ''; at += 2) {
    parameters.set(parts[at] ?? '', parts[at + 1] ?? '')
  }
  return parameters
}
