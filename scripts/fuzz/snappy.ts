import SnappyJS from 'snappyjs'
import { nodeExporterSeries } from '../../bench/kernels/remote-write-inputs.ts'
import { decompressSnappy } from '../../src/kernels/snappy.ts'
import { writeRequest } from '../../test/support/remote-write.ts'
import { type FuzzTarget, guard, kernels, must } from './target.ts'

const SIZE_BYTES_MAX = 1 << 20

export const snappy = (): FuzzTarget => {
  const plains = [
    Buffer.from('a'.repeat(300)),
    Buffer.from('abcdefghijklmnopqrstuvwxyz'.repeat(9)),
    Uint8Array.from({ length: 400 }, (_, i) => (i * i * 31) >> 3),
    writeRequest(nodeExporterSeries(20)),
    new Uint8Array(0),
  ]
  const corpus = plains.map((plain) => SnappyJS.compress(new Uint8Array(plain)))
  const check = guard(kernels(), () => {
    for (const block of corpus) decompressSnappy(block, SIZE_BYTES_MAX)
  })
  return {
    corpus,
    decode(input) {
      const found = decompressSnappy(input, SIZE_BYTES_MAX)
      check()
      if (!found.ok) {
        must(found.offset >= 0 && found.offset <= input.length, 'the fault lies outside the input')
        return false
      }
      const theirs = SnappyJS.uncompress(new Uint8Array(input))
      must(Buffer.compare(found.bytes, theirs) === 0, 'snappyjs decompresses to other bytes')
      return true
    },
  }
}
