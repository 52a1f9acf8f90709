import { decodeBase64 } from '../../src/kernels/base64.ts'
import type { BenchCase, CaseSize } from '../types.ts'
import { percentages, sizesOf } from './inputs.ts'

const utf8 = new TextEncoder()
const decoder = new TextDecoder()

let sink = 0
const keep = (work: () => Uint8Array) => () => {
  sink += work()[0] ?? 0
}

const checksumOf = (work: () => Uint8Array) => () =>
  work().reduce((total, x, i) => total + x * (1 + (i % 7)), 0)

/** Base64 text, as bytes, to the bytes it holds; an element is one of these. */
export const cases = async (size: CaseSize): Promise<BenchCase[]> =>
  sizesOf(size).map((n) => {
    const text = Buffer.from(percentages(n).buffer)
      .toString('base64')
      .slice(0, 4 * Math.ceil(n / 3))
    const bytes = utf8.encode(text)
    const ours = () => {
      const found = decodeBase64(bytes, 'standard')
      if (!found.ok) throw new Error(`${found.error} at byte ${found.offset}`)
      return found.bytes
    }
    const rivals = {
      atob: () => Uint8Array.from(atob(decoder.decode(bytes)), (c) => c.charCodeAt(0)),
      'Buffer (native)': () => Buffer.from(decoder.decode(bytes), 'base64'),
    }
    return {
      case: 'base64',
      n,
      unit: 'ns/element',
      elements: (bytes.length / 4) * 3,
      inputBytes: bytes.length,
      tolerance: 0,
      checksum: checksumOf(ours),
      rivalChecksums: Object.fromEntries(
        Object.entries(rivals).map(([key, work]) => [key, checksumOf(work)]),
      ),
      ours: keep(ours),
      rivals: Object.fromEntries(Object.entries(rivals).map(([key, work]) => [key, keep(work)])),
    }
  })

/** Read by nobody; it keeps results from being optimised away. */
export const checksumOfAll = (): number => sink
