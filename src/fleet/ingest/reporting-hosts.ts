import type { ReportingHost } from '../../database/vm-registration.ts'
import type { SeriesWrite } from '../series/series-write.ts'
import { HOST_ROLE } from './host-roles.ts'
import type { Reference, SeriesOwners } from './series-owners.ts'

const MIB = 1024 * 1024
const GIB = 1024 * MIB
const CPU_CORES_MAX = 4_096
const SIZE_MAX = 1_073_741_824
const CORE_ROLES: ReadonlySet<number> = new Set([
  HOST_ROLE.cpuIdleSeconds,
  HOST_ROLE.cpuIdleRatio,
  HOST_ROLE.cpuIdlePercent,
])
/** A name as a VM may have it, see vm-schema.ts. */
const PRINTABLE = /^[^\p{Cc}\p{Cs}]+$/u

interface Size {
  cores: number
  memoryBytes: number
  diskBytes: number
}

const within = (value: number, min: number, max: number): number =>
  Number.isFinite(value) ? Math.min(max, Math.max(min, Math.round(value))) : min

/**
 * The hosts behind references that name no VM, each name once, with the sizes that the write tells: a
 * processor for each series of idle time, the memory's total, the sum of the filesystems.
 */
export const hostsOf = (
  references: readonly Reference[],
  write: SeriesWrite,
  entries: Int32Array,
  owners: SeriesOwners,
): ReportingHost[] => {
  const sizes = new Map<string, Size>()
  for (const { name } of references)
    if (PRINTABLE.test(name)) sizes.set(name, { cores: 0, memoryBytes: 0, diskBytes: 0 })
  const sizeOf = (series: number): Size | undefined =>
    sizes.get(owners.reference(entries[series] as number)?.name ?? '')
  for (let series = 0; series < entries.length; series++) {
    const size = CORE_ROLES.has(owners.role(entries[series] as number)) ? sizeOf(series) : undefined
    if (size) size.cores++
  }
  const seen = new Set<number>()
  write.sampleSeries.forEach((series, sample) => {
    const role = owners.role(entries[series] as number)
    const isMemory = role === HOST_ROLE.memoryTotal
    if ((!isMemory && role !== HOST_ROLE.filesystemSize) || seen.has(series)) return
    seen.add(series)
    const size = sizeOf(series)
    const value = write.values[sample] as number
    if (size && isMemory) size.memoryBytes = value
    else if (size) size.diskBytes += value
  })
  return [...sizes].map(([name, { cores, memoryBytes, diskBytes }]) => ({
    name,
    cpuCores: within(cores, 1, CPU_CORES_MAX),
    memoryMb: within(memoryBytes / MIB, 1, SIZE_MAX),
    diskGb: within(diskBytes / GIB, 0, SIZE_MAX),
  }))
}
