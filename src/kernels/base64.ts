import { getKernels } from './module.ts'

/** `standard` has + and / and its padding; `url` has - and _, and may leave out all its padding. */
export type Base64Alphabet = 'standard' | 'url'

export type Base64Reason =
  /** No character of the alphabet, or padding that is not at the end. */
  | 'unexpected-byte'
  /** The last group is cut off, or lacks its padding. */
  | 'unexpected-end'
  /** The last character holds bits that no byte takes: another text says the same bytes. */
  | 'loose-bits'

/** The codes of base64_decode from 1 on. */
const REASONS: readonly Base64Reason[] = ['unexpected-byte', 'unexpected-end', 'loose-bits']

export type DecodedBase64 =
  | { readonly ok: true; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly ok: false; readonly error: Base64Reason; readonly offset: number }

/**
 * Decodes base64 text. Canonical text only, so that no two texts give the same bytes: no white space,
 * and the bits that no byte takes are 0.
 *
 * @param text ASCII, u8[n]
 * @returns u8[≤ 3n/4], or why not and the byte of the fault (n where the text ends too soon)
 * Source: RFC 4648 §§ 3.5, 4, 5.
 */
export function decodeBase64(text: Uint8Array, alphabet: Base64Alphabet): DecodedBase64 {
  const { arena, exports } = getKernels()
  return arena.lease((lease) => {
    const input = lease.allocate(text.length)
    const output = lease.allocate(Math.ceil(text.length / 4) * 3)
    const result = lease.allocate(8)
    arena.u8(input, text.length).set(text)
    const isUrl = alphabet === 'url' ? 1 : 0
    const code = exports.base64_decode(input, text.length, isUrl, output, result)
    const [sizeBytes = 0, offset = 0] = arena.u32(result, 2)
    const error = REASONS[code - 1]
    if (error !== undefined) return { ok: false, error, offset }
    return { ok: true, bytes: arena.u8(output, sizeBytes).slice() }
  })
}
