import net from 'node:net'

const HEADERS_END = Buffer.from('\r\n\r\n')
/** The last chunk of a body of chunks. */
const CHUNKS_END = Buffer.from('\r\n0\r\n\r\n')
/** What the mock's answers begin with, as it stands in the JSON of an event. */
const FIRST_TOKEN = Buffer.from('"This')

export interface Answer {
  readonly status: number
  /** From the request's first byte to the answer's last. */
  readonly totalMs: number
  /** To the first token of the answer; NaN without. */
  readonly firstTokenMs: number
  /** Headers and body as they came; empty unless it was asked for. */
  readonly text: string
}

/** A chat request as it goes over the wire. */
export const requestOf = (
  path: string,
  headers: Readonly<Record<string, string>>,
  body: unknown,
): Buffer => {
  const bytes = Buffer.from(JSON.stringify(body))
  const lines = Object.entries({
    host: 'bench',
    'content-type': 'application/json',
    'content-length': String(bytes.length),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n`), bytes])
}

interface Pending {
  readonly sentMs: number
  readonly keepsText: boolean
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

/**
 * One connection that stays open, one request at a time. It looks at as little of an answer as it can: what
 * a client takes would be added to all sides and hide their difference.
 */
export class Connection {
  readonly #port: number
  #socket: net.Socket
  #pending: Pending | null = null
  #received: Buffer[] = []
  #size = 0
  /** Size of headers and body; NaN for a body of chunks; null until the headers are here. */
  #whole: number | null = null
  #status = 0
  #firstTokenMs = Number.NaN
  #tail: Buffer = Buffer.alloc(0)

  constructor(port: number) {
    this.#port = port
    this.#socket = this.#open()
  }

  #open(): net.Socket {
    const socket = net.connect({ port: this.#port, host: '127.0.0.1', noDelay: true })
    socket.on('data', (chunk) => this.#receive(chunk))
    socket.on('error', (error) => this.#pending?.reject(error))
    socket.on('close', () => this.#pending?.reject(new Error('the connection was closed')))
    return socket
  }

  /** Resolves when the answer's last byte is here. */
  send(request: Buffer, keepsText = false): Promise<Answer> {
    // Servers close what was idle for some seconds, as between two rounds.
    if (this.#socket.destroyed || this.#socket.readableEnded) this.#socket = this.#open()
    return new Promise((resolve, reject) => {
      this.#pending = { sentMs: performance.now(), keepsText, resolve, reject }
      this.#socket.write(request)
    })
  }

  close(): void {
    this.#pending = null
    this.#socket.destroy()
  }

  #receive(chunk: Buffer): void {
    const pending = this.#pending
    if (pending === null) return
    this.#size += chunk.length
    if (pending.keepsText || this.#whole === null) this.#received.push(chunk)
    if (Number.isNaN(this.#firstTokenMs) && chunk.includes(FIRST_TOKEN)) {
      this.#firstTokenMs = performance.now() - pending.sentMs
    }
    if (this.#whole === null && !this.#readHeaders()) return
    if (!this.#isWhole(chunk)) return
    const answer: Answer = {
      status: this.#status,
      totalMs: performance.now() - pending.sentMs,
      firstTokenMs: this.#firstTokenMs,
      text: pending.keepsText ? Buffer.concat(this.#received).toString() : '',
    }
    this.#pending = null
    this.#received = []
    this.#size = 0
    this.#whole = null
    this.#firstTokenMs = Number.NaN
    this.#tail = Buffer.alloc(0)
    pending.resolve(answer)
  }

  #readHeaders(): boolean {
    const received = Buffer.concat(this.#received)
    const end = received.indexOf(HEADERS_END)
    if (end < 0) return false
    const headers = received.toString('latin1', 0, end)
    this.#status = Number(headers.slice(9, 12))
    const length = /^content-length: *(\d+)/im.exec(headers)?.[1]
    this.#whole = length === undefined ? Number.NaN : end + HEADERS_END.length + Number(length)
    return true
  }

  #isWhole(chunk: Buffer): boolean {
    if (this.#whole !== null && !Number.isNaN(this.#whole)) return this.#size >= this.#whole
    this.#tail =
      chunk.length >= CHUNKS_END.length
        ? chunk.subarray(-CHUNKS_END.length)
        : Buffer.concat([this.#tail, chunk]).subarray(-CHUNKS_END.length)
    return this.#tail.equals(CHUNKS_END)
  }
}
