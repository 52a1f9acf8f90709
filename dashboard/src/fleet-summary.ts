import type { FleetRow, FleetSummary, VmStatus } from './types.ts'

/**
 * The summary of rows that the page already holds, by the service's own definitions: means are over
 * the VMs that reported (cpu, memory) or over all of them (health); null where there are none.
 */
export const summarise = (rows: Iterable<FleetRow>): FleetSummary => {
  const byStatus: Record<VmStatus, number> = { running: 0, starting: 0, stopping: 0, stopped: 0 }
  const cpu = new Mean()
  const memory = new Mean()
  const health = new Mean()
  let total = 0
  let cost = 0
  for (const row of rows) {
    total += 1
    byStatus[row.status] += 1
    cpu.add(row.latest?.cpu_usage)
    memory.add(row.latest?.memory_usage)
    health.add(row.health_score)
    cost += row.estimated_hourly_cost ?? 0
  }
  return {
    total,
    by_status: byStatus,
    cpu_avg: cpu.value,
    memory_avg: memory.value,
    health_avg: health.value,
    total_hourly_cost: cost,
  }
}

class Mean {
  #sum = 0
  #count = 0

  add(value: number | null | undefined): void {
    if (value == null) return
    this.#sum += value
    this.#count += 1
  }

  get value(): number | null {
    return this.#count === 0 ? null : this.#sum / this.#count
  }
}
