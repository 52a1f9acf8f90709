import { identityOf } from '../kernels/series-identity.ts'

const hex = (words: Uint32Array): string =>
  Array.from(words, (word) => word.toString(16).padStart(8, '0')).join('')

/** A weak entity tag of what a body says; equal bytes give equal tags in every isolate. */
export const entityTag = (bytes: Uint8Array): string => `W/"${hex(identityOf(bytes))}"`

/** Whether If-None-Match names the tag, compared weakly (RFC 9110 §13.1.2). */
export const matches = (ifNoneMatch: string | null | undefined, tag: string): boolean => {
  if (!ifNoneMatch) return false
  if (ifNoneMatch.trim() === '*') return true
  const opaque = (text: string) => text.trim().replace(/^W\//, '')
  return ifNoneMatch.split(',').some((candidate) => opaque(candidate) === opaque(tag))
}

/**
 * 200 with the body and its tag, or 304 without a body where the client has it already.
 *
 * @param validated the part of the body that tells whether it changed; all of it by default
 */
export const conditional = (
  request: Request,
  body: Uint8Array,
  headers: Readonly<Record<string, string>>,
  validated: Uint8Array = body,
): Response => {
  const etag = entityTag(validated)
  return matches(request.headers.get('if-none-match'), etag)
    ? new Response(null, { status: 304, headers: { ...headers, etag } })
    : new Response(body, { headers: { ...headers, etag } })
}
