import { joinBytes } from './json-splice.ts'

/** A body that was read under a bound. */
export type AnswerBody =
  | { readonly kind: 'whole'; readonly bytes: Uint8Array }
  /** Longer than the bound; the rest was not read. */
  | { readonly kind: 'too-long' }
  /** The connection broke, or the call was stopped. */
  | { readonly kind: 'broken' }

/** The whole body of an answer. @throws never */
export const readAnswerBody = async (response: Response, bytesMax: number): Promise<AnswerBody> => {
  const declared = Number(response.headers.get('content-length') ?? Number.NaN)
  if (declared > bytesMax) {
    await response.body?.cancel().catch(() => {
      // The connection had broken before.
    })
    return { kind: 'too-long' }
  }
  try {
    // With a length inside the bound the runtime's own reader copies least.
    if (Number.isInteger(declared)) {
      const bytes = new Uint8Array(await response.arrayBuffer())
      return bytes.byteLength > bytesMax ? { kind: 'too-long' } : { kind: 'whole', bytes }
    }
    if (response.body === null) return { kind: 'whole', bytes: new Uint8Array(0) }
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    const chunks: Uint8Array[] = []
    let sizeBytes = 0
    for (;;) {
      const { done, value } = await reader.read()
      if (done)
        return {
          kind: 'whole',
          bytes: chunks.length === 1 && chunks[0] ? chunks[0] : joinBytes(chunks),
        }
      sizeBytes += value.byteLength
      if (sizeBytes > bytesMax) {
        await reader.cancel()
        return { kind: 'too-long' }
      }
      chunks.push(value)
    }
  } catch {
    // Whatever the runtime calls a connection that broke.
    return { kind: 'broken' }
  }
}
