import { type Arena, SCRATCH_BYTES } from './memory.ts'
import { getKernels } from './module.ts'

/**
 * 128 bits that stand for a series wherever it is stored: MurmurHash3_x64_128 of the canonical bytes of
 * its labels. Two of 2^32 different series are equal with probability 2^−65; who chooses labels on
 * purpose can make equal ones, so they must not join what belongs to different organisations.
 *
 * @param bytes u8[n]
 * @returns u32[4], low word first
 * Source: Appleby, MurmurHash3 (public domain).
 */
export function identityOf(bytes: Uint8Array, seed = 0): Uint32Array<ArrayBuffer> {
  const { arena, exports } = getKernels()
  return arena.lease((lease) => {
    const input = lease.allocate(bytes.length)
    const output = lease.allocate(16)
    arena.u8(input, bytes.length).set(bytes)
    exports.series_identity(input, bytes.length, seed, output)
    return arena.u32(output, 4).slice()
  })
}

/**
 * As identityOf, for many label sets that lie one after another.
 *
 * @param bytes u8[n]   @param ends u32[count], ascending: where each ends, the last at most n
 * @returns u32[4 · count]
 * @throws RangeError when the ends do not ascend or pass the bytes
 */
export function identitiesOf(bytes: Uint8Array, ends: Uint32Array): Uint32Array<ArrayBuffer> {
  let before = 0
  for (const end of ends) {
    if (end < before || end > bytes.length) throw new RangeError(`end ${end} is out of order`)
    before = end
  }
  const { arena, exports } = getKernels()
  return arena.lease((lease) => {
    const input = lease.allocate(bytes.length)
    const endsAt = lease.allocate(ends.byteLength)
    const output = lease.allocate(16 * ends.length)
    arena.u8(input, bytes.length).set(bytes)
    arena.u32(endsAt, ends.length).set(ends)
    exports.series_identities(input, endsAt, ends.length, output)
    return arena.u32(output, 4 * ends.length).slice()
  })
}

/** An identity as eight UTF-16 units. */
const keyAt = (arena: Arena, pointer: number): string => {
  const a = arena.readU32(pointer)
  const b = arena.readU32(pointer, 1)
  const c = arena.readU32(pointer, 2)
  const d = arena.readU32(pointer, 3)
  return String.fromCharCode(
    a & 0xffff,
    a >>> 16,
    b & 0xffff,
    b >>> 16,
    c & 0xffff,
    c >>> 16,
    d & 0xffff,
    d >>> 16,
  )
}

/**
 * identityOf numbers, f64 each, and the bytes behind them, as a string of eight units that maps find
 * things by. Between keys that meet, the count of numbers is one and the same.
 *
 * @throws ArenaExhaustedError
 */
export function identityKey(numbers: readonly number[], bytes: Uint8Array, seed: number): string {
  const { arena, exports } = getKernels()
  const contentBytes = numbers.length * 8 + bytes.length
  const sizeBytes = 16 + contentBytes
  const lease = sizeBytes <= SCRATCH_BYTES ? undefined : arena.openLease()
  try {
    const output = lease?.allocate(sizeBytes) ?? arena.scratch
    const input = output + 16
    for (let i = 0; i < numbers.length; i++) arena.writeF64(input, i, numbers[i] ?? 0)
    arena.writeBytes(input + numbers.length * 8, bytes)
    exports.series_identity(input, contentBytes, seed, output)
    return keyAt(arena, output)
  } finally {
    lease?.close()
  }
}
