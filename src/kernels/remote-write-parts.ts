import { getKernels } from './module.ts'
import type { RefusedSeries, RemoteWritePart, SeriesFault } from './remote-write.ts'

export type PartKind = 'exemplar' | 'histogram' | 'metadata'

/** The kernel's numbers from 1 on. */
const KINDS: readonly PartKind[] = ['exemplar', 'histogram', 'metadata']
const FAULTS: readonly SeriesFault[] = [
  'empty-name',
  'long-name',
  'long-value',
  'unsorted',
  'repeated',
  'too-many-labels',
  'no-metric-name',
  'invalid-utf8',
  'odd-references',
  'bad-timestamp',
]

const WORDS = 6

/** @param body address of the message that the offsets of parts count from */
export const readParts = (pointer: number, count: number, body: number): RemoteWritePart[] => {
  const { arena } = getKernels()
  const words = arena.u32(pointer, count * WORDS)
  return Array.from({ length: count }, (_, i) => {
    const [kind = 0, series = 0, offset = 0, sizeBytes = 0] = words.subarray(i * WORDS)
    return {
      kind: KINDS[kind - 1] ?? 'metadata',
      series,
      timestamp: arena.readF64(pointer, i * (WORDS / 2) + 2),
      bytes: arena.u8(body + offset, sizeBytes).slice(),
    }
  })
}

export const readRefusals = (pointer: number, count: number): RefusedSeries[] => {
  const words = getKernels().arena.u32(pointer, count * WORDS)
  return Array.from({ length: count }, (_, i) => {
    const [position = 0, reason = 0, label = 0, samples = 0, histograms = 0, exemplars = 0] =
      words.subarray(i * WORDS)
    const fault = FAULTS[reason - 1] ?? 'invalid-utf8'
    return { position, reason: fault, label, samples, histograms, exemplars }
  })
}

const text = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })

/** Copies the symbols and gives what reads them. */
export const readSymbols = (
  pointer: number,
  count: number,
): ((reference: number) => string | undefined) => {
  if (count === 0) return () => undefined
  const { arena } = getKernels()
  // Each an address and a length. They stand in the message in this order.
  const table = arena.u32(pointer, count * 2).slice()
  const start = table[0] ?? 0
  const end = (table[2 * count - 2] ?? 0) + (table[2 * count - 1] ?? 0)
  const bytes = arena.u8(start, end - start).slice()
  const known = new Map<number, string>()
  return (reference) => {
    const found = known.get(reference)
    if (found !== undefined) return found
    const from = table[2 * reference]
    if (from === undefined) return undefined
    const symbol = text.decode(
      bytes.subarray(from - start, from - start + (table[2 * reference + 1] ?? 0)),
    )
    known.set(reference, symbol)
    return symbol
  }
}
