import { describe, expect, it } from 'vitest'
import { countedSource, queryGate } from '../../../src/fleet/query/admission.ts'
import { POINTS_RUNNING_PER_ORGANISATION_MAX } from '../../../src/fleet/query/limits.ts'
import type { Place } from '../../../src/fleet/query/query-gate.ts'
import type { SeriesSource } from '../../../src/fleet/query/source.ts'

const SERIES = 1_000

let reads = 0
const source = (): SeriesSource => ({
  select: async () => {
    reads++
    return Array.from({ length: SERIES }, (_, n) => ({
      labels: [['n', `${n}`]] as const,
      read: () => ({
        timestamps: new Float64Array(),
        values: new Float64Array(),
        histograms: [],
      }),
    }))
  },
})

const entered = async (): Promise<Place> => {
  const place = await queryGate.enter('a')
  if (!place) throw new Error('no place')
  return place
}

describe('what a query reads beside others', () => {
  it('waits for their end, and is read again then', async () => {
    const [first, second] = [await entered(), await entered()]
    const steps = POINTS_RUNNING_PER_ORGANISATION_MAX / SERIES
    await countedSource(source, first, steps).select([], 0, 1)
    expect(reads).toBe(1)
    const found = countedSource(source, second, steps).select([], 0, 1)
    setTimeout(first.end, 50)
    expect(await found).toHaveLength(SERIES)
    expect(reads).toBe(3)
    second.end()
  })

  it('is refused where they do not end', async () => {
    const first = await entered()
    first.take(1)
    const place = { ...(await entered()), take: () => false, takeLater: async () => false }
    await expect(countedSource(source, place, 1).select([], 0, 1)).rejects.toMatchObject({
      problem: { status: 503, retryAfterSeconds: 1 },
    })
    first.end()
    place.end()
  })
})
