import { parseNumbers } from '../../src/kernels/parse.ts'
import type { BenchCase, CaseSize } from '../types.ts'
import { percentages, sizesOf } from './inputs.ts'

const utf8 = new TextEncoder()
const decoder = new TextDecoder()

/** Percentages as agents send them, and with all the digits that a double has. */
const FORMS: Readonly<Record<string, (x: number, i: number) => number>> = {
  '2 to 6 digits': (x, i) => Number(x.toFixed(i % 4)),
  '15 to 17 digits': (x) => x,
}

let sink = 0
const keep = (work: () => Float64Array) => () => {
  sink += work()[0] ?? 0
}

/** UTF-8 bytes to f64: what a request brings to what a kernel takes. */
export const cases = async (size: CaseSize): Promise<BenchCase[]> =>
  Object.entries(FORMS).flatMap(([name, form]) =>
    sizesOf(size).map((n) => {
      const text = JSON.stringify(Array.from(percentages(n), form))
      const bytes = utf8.encode(text)
      const ours = () => {
        const found = parseNumbers(bytes)
        if (!found.ok) throw new Error(`${found.error} at byte ${found.offset}`)
        return found.values
      }
      const rivals = {
        'JSON.parse of text': () => Float64Array.from(JSON.parse(text) as number[]),
        'JSON.parse of bytes': () =>
          Float64Array.from(JSON.parse(decoder.decode(bytes)) as number[]),
      }
      const checksumOf = (work: () => Float64Array) => () =>
        work().reduce((total, x, i) => total + x * (1 + (i % 7)), 0)
      return {
        case: `JSON numbers of ${name}`,
        n,
        unit: 'ns/element',
        elements: n,
        inputBytes: bytes.length,
        tolerance: 0,
        checksum: checksumOf(ours),
        rivalChecksums: Object.fromEntries(
          Object.entries(rivals).map(([key, work]) => [key, checksumOf(work)]),
        ),
        ours: keep(ours),
        rivals: Object.fromEntries(Object.entries(rivals).map(([key, work]) => [key, keep(work)])),
      }
    }),
  )

/** Read by nobody; it keeps results from being optimised away. */
export const checksumOfAll = (): number => sink
