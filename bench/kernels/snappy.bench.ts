import SnappyJS from 'snappyjs'
import { decompressSnappy } from '../../src/kernels/snappy.ts'
import { writeRequest } from '../../test/support/remote-write.ts'
import type { BenchCase, CaseSize } from '../types.ts'
import { sizesOf } from './inputs.ts'
import { nodeExporterSeries } from './remote-write-inputs.ts'

/** A series as it is sent; remote writes of more bytes have as many more series. */
const SERIES_BYTES = 300

let sink = 0
const keep = (work: () => Uint8Array) => () => {
  sink += work()[0] ?? 0
}

const checksumOf = (work: () => Uint8Array) => () =>
  work().reduce((total, x, i) => total + x * (1 + (i % 7)), 0)

/** Remote writes, ten times smaller as blocks; an element is a byte that comes out. */
export const cases = async (size: CaseSize): Promise<BenchCase[]> =>
  sizesOf(size).map((n) => {
    const series = nodeExporterSeries(Math.ceil(n / SERIES_BYTES) + 1)
    const block = SnappyJS.compress(writeRequest(series).subarray(0, n))
    const ours = () => {
      const found = decompressSnappy(block, n)
      if (!found.ok) throw new Error(`${found.error} at byte ${found.offset}`)
      return found.bytes
    }
    const snappyjs = () => SnappyJS.uncompress(block)
    return {
      case: 'snappy',
      n,
      unit: 'ns/element',
      elements: n,
      inputBytes: n,
      tolerance: 0,
      checksum: checksumOf(ours),
      rivalChecksums: { snappyjs: checksumOf(snappyjs) },
      ours: keep(ours),
      rivals: { snappyjs: keep(snappyjs) },
    }
  })

/** Read by nobody; it keeps results from being optimised away. */
export const checksumOfAll = (): number => sink
