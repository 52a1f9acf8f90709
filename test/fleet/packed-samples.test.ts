import '../kernels/load.ts'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { HOUR_MS, MINUTE_MS, MinuteBuffer } from '../../src/fleet/minute-buffer.ts'
import {
  newestFirst,
  packMinutes,
  type StoredMinute,
  unpackMinutes,
} from '../../src/fleet/packed-samples.ts'
import { METRICS } from '../../src/fleet/types.ts'
import { measuredSeries, missingSeries } from '../kernels/series-data.ts'

const START = 1_700_000_000_000 - (1_700_000_000_000 % HOUR_MS)

/** Minutes of samples; each a time and a row of metrics. */
const minutesOf = (samples: Iterable<readonly [number, Float64Array]>): StoredMinute[] => {
  const minutes = new Map<number, MinuteBuffer>()
  for (const [timestamp, row] of samples) {
    const start = timestamp - (timestamp % MINUTE_MS)
    const buffer = minutes.get(start) ?? new MinuteBuffer()
    minutes.set(start, buffer)
    buffer.insert(timestamp, row, 0)
  }
  return [...minutes].sort(([a], [b]) => a - b).map(([start, samples]) => ({ start, samples }))
}

const bytesOf = (minutes: readonly StoredMinute[]) =>
  minutes.map(({ start, samples }) => [start, MinuteBuffer.fromColumns(samples).toBytes()])

const row = fc
  .array(fc.oneof(fc.double(), fc.constant(Number.NaN), fc.integer({ min: 0, max: 100 })), {
    minLength: METRICS.length,
    maxLength: METRICS.length,
  })
  .map((values) => Float64Array.from(values))

describe('packed samples', () => {
  it('come back bit for bit, minute by minute', () => {
    const samples = fc.array(fc.tuple(fc.integer({ min: START, max: START + HOUR_MS - 1 }), row), {
      minLength: 1,
      maxLength: 300,
    })
    fc.assert(
      fc.property(samples, (of) => {
        const minutes = minutesOf(of)
        expect(bytesOf(unpackMinutes(packMinutes(minutes)))).toEqual(bytesOf(minutes))
      }),
      { seed: 42 },
    )
  })

  it('of a chunk that cannot be read are none', () => {
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const chunk = packMinutes(minutesOf([[START, new Float64Array(7)]]))
    expect(unpackMinutes(chunk.subarray(0, chunk.length - 1))).toEqual([])
  })

  it('stand behind newer and in place of nothing', () => {
    const at = (...starts: number[]) =>
      starts.map((start) => ({ start, samples: new MinuteBuffer() }))
    const [rows, packed] = [at(5, 3, 1), at(4, 3, 2)]
    expect([...newestFirst(rows, packed)]).toEqual([
      rows[0],
      packed[0],
      rows[1],
      packed[2],
      rows[2],
    ])
  })

  it.skipIf(missingSeries).each([
    { cadence: 'a sample a second', everyMs: 1_000, bytesMax: 5 },
    { cadence: 'a sample a minute', everyMs: MINUTE_MS, bytesMax: 10 },
  ])(
    'of a measured VM take less than $bytesMax bytes each with $cadence',
    ({ everyMs, bytesMax }) => {
      const rows = bitbrainsRows()
      const hours = Math.floor((rows.length * everyMs) / HOUR_MS)
      const perHour = HOUR_MS / everyMs
      let bytes = 0
      for (let hour = 0; hour < hours; hour++) {
        const samples = rows
          .slice(hour * perHour, (hour + 1) * perHour)
          .map((values, index) => [START + hour * HOUR_MS + index * everyMs, values] as const)
        const minutes = minutesOf(samples)
        const chunk = packMinutes(minutes)
        expect(bytesOf(unpackMinutes(chunk))).toEqual(bytesOf(minutes))
        bytes += chunk.length
      }
      expect(bytes / (hours * perHour)).toBeLessThan(bytesMax)
    },
  )
})

/** The measured VM as an agent reports it: percent, bytes and operations a second; its disk's size was not measured. */
const bitbrainsRows = (): Float64Array[] => {
  const named = new Map(measuredSeries().map(({ name, values }) => [name, values]))
  const column = (name: string) => {
    const values = named.get(`bitbrains ${name}`)
    if (!values) throw new Error(`no column ${name}`)
    return values
  }
  const cpu = column('CPU usage [%]')
  const memory = column('Memory usage [KB]')
  const provisioned = column('Memory capacity provisioned [KB]')
  const received = column('Network received throughput [KB/s]')
  const sent = column('Network transmitted throughput [KB/s]')
  const read = column('Disk read throughput [KB/s]')
  const written = column('Disk write throughput [KB/s]')
  const at = (values: Float64Array, index: number) => values[index] ?? Number.NaN
  return Array.from(cpu, (usage, index) =>
    Float64Array.of(
      usage,
      (100 * at(memory, index)) / at(provisioned, index),
      41.7,
      1_024 * at(received, index),
      1_024 * at(sent, index),
      at(read, index),
      at(written, index),
    ),
  )
}
