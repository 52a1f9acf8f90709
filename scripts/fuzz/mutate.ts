/** Seeded damage to well-formed inputs. */

/** mulberry32: uniform in [0, 1), the same for the same seed. */
export const randomOf = (seed: number): (() => number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** Bytes that lengths, tags, signs and texts turn on. */
const TELLING = [0, 1, 2, 8, 10, 0x12, 0x22, 0x5c, 0x7b, 0x7f, 0x80, 0x81, 0xc0, 0xed, 0xfe, 0xff]

/** Numbers at the edges, as varints. */
const VARINTS = [
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
  [0x80, 0x80, 0x80, 0x80, 0x08],
  [0x80, 0x00],
]

/** Longest piece that is cut out, doubled or taken from another input. */
const PIECE_BYTES_MAX = 64
const MUTATIONS_MAX = 8
export const INPUT_BYTES_MAX = 1 << 20

type Random = () => number
const below = (random: Random, count: number): number => Math.floor(random() * count)

const splice = (bytes: Uint8Array, at: number, removed: number, added: ArrayLike<number>) => {
  const result = new Uint8Array(bytes.length - removed + added.length)
  result.set(bytes.subarray(0, at))
  result.set(added, at)
  result.set(bytes.subarray(at + removed), at + added.length)
  return result
}

const piece = (random: Random, bytes: Uint8Array): Uint8Array => {
  const start = below(random, bytes.length + 1)
  return bytes.subarray(start, start + 1 + below(random, PIECE_BYTES_MAX))
}

type Mutation = (bytes: Uint8Array, random: Random, corpus: readonly Uint8Array[]) => Uint8Array

const pick = <T>(random: Random, from: readonly T[], otherwise: T): T =>
  from[below(random, from.length)] ?? otherwise

const MUTATIONS: readonly Mutation[] = [
  (bytes, random) => {
    const at = below(random, bytes.length)
    return splice(bytes, at, 1, [(bytes[at] ?? 0) ^ (1 << below(random, 8))])
  },
  (bytes, random) => splice(bytes, below(random, bytes.length), 1, [pick(random, TELLING, 0)]),
  (bytes, random) => splice(bytes, below(random, bytes.length), 1, [below(random, 256)]),
  (bytes, random) => {
    const at = below(random, bytes.length)
    return splice(bytes, at, 1, [((bytes[at] ?? 0) + (random() < 0.5 ? 1 : 255)) & 0xff])
  },
  (bytes, random) => splice(bytes, below(random, bytes.length), 1, pick(random, VARINTS, [])),
  (bytes, random) => splice(bytes, below(random, bytes.length + 1), 0, pick(random, VARINTS, [])),
  (bytes, random) => splice(bytes, below(random, bytes.length + 1), 0, piece(random, bytes)),
  (bytes, random, corpus) =>
    splice(bytes, below(random, bytes.length + 1), 0, piece(random, pick(random, corpus, bytes))),
  (bytes, random) => {
    const at = below(random, bytes.length)
    const removed = Math.min(bytes.length - at, 1 + below(random, PIECE_BYTES_MAX))
    return splice(bytes, at, removed, [])
  },
  (bytes, random) => bytes.subarray(0, below(random, bytes.length)),
]

/** One input of the corpus, damaged in one to eight places. */
export const mutate = (corpus: readonly Uint8Array[], random: Random): Uint8Array => {
  let bytes = pick(random, corpus, new Uint8Array(0))
  const count = 1 + below(random, MUTATIONS_MAX)
  for (let i = 0; i < count && bytes.length > 0; i++) {
    const next = pick(random, MUTATIONS, (same) => same)(bytes, random, corpus)
    if (next.length <= INPUT_BYTES_MAX) bytes = next
  }
  return bytes
}
