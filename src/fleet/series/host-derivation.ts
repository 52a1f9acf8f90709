import { HostAccumulator } from '../ingest/host-metrics.ts'
import type { ShardBatch } from '../shard-batch.ts'
import { METRICS } from '../types.ts'

/** What the shard's series say of its VMs: one accumulator a VM. */
export class HostDerivation {
  readonly #hosts = new Map<string, HostAccumulator>()

  /** @param states of the last cut, by VM */
  constructor(states: Iterable<{ vm: string; state: Uint8Array }>) {
    for (const { vm, state } of states) this.#hosts.set(vm, HostAccumulator.fromBytes(state))
  }

  of(vm: string): HostAccumulator {
    let host = this.#hosts.get(vm)
    if (!host) {
      host = new HostAccumulator()
      this.#hosts.set(vm, host)
    }
    return host
  }

  /** Whether some scrape is not complete yet. */
  get isWaiting(): boolean {
    for (const host of this.#hosts.values()) if (host.pending > 0) return true
    return false
  }

  /** Takes out the samples of the scrapes that are complete; null where none is. @param now ms since the epoch */
  take(now: number): ShardBatch | null {
    const vmIds: string[] = []
    const vm: number[] = []
    const timestamps: number[] = []
    const rows: Float64Array[] = []
    for (const [id, host] of this.#hosts) {
      if (host.pending === 0) continue
      const samples = host.finish(now)
      if (samples.length === 0) continue
      const position = vmIds.push(id) - 1
      for (const { timestamp, values } of samples) {
        vm.push(position)
        timestamps.push(timestamp)
        rows.push(values)
      }
    }
    if (rows.length === 0) return null
    const values = new Float64Array(rows.length * METRICS.length)
    rows.forEach((row, index) => {
      values.set(row, index * METRICS.length)
    })
    return {
      vmIds,
      vm: Uint32Array.from(vm),
      timestamp: Float64Array.from(timestamps),
      values,
    }
  }

  forget(vm: string): void {
    this.#hosts.delete(vm)
  }

  /** For `constructor` to go on from. */
  *states(): Generator<readonly [vm: string, state: Uint8Array]> {
    for (const [vm, host] of this.#hosts) yield [vm, host.toBytes()]
  }
}
