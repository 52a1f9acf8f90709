import type { Lease } from './memory.ts'
import { getKernels } from './module.ts'

export type SnappyReason =
  /** The size or an element is cut off. */
  | 'unexpected-end'
  /** More bytes come out than were declared. */
  | 'too-long'
  /** Fewer bytes come out than were declared. */
  | 'too-short'
  /** A copy from before the beginning, or from 0 bytes back. */
  | 'bad-offset'
  /** The declared size is no u32, or more than as many bytes can hold. */
  | 'bad-size'
  /** The declared size is beyond the caller's bound. */
  | 'too-large'

/** The codes of snappy_decompress from 1 on. */
const REASONS: readonly SnappyReason[] = ['unexpected-end', 'too-long', 'too-short', 'bad-offset']

export interface SnappyFault {
  readonly ok: false
  readonly error: SnappyReason
  /** Byte of the element at fault. */
  readonly offset: number
}

/** Three bytes copy at most 64, and no element gives more for less. */
const EXPANSION_MAX = 64 / 3

const SIZE_BYTES_MAX = 5

/** The size that a block declares, and where what follows begins. */
const readSize = (block: Uint8Array): { sizeBytes: number; start: number } | SnappyFault => {
  let sizeBytes = 0
  for (let i = 0; i < SIZE_BYTES_MAX; i++) {
    const byte = block[i]
    if (byte === undefined) return { ok: false, error: 'unexpected-end', offset: i }
    sizeBytes += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) return { sizeBytes, start: i + 1 }
  }
  return { ok: false, error: 'bad-size', offset: SIZE_BYTES_MAX - 1 }
}

/** Decompressed bytes in the kernels' memory, until the lease closes. */
export interface ResidentBytes {
  readonly ok: true
  readonly pointer: number
  readonly length: number
}

/**
 * Decompresses a block into a lease. What is declared is checked before any memory is taken.
 *
 * @param block Snappy's block format, u8[n]; the framing format is another
 * @param sizeBytesMax most that may come out
 * @param paddingBytes how many bytes behind the result are readable and 0
 * @throws ArenaExhaustedError
 * Source: google/snappy, format_description.txt.
 */
export function decompressSnappyInto(
  lease: Lease,
  block: Uint8Array,
  sizeBytesMax: number,
  paddingBytes = 0,
): ResidentBytes | SnappyFault {
  const declared = readSize(block)
  if ('ok' in declared) return declared
  const { sizeBytes, start } = declared
  const inputBytes = block.length - start
  if (sizeBytes > inputBytes * EXPANSION_MAX) return { ok: false, error: 'bad-size', offset: 0 }
  if (sizeBytes > sizeBytesMax) return { ok: false, error: 'too-large', offset: 0 }
  const { arena, exports } = getKernels()
  const padding = exports.snappy_padding_bytes()
  const output = lease.allocate(sizeBytes + Math.max(padding, paddingBytes))
  const result = lease.allocate(4)
  const code = arena.lease((scratch) => {
    const input = scratch.allocate(inputBytes + padding)
    arena.u8(input, inputBytes).set(block.subarray(start))
    return exports.snappy_decompress(input, inputBytes, output, sizeBytes, result)
  })
  const error = REASONS[code - 1]
  if (error !== undefined) {
    return { ok: false, error, offset: start + (arena.u32(result, 1)[0] ?? 0) }
  }
  if (paddingBytes > 0) arena.u8(output + sizeBytes, paddingBytes).fill(0)
  return { ok: true, pointer: output, length: sizeBytes }
}

export type DecompressedSnappy =
  | { readonly ok: true; readonly bytes: Uint8Array<ArrayBuffer> }
  | SnappyFault

/** As decompressSnappyInto, to bytes of their own. */
export function decompressSnappy(block: Uint8Array, sizeBytesMax: number): DecompressedSnappy {
  const { arena } = getKernels()
  return arena.lease((lease) => {
    const found = decompressSnappyInto(lease, block, sizeBytesMax)
    if (!found.ok) return found
    return { ok: true, bytes: arena.u8(found.pointer, found.length).slice() }
  })
}
