import net from 'node:net'

/** A request as it goes over the wire. */
export const requestOf = (path: string, contentType: string, body: Uint8Array): Buffer =>
  Buffer.concat([
    Buffer.from(
      `POST ${path} HTTP/1.1\r\nhost: bench\r\ncontent-type: ${contentType}\r\ncontent-length: ${body.byteLength}\r\n\r\n`,
    ),
    body,
  ])

const HEADERS_END = '\r\n\r\n'

/** The body of a whole answer; undefined while some of it is missing. Throws where it is no 200. */
const bodyOf = (answer: Buffer): string | undefined => {
  const end = answer.indexOf(HEADERS_END)
  if (end < 0) return undefined
  const headers = answer.toString('latin1', 0, end)
  const length = /^content-length: *(\d+)/im.exec(headers)?.[1]
  if (!headers.startsWith('HTTP/1.1 200') || length === undefined) {
    throw new Error(
      `answered ${headers.split('\r\n', 1)} ${answer.toString('utf8', end, end + 200)}`,
    )
  }
  const start = end + HEADERS_END.length
  if (answer.length < start + Number(length)) return undefined
  return answer.toString('utf8', start, start + Number(length))
}

/**
 * One connection that stays open, one request at a time. It does no more than it must: what a client takes
 * would be added to both sides and hide their difference.
 */
export class Connection {
  readonly #socket: net.Socket
  #received: Buffer[] = []
  #settle: { resolve(body: string): void; reject(error: unknown): void } | undefined

  constructor(port: number) {
    this.#socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
    this.#socket.on('data', (chunk) => this.#receive(chunk))
    this.#socket.on('error', (error) => this.#settle?.reject(error))
    this.#socket.on('close', () => this.#settle?.reject(new Error('the connection was closed')))
  }

  #receive(chunk: Buffer): void {
    this.#received.push(chunk)
    try {
      const body = bodyOf(Buffer.concat(this.#received))
      if (body === undefined) return
      this.#received = []
      this.#settle?.resolve(body)
    } catch (error) {
      this.#settle?.reject(error)
    }
  }

  /** Resolves with the answer's body when its last byte is here. */
  send(request: Buffer): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
      this.#socket.write(request)
    })
  }

  close(): void {
    this.#settle = undefined
    this.#socket.destroy()
  }
}
