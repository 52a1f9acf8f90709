import type { PointColumns } from '../streams/protocol.ts'
import { METRICS } from './types.ts'

/** Points of one VM kept for the live stream between two publications; older ones are read by HTTP. */
const VM_POINTS_MAX = 600
/** Points of a shard's VMs together: 6.4 MB. */
const POINTS_MAX = 100_000

const WIDTH = 1 + METRICS.length

/** What VMs reported since it was last published. */
export class LivePoints {
  /** By VM, flat: a time and a row of METRICS a point. */
  readonly #points = new Map<string, number[]>()
  #count = 0

  /** Keeps a sample: `values[offset … offset + 6]` is its row of METRICS. */
  add(vm: string, timestamp: number, values: Float64Array, offset: number): void {
    if (this.#count >= POINTS_MAX) return
    let points = this.#points.get(vm)
    if (!points) {
      points = []
      this.#points.set(vm, points)
    }
    if (points.length >= VM_POINTS_MAX * WIDTH) return
    points.push(timestamp)
    for (let metric = 0; metric < METRICS.length; metric++)
      points.push(values[offset + metric] as number)
    this.#count++
  }

  /** The points of a VM since the last call, ascending by time. */
  take(vm: string): PointColumns {
    const points = this.#points.get(vm) ?? []
    this.#points.delete(vm)
    this.#count -= points.length / WIDTH
    const rows = Array.from({ length: points.length / WIDTH }, (_, row) => row * WIDTH).sort(
      (a, b) => (points[a] as number) - (points[b] as number),
    )
    const columns = Object.fromEntries(
      METRICS.map((metric, index) => [
        metric,
        rows.map((row) => {
          const value = points[row + 1 + index] as number
          return Number.isNaN(value) ? null : value
        }),
      ]),
    ) as unknown as Omit<PointColumns, 'timestamp'>
    return { timestamp: rows.map((row) => points[row] as number), ...columns }
  }
}
