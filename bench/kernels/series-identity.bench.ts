import { createHash } from 'node:crypto'
import { encodeLabels } from '../../src/fleet/series/labels.ts'
import { identitiesOf } from '../../src/kernels/series-identity.ts'
import type { BenchCase, CaseSize } from '../types.ts'
import { sizesOf } from './inputs.ts'
import { nodeExporterSeries } from './remote-write-inputs.ts'

/** Label sets beyond these would have to be hashed in several calls. */
const SERIES_MAX = 1e5

let sink = 0

/** Label sets of 270 bytes to 128 bits; an element is a label set. The rival's bits are others. */
export const cases = async (size: CaseSize): Promise<BenchCase[]> =>
  sizesOf(size)
    .filter((n) => n <= SERIES_MAX)
    .map((n) => {
      const sets = nodeExporterSeries(n).map(({ labels }) => encodeLabels(labels))
      const bytes = Buffer.concat(sets)
      let end = 0
      const ends = Uint32Array.from(sets, ({ length }) => {
        end += length
        return end
      })
      return {
        case: 'series identity',
        n,
        unit: 'ns/element',
        elements: n,
        inputBytes: bytes.length,
        tolerance: 0,
        checksum: () => identitiesOf(bytes, ends).reduce((total, x) => total + x, 0),
        rivalChecksums: {},
        ours: () => {
          sink += identitiesOf(bytes, ends)[0] ?? 0
        },
        rivals: {
          'MD5 (native)': () => {
            for (const set of sets) sink += createHash('md5').update(set).digest()[0] ?? 0
          },
        },
      }
    })

/** Read by nobody; it keeps results from being optimised away. */
export const checksumOfAll = (): number => sink
