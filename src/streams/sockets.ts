/** Bytes that a client leaves unread before it is cut, where the runtime tells them. */
export const BUFFERED_MAX_BYTES = 1024 * 1024

/** The tag by which the sockets of a key are found; a key id is a UUID, tags have at most 256 characters. */
export const keyTag = (keyId: string): string => `key:${keyId}`

/** False where the runtime does not tell: there the runtime's own send buffer is the only bound. */
export const isSlowReader = (socket: { readonly bufferedAmount?: number }): boolean =>
  typeof socket.bufferedAmount === 'number' && socket.bufferedAmount > BUFFERED_MAX_BYTES

/** Closes a socket that may be closed already. */
export const closeQuietly = (socket: WebSocket, code: number, reason: string): void => {
  try {
    socket.close(code, reason)
  } catch {
    // Closed already, by the peer or by the runtime's own answer to a close frame.
  }
}
