import prom from 'prometheus-remote-write/prom.js'
import SnappyJS from 'snappyjs'
import { decodeRemoteWrite, type RemoteWriteVersion } from '../../src/kernels/remote-write.ts'
import { snappy, writeRequest, writeRequest2 } from '../../test/support/remote-write.ts'
import type { BenchCase, CaseSize } from '../types.ts'
import { sizesOf } from './inputs.ts'
import { nodeExporterSeries } from './remote-write-inputs.ts'

/** As Prometheus sends them. */
const SAMPLES_PER_REQUEST = 2000
const SAMPLES_MAX = 1e5

const BOUNDS = { nameBytesMax: 1024, valueBytesMax: 4096, labelsMax: 64 }

let sink = 0

const sum = (values: Iterable<number>): number => {
  let total = 0
  for (const value of values) total += value
  return total
}

const valuesOf = (blocks: readonly Uint8Array[], version: RemoteWriteVersion): Float64Array[] =>
  blocks.map((block) => {
    const found = decodeRemoteWrite(block, version, BOUNDS)
    if (!found.ok) throw new Error(`${found.error} at byte ${found.offset}`)
    return found.values
  })

/** What it takes to read a request with packages; labels are neither checked nor hashed. */
const rivalValuesOf = (blocks: readonly Uint8Array[]): number[][] =>
  blocks.map((block) => {
    const { timeseries = [] } = prom.prometheus.WriteRequest.decode(SnappyJS.uncompress(block))
    return timeseries.map(({ samples }) => samples?.[0]?.value ?? 0)
  })

/**
 * Requests of 2000 series with 9 labels and one sample each, from Snappy blocks to columns with checked
 * labels and identities; an element is a sample.
 */
export const cases = async (size: CaseSize): Promise<BenchCase[]> =>
  sizesOf(size)
    .filter((n) => n <= SAMPLES_MAX)
    .flatMap((n) => {
      const series = nodeExporterSeries(n)
      const requests = Array.from({ length: Math.ceil(n / SAMPLES_PER_REQUEST) }, (_, i) =>
        series.slice(i * SAMPLES_PER_REQUEST, (i + 1) * SAMPLES_PER_REQUEST),
      )
      return ([1, 2] as const).map((version) => {
        const messages = requests.map((some) =>
          version === 1 ? writeRequest(some) : writeRequest2(some),
        )
        const blocks = messages.map(snappy)
        const ours = () => valuesOf(blocks, version)
        // No package reads 2.0.
        const rivals = version === 1 ? { 'snappyjs + protobufjs': () => rivalValuesOf(blocks) } : {}
        const checksumOf = (work: () => readonly Iterable<number>[]) => () => sum(work().map(sum))
        const keep = (work: () => readonly unknown[]) => () => {
          sink += work().length
        }
        return {
          case: `remote write ${version}.0`,
          n,
          unit: 'ns/element',
          elements: n,
          inputBytes: messages.reduce((total, { length }) => total + length, 0),
          tolerance: 0,
          checksum: checksumOf(ours),
          rivalChecksums: Object.fromEntries(
            Object.entries(rivals).map(([name, work]) => [name, checksumOf(work)]),
          ),
          ours: keep(ours),
          rivals: Object.fromEntries(
            Object.entries(rivals).map(([name, work]) => [name, keep(work)]),
          ),
        }
      })
    })

/** Read by nobody; it keeps results from being optimised away. */
export const checksumOfAll = (): number => sink
