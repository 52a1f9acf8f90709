import { deflateSync, inflateSync } from 'node:zlib'
import { decodeChunks, encodeChunk } from '../../src/kernels/chunk.ts'
import { decodeGorilla, encodeGorilla } from '../rivals/gorilla.ts'
import type { BenchCase, CaseSize } from '../types.ts'
import { percentages, sizesOf } from './inputs.ts'

/** Two hours, a sample every fifteen seconds. */
const CHUNK_SAMPLES = 480

/** A chunk is all that is ever worked on: more of them show nothing new. */
const SAMPLES_MAX = 1e5

/** Chunks decoded by one call: what a query reads of one series. */
const GROUP_CHUNKS = 12

interface Piece {
  readonly timestamps: Float64Array
  readonly values: Float64Array
}

interface Codec {
  readonly encode: (piece: Piece) => Uint8Array
  /** @returns the sum of the values of some chunks */
  readonly decode: (chunks: readonly Uint8Array[]) => number
}

const sumOf = (values: Float64Array): number => {
  let total = 0
  for (let i = 0; i < values.length; i++) total += values[i] as number
  return total
}

const ours = (effort: 'fast' | 'small'): Codec => ({
  encode: ({ timestamps, values }) => encodeChunk(timestamps, values, { effort }),
  decode: (chunks) => {
    const found = decodeChunks(chunks)
    if (!found.ok) throw new Error(found.error)
    return sumOf(found.values)
  },
})

const gorilla: Codec = {
  encode: ({ timestamps, values }) => encodeGorilla(timestamps, values),
  decode: (chunks) => {
    let total = 0
    for (const bytes of chunks) total += sumOf(decodeGorilla(bytes).values)
    return total
  },
}

const zlib: Codec = {
  encode: ({ timestamps, values }) => {
    const raw = new Float64Array(timestamps.length * 2)
    raw.set(timestamps)
    raw.set(values, timestamps.length)
    return deflateSync(new Uint8Array(raw.buffer))
  },
  decode: (chunks) => {
    let total = 0
    for (const bytes of chunks) {
      const raw = new Float64Array(new Uint8Array(inflateSync(bytes)).buffer)
      total += sumOf(raw.subarray(raw.length / 2))
    }
    return total
  },
}

const decodeAll = ({ decode }: Codec, chunks: readonly Uint8Array[]): number => {
  let total = 0
  for (let at = 0; at < chunks.length; at += GROUP_CHUNKS) {
    total += decode(chunks.slice(at, at + GROUP_CHUNKS))
  }
  return total
}

let sink = 0

/** Percentages of two digits, as an agent sends them; an element is a sample. */
export const cases = async (size: CaseSize): Promise<BenchCase[]> =>
  sizesOf(size)
    .filter((n) => n <= SAMPLES_MAX)
    .flatMap((n) => {
      const values = percentages(n).map((value) => Math.round(value * 100) / 100)
      const pieces = Array.from({ length: Math.ceil(n / CHUNK_SAMPLES) }, (_, piece): Piece => {
        const part = values.subarray(piece * CHUNK_SAMPLES, (piece + 1) * CHUNK_SAMPLES)
        const startMs = 1_700_000_000_000 + piece * CHUNK_SAMPLES * 15_000
        return { timestamps: part.map((_value, i) => startMs + i * 15_000), values: part }
      })
      const encodeAll = (codec: Codec) => pieces.map(codec.encode)
      const common = {
        n,
        unit: 'ns/element' as const,
        elements: n,
        inputBytes: n * 16,
        tolerance: 1e-12,
      }
      return (['fast', 'small'] as const).flatMap((effort): BenchCase[] => {
        const rivals = { gorilla, 'zlib (native)': zlib }
        const codecs = { ours: ours(effort), ...rivals }
        const chunks = Object.fromEntries(
          Object.entries(codecs).map(([name, codec]) => [name, encodeAll(codec)]),
        )
        const decoded = (name: string, codec: Codec) => decodeAll(codec, chunks[name] ?? [])
        const checksums = Object.fromEntries(
          Object.entries(rivals).map(([name, codec]) => [name, () => decoded(name, codec)]),
        )
        const eachRival = (work: (name: string, codec: Codec) => number) =>
          Object.fromEntries(
            Object.entries(rivals).map(([name, codec]) => [
              name,
              () => {
                sink += work(name, codec)
              },
            ]),
          )
        return [
          {
            case: `chunk encode, ${effort}`,
            ...common,
            checksum: () => decoded('ours', codecs.ours),
            rivalChecksums: checksums,
            ours: () => {
              sink += encodeAll(codecs.ours).length
            },
            rivals: eachRival((_name, codec) => encodeAll(codec).length),
          },
          {
            case: `chunk decode, ${effort}`,
            ...common,
            checksum: () => decoded('ours', codecs.ours),
            rivalChecksums: checksums,
            ours: () => {
              sink += decoded('ours', codecs.ours)
            },
            rivals: eachRival(decoded),
          },
        ]
      })
    })

/** Read by nobody; it keeps results from being optimised away. */
export const checksumOfAll = (): number => sink
