import { reset, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import fc from 'fast-check'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { type Settings, settingsOf } from '../../../src/env.ts'
import { HOST_ROLE } from '../../../src/fleet/ingest/host-roles.ts'
import { DAY_MS } from '../../../src/fleet/series/day.ts'
import { encodeLabels, LABEL_BYTES_PER_SHARD_MAX } from '../../../src/fleet/series/labels.ts'
import { mergedSamples, ordered } from '../../../src/fleet/series/sealing.ts'
import { unpackSelected } from '../../../src/fleet/series/selection.ts'
import { decodeSeriesBatch, encodeSeriesBatch } from '../../../src/fleet/series/series-batch.ts'
import { SeriesEngine } from '../../../src/fleet/series/series-engine.ts'
import { identityOf } from '../../../src/kernels/series-identity.ts'

const settings: Settings = settingsOf(env)
const VM = '0190a000-0000-7000-8000-000000000001'
const start = Date.UTC(2026, 5, 10, 23, 50)
const everything = {
  matchers: [],
  from: 0,
  to: start + 10 * DAY_MS,
  seriesMax: 10_000,
  samplesMax: 1e9,
}
const fault = (detail: string): never => {
  throw new Error(detail)
}

type Sample = readonly [series: number, timestamp: number, value: number]

const shortLabels = (series: number) => encodeLabels([['__name__', `series_${series}`]])

/** @param role of every series, for VM */
const batchOf = (samples: readonly Sample[], role = 0, labelsOf = shortLabels) => {
  const series = [...new Set(samples.map(([series]) => series))]
  const bytes = encodeSeriesBatch(
    Uint32Array.from(series.flatMap((number) => [...identityOf(labelsOf(number))])),
    {
      sampleSeries: Uint32Array.from(samples, ([number]) => series.indexOf(number)),
      timestamps: Float64Array.from(samples, ([, timestamp]) => timestamp),
      values: Float64Array.from(samples, ([, , value]) => value),
    },
    series.map((number, place) => ({
      series: place,
      labels: labelsOf(number),
      role,
      vm: role === 0 ? null : VM,
    })),
  )
  const decoded = decodeSeriesBatch(bytes)
  return decoded.ok ? decoded.value : fault(decoded.error)
}

const contentOf = (engine: SeriesEngine): Record<string, Array<[number, number]>> => {
  const selected = engine.read.select(everything)
  if (!selected.ok) throw new Error(selected.error.reason)
  return Object.fromEntries(
    unpackSelected(selected.value).map(({ labels, chunks, head }) => {
      const sealed = mergedSamples(chunks, fault)
      const { timestamps, values } = ordered({
        timestamps: Float64Array.from([...sealed.timestamps, ...head.timestamps]),
        values: Float64Array.from([...sealed.values, ...head.values]),
      })
      const name = new TextDecoder('latin1').decode(labels).slice(9, -1)
      return [name, Array.from(timestamps, (timestamp, at) => [timestamp, values[at] as number])]
    }),
  )
}

/** Every slice is stored, and the end is not: what a kill leaves. */
const killedWhileSealing = (engine: SeriesEngine, now: number): Promise<void> =>
  engine.sealer
    .seal(now, () => {
      throw new Error('killed')
    })
    .catch(() => {})

const inStorage = <T>(name: string, use: (storage: DurableObjectStorage) => Promise<T> | T) =>
  runInDurableObject(env.SERIES_SHARD.get(env.SERIES_SHARD.idFromName(name)), (_, { storage }) =>
    use(storage),
  )

afterAll(reset)

const sample = fc.tuple(
  fc.integer({ min: 0, max: 5 }),
  // Two days, often the same moment again.
  fc.integer({ min: 0, max: 60 }).map((step) => start + step * 30_000),
  fc.constantFrom(0, 1, -0, 2.5, 1e300, Number.NaN),
)
const step = fc.oneof(
  { weight: 6, arbitrary: fc.array(sample, { minLength: 1, maxLength: 30 }) },
  { weight: 1, arbitrary: fc.constantFrom('kill' as const, 'seal' as const, 'compact' as const) },
  { weight: 1, arbitrary: fc.constant('half-seal' as const) },
)

describe('the series of a shard', () => {
  it('are what a plain list of first values would be, however often it is sealed, compacted and killed', async () => {
    let run = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        await inStorage(`model-${run++}`, async (storage) => {
          const model = new Map<number, Map<number, number>>()
          let engine = new SeriesEngine(storage, settings)
          let now = start
          for (const what of steps) {
            now += 1_000
            if (what === 'kill') engine = new SeriesEngine(storage, settings)
            else if (what === 'seal') engine.sealer.sealNow(now, () => {})
            else if (what === 'compact') await engine.sealer.compact(now + 3 * DAY_MS)
            else if (what === 'half-seal') {
              await killedWhileSealing(engine, now)
              engine = new SeriesEngine(storage, settings)
            } else {
              let duplicates = 0
              const conflicts: number[] = []
              for (const [position, [series, timestamp, value]] of what.entries()) {
                const known = model.get(series) ?? new Map<number, number>()
                model.set(series, known)
                const first = known.get(timestamp)
                if (first === undefined) known.set(timestamp, value)
                else if (Object.is(first, value)) duplicates++
                else conflicts.push(position)
              }
              const result = engine.append(batchOf(what), null, now)
              expect(result.duplicates).toBe(duplicates)
              expect([...result.conflicts].sort((a, b) => a - b)).toEqual(conflicts)
            }
          }
          const expected = Object.fromEntries(
            [...model].map(([series, samples]) => [
              `series_${series}`,
              [...samples].sort(([a], [b]) => a - b),
            ]),
          )
          expect(contentOf(engine)).toEqual(expected)
          expect(contentOf(new SeriesEngine(storage, settings))).toEqual(expected)
        })
      }),
      { seed: 42, numRuns: 60 },
    )
  })

  it('are merged into chunks by series, which say the same in fewer bytes', async () => {
    await inStorage('compacted', async (storage) => {
      const engine = new SeriesEngine(storage, settings)
      for (let cut = 0; cut < 8; cut++) {
        const samples = Array.from({ length: 600 }, (_, n): Sample => {
          const round = cut * 2 + Math.floor(n / 300)
          return [n % 300, start + DAY_MS + round * 15_000, (round * 37 + n) % 50]
        })
        engine.append(batchOf(samples), null, start)
        engine.sealer.sealNow(start + cut, () => {})
      }
      const before = contentOf(engine)
      const sizeOf = (table: string) =>
        storage.sql
          .exec<{ size: number }>(`SELECT coalesce(sum(length(data)), 0) AS size FROM ${table}`)
          .one().size
      const [fresh] = [sizeOf('segments_20260611')]
      await engine.sealer.compact(start + DAY_MS)
      expect(sizeOf('segments_20260611')).toBe(0)
      expect(sizeOf('chunks_20260611')).toBeLessThan(fresh)
      expect(contentOf(engine)).toEqual(before)
    })
  })

  it('go with their day when it is older than the retention, and their numbers with them', async () => {
    await inStorage('expired', async (storage) => {
      const engine = new SeriesEngine(storage, settings)
      engine.append(batchOf([[0, start, 1]]), null, start)
      engine.append(batchOf([[1, start + 2 * DAY_MS, 1]]), null, start)
      engine.sealer.sealNow(start, () => {})
      engine.append(batchOf([[2, start + 2 * DAY_MS, 5]]), null, start)
      engine.expire(start + settings.rawRetentionMs + 600_000)
      expect(Object.keys(contentOf(engine))).toEqual(['series_1', 'series_2'])
      expect(engine.seriesCount).toBe(2)
      // Slots moved: what was in memory must have moved with them.
      engine.append(batchOf([[2, start + 2 * DAY_MS + 1, 6]]), null, start)
      engine.append(batchOf([[0, start + 2 * DAY_MS, 7]]), null, start)
      const expected = {
        series_1: [[start + 2 * DAY_MS, 1]],
        series_2: [
          [start + 2 * DAY_MS, 5],
          [start + 2 * DAY_MS + 1, 6],
        ],
        series_0: [[start + 2 * DAY_MS, 7]],
      }
      expect(contentOf(engine)).toEqual(expected)
      expect(contentOf(new SeriesEngine(storage, settings))).toEqual(expected)
      const numbers = storage.sql.exec('SELECT number FROM series ORDER BY number').toArray()
      expect(numbers.map(({ number }) => number)).toEqual([2, 3, 4])
    })
  })

  it('are not more than the limit', async () => {
    await inStorage('limited', (storage) => {
      const engine = new SeriesEngine(storage, { ...settings, seriesMaxPerShard: 2 })
      const result = engine.append(
        batchOf([0, 1, 2].map((series) => [series, start, 1])),
        null,
        start,
      )
      expect([...result.overLimit]).toEqual([2])
      expect(Object.keys(contentOf(engine))).toEqual(['series_0', 'series_1'])
    })
  })

  it('have no more label bytes than the limit, told anew by a restart and freed by what expires', async () => {
    const long = (series: number) =>
      encodeLabels([
        ['__name__', `series_${series}`],
        ['l', 'x'.repeat(1_000_000)],
      ])
    const within = Math.floor(LABEL_BYTES_PER_SHARD_MAX / 1_000_100)
    await inStorage('limited-bytes', (storage) => {
      const send = (engine: SeriesEngine, series: number, time: number) =>
        engine.append(batchOf([[series, time, 1]], 0, long), null, time).overLabelBytes.length
      const engine = new SeriesEngine(storage, settings)
      for (let series = 0; series < within; series++) expect(send(engine, series, start)).toBe(0)
      expect(send(engine, within, start)).toBe(1)
      expect(send(engine, 0, start + 1)).toBe(0)
      const again = new SeriesEngine(storage, settings)
      expect(send(again, within, start)).toBe(1)
      expect([...again.append(batchOf([[within, start, 1]]), null, start).overLabelBytes]).toEqual(
        [],
      )
      again.sealer.sealNow(start + 2, () => {})
      const later = start + settings.rawRetentionMs + 2 * DAY_MS
      again.expire(later)
      expect(again.seriesCount).toBe(0)
      expect(send(again, within, later)).toBe(0)
    })
  })

  it('tell of their VM the same rows, killed or not, sealed or not', async () => {
    const rowsOf = (name: string, between: (engine: SeriesEngine) => Promise<boolean>) =>
      inStorage(name, async (storage) => {
        let engine = new SeriesEngine(storage, settings)
        const rows: Array<[number, number]> = []
        const take = (now: number) => {
          const batch = engine.takeHostSamples(now)
          batch?.timestamp.forEach((timestamp, row) => {
            rows.push([timestamp, batch.values[row * 7 + 3] as number])
          })
        }
        for (let n = 0; n < 12; n++) {
          const now = start + n * 15_000
          const batch = batchOf([[0, now, n * n * 1_000]], HOST_ROLE.networkIn)
          engine.append(batch, null, now)
          if (await between(engine)) engine = new SeriesEngine(storage, settings)
        }
        take(start + 3_600_000)
        return rows
      })
    const plain = await rowsOf('host-plain', async () => false)
    expect(plain.length).toBe(11)
    expect(plain[0]?.[0]).toBe(start + 15_000)
    expect(plain[0]?.[1]).toBeCloseTo(1_000 / 15, 2)
    expect(await rowsOf('host-killed', async () => true)).toEqual(plain)
    const sealed = await rowsOf('host-sealed', async ({ sealer }) => {
      sealer.sealNow(start, () => {})
      return true
    })
    expect(sealed).toEqual(plain)
    const half = await rowsOf('host-half', async (engine) => {
      await killedWhileSealing(engine, start)
      return true
    })
    expect(half).toEqual(plain)
  })

  it('are sealed while samples go on coming', async () => {
    await inStorage('concurrent', async (storage) => {
      const engine = new SeriesEngine(storage, settings)
      const samplesAt = (round: number) =>
        Array.from({ length: 1_500 }, (_, n): Sample => [n, start + round * 1_000, round + n])
      engine.append(batchOf(samplesAt(0)), null, start)
      const stored = vi.fn()
      const sealed = engine.sealer.seal(start, stored)
      engine.append(batchOf(samplesAt(1)), null, start)
      await sealed
      expect(stored).toHaveBeenCalledOnce()
      const content = contentOf(engine)
      expect(Object.keys(content).length).toBe(1_500)
      expect(Object.values(content).every((samples) => samples.length === 2)).toBe(true)
      expect(contentOf(new SeriesEngine(storage, settings))).toEqual(content)
    })
  })
})
