import { PbfWriter } from 'pbf'
import snappy from 'snappyjs'
import { type BenchSeries, random } from './fleet-series.ts'

/** One remote write 1.0 message whose timestamps and values are set in place, request after request. */
class Template {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  /** Offset of each sample's value; its timestamp stands 9 bytes behind. */
  readonly #offsets: number[] = []
  readonly #values: Float64Array
  readonly #steps: Float64Array
  readonly #series: readonly BenchSeries[]

  constructor(series: readonly BenchSeries[], seed: number) {
    this.#series = series
    const next = random(seed)
    this.#values = Float64Array.from(series, () => Math.floor(next() * 1e6))
    this.#steps = Float64Array.from(series, () => Math.floor(next() * 50))
    const pbf = new PbfWriter()
    for (const { labels } of series)
      pbf.writeMessage(
        1,
        (_, writer) => {
          for (const label of labels)
            writer.writeMessage(
              1,
              ([name, value], inner) => {
                inner.writeStringField(1, name)
                inner.writeStringField(2, value)
              },
              label,
            )
          writer.writeMessage(
            2,
            (_sample, inner) => {
              inner.writeDoubleField(1, Math.PI)
              inner.writeVarintField(2, 1_700_000_000_000)
            },
            null,
          )
        },
        null,
      )
    this.#bytes = pbf.finish().slice()
    this.#view = new DataView(this.#bytes.buffer)
    // What was written above tells where the samples are.
    for (let at = 0; at + 16 <= this.#bytes.length; at++)
      if (this.#bytes[at] === 0x09 && this.#view.getFloat64(at + 1, true) === Math.PI)
        this.#offsets.push(at + 1)
    if (this.#offsets.length !== series.length) throw new Error('a sample was not found')
  }

  /** @returns snappy-compressed body of the round at `timestamp` */
  round(timestamp: number, next: () => number): Uint8Array {
    this.#offsets.forEach((offset, row) => {
      const counter = this.#series[row]?.kind === 'counter'
      const step = this.#steps[row] ?? 0
      // Counters run on with an uneven step, gauges move about a level; a third of them stand still.
      const move = counter ? step + Math.floor(next() * 4) : step % 3 === 0 ? 0 : next() - 0.5
      const value = (this.#values[row] ?? 0) + move
      this.#values[row] = value
      this.#view.setFloat64(offset, counter ? value : Math.round(value * 100) / 100, true)
      let rest = timestamp
      for (let byte = 0; byte < 6; byte++) {
        const low = rest % 128
        rest = Math.floor(rest / 128)
        this.#bytes[offset + 9 + byte] = low + (byte < 5 ? 128 : 0)
      }
    })
    return snappy.compress(this.#bytes)
  }
}

export interface Requests {
  /** Lanes of bodies; a lane has its own series, and its bodies must arrive in their order. */
  readonly lanes: readonly (readonly Uint8Array[])[]
  readonly samples: number
  readonly bytes: number
}

/**
 * `rounds` scrapes of every series, `step` ms apart, the last at `endMs`, in requests of `perRequest` samples.
 */
export const requestsOf = (
  series: readonly BenchSeries[],
  perRequest: number,
  rounds: number,
  stepMs: number,
  endMs: number,
): Requests => {
  const next = random(42)
  const lanes: Uint8Array[][] = []
  for (let start = 0; start < series.length; start += perRequest) {
    const template = new Template(series.slice(start, start + perRequest), 42 + start)
    lanes.push(
      Array.from({ length: rounds }, (_, round) =>
        template.round(endMs - (rounds - 1 - round) * stepMs, next),
      ),
    )
  }
  const bytes = lanes.flat().reduce((sum, body) => sum + body.byteLength, 0)
  return { lanes, samples: series.length * rounds, bytes }
}
