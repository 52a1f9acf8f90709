/**
 * The whole body of an answer, or null where it is longer than `max` bytes, whatever Content-Length says.
 *
 * @throws what the connection fails with
 */
export const readBounded = async (
  response: Response,
  max: number,
): Promise<Uint8Array<ArrayBuffer> | null> => {
  const body = response.body as ReadableStream<Uint8Array> | null
  if (body === null) return new Uint8Array(0)
  const isTooLong = Number(response.headers.get('content-length') ?? 0) > max
  const reader = body.getReader()
  const bytes = new Uint8Array(isTooLong ? 0 : max)
  let length = 0
  while (!isTooLong) {
    const { done, value } = await reader.read()
    if (done) return bytes.slice(0, length)
    if (length + value.length > max) break
    bytes.set(value, length)
    length += value.length
  }
  await reader.cancel()
  return null
}
