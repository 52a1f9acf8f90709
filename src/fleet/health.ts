import type { CostRates } from '../database/dashboard-queries.ts'
import type { MetricValues, Vm, Window24h } from './types.ts'

export const USAGE_STATUSES = ['critical', 'warning', 'underutilized', 'normal', 'unknown'] as const
export type UsageStatus = (typeof USAGE_STATUSES)[number]

/** Percent limits of one usage: above `critical`, above `warning`, below `underutilized`. */
interface UsageLimits {
  readonly critical: number
  readonly warning: number
  readonly underutilized: number | null
}

export const USAGE_LIMITS = {
  cpu: { critical: 90, warning: 75, underutilized: 10 },
  memory: { critical: 90, warning: 80, underutilized: 20 },
  disk: { critical: 95, warning: 85, underutilized: null },
} as const satisfies Record<string, UsageLimits>

const usageStatus = (percent: number | null, limits: UsageLimits): UsageStatus => {
  if (percent === null) return 'unknown'
  if (percent > limits.critical) return 'critical'
  if (percent > limits.warning) return 'warning'
  if (limits.underutilized !== null && percent < limits.underutilized) return 'underutilized'
  return 'normal'
}

export interface Health {
  readonly cpu_status: UsageStatus
  readonly memory_status: UsageStatus
  readonly disk_status: UsageStatus
  /** 0 with any critical usage, 50 with any warning, 25 with cpu and memory underutilized, else 100. */
  readonly health_score: number
}

type Usages = Pick<MetricValues, 'cpu_usage' | 'memory_usage' | 'disk_usage'>

/** The health that follows from a VM's newest sample; `null` where it never reported. */
export const healthOf = (latest: Usages | null): Health => {
  const cpu = usageStatus(latest?.cpu_usage ?? null, USAGE_LIMITS.cpu)
  const memory = usageStatus(latest?.memory_usage ?? null, USAGE_LIMITS.memory)
  const disk = usageStatus(latest?.disk_usage ?? null, USAGE_LIMITS.disk)
  const isAny = (status: UsageStatus) => cpu === status || memory === status || disk === status
  const idle = cpu === 'underutilized' && memory === 'underutilized'
  const score = isAny('critical') ? 0 : isAny('warning') ? 50 : idle ? 25 : 100
  return { cpu_status: cpu, memory_status: memory, disk_status: disk, health_score: score }
}

export interface Efficiency {
  /** 24 h mean share of the paid cores in use, ratio in [0, 1]. */
  readonly cpu_efficiency: number | null
  /** 24 h mean share of the paid memory in use, ratio in [0, 1]. */
  readonly memory_efficiency: number | null
}

const percentToRatio = (percent: number | null) => (percent === null ? null : percent / 100)

export const efficiencyOf = (
  window: Pick<Window24h, 'cpu_avg' | 'memory_avg'> | null,
): Efficiency => ({
  cpu_efficiency: percentToRatio(window?.cpu_avg ?? null),
  memory_efficiency: percentToRatio(window?.memory_avg ?? null),
})

/** Estimated price of a VM in USD an hour: cores, GiB of memory and hundreds of GB of disk at their rates. */
export const hourlyCostUsd = (
  vm: Pick<Vm, 'cpu_cores' | 'memory_mb' | 'disk_gb'>,
  rates: CostRates,
): number =>
  vm.cpu_cores * rates.usdPerCoreHour +
  (vm.memory_mb / 1024) * rates.usdPerGibHour +
  (vm.disk_gb / 100) * rates.usdPer100GbHour
