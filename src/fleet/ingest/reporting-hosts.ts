import type { ReportingHost } from '../../database/vm-registration.ts'
import { decodeLabels } from '../series/labels.ts'
import type { SeriesWrite } from '../series/series-write.ts'
import { HOST_ROLE } from './host-roles.ts'
import type { Reference, SeriesOwners } from './series-owners.ts'

const MIB = 1024 * 1024
const GIB = 1024 * MIB
const CPU_CORES_MAX = 4_096
const DISKS_MAX = 1_024
const SIZE_MAX = 1_073_741_824
const CORE_ROLES: ReadonlySet<number> = new Set([
  HOST_ROLE.cpuIdleSeconds,
  HOST_ROLE.cpuIdleRatio,
  HOST_ROLE.cpuIdlePercent,
])
const CORE_LABELS = ['cpu', 'cpu_logical_number'] as const
const DISK_LABELS = ['device', 'system_device', 'mountpoint', 'path'] as const
/** A name as a VM may have it, see vm-schema.ts. */
const PRINTABLE = /^[^\p{Cc}\p{Cs}]+$/u

/** What a host has told of its size so far: a scrape may come in many requests, in any order. */
export interface HostSize {
  readonly cores: Set<string>
  memoryBytes: number
  /** Bytes by device: one that is mounted twice, or told of by two agents, is one. */
  readonly disks: Map<string, number>
  /** Whether its VM does not know of it yet. */
  isUntold: boolean
}

export const unknownSize = (): HostSize => ({
  cores: new Set(),
  memoryBytes: 0,
  disks: new Map(),
  isUntold: false,
})

/** The first of the labels that the series has; '' where it has none. */
const firstLabel = (labels: Uint8Array, wanted: readonly string[]): string => {
  const values = new Map(decodeLabels(labels))
  return wanted.map((name) => values.get(name) ?? '').find((value) => value !== '') ?? ''
}

const noteCore = (size: HostSize, name: string): void => {
  if (size.cores.has(name) || size.cores.size >= CPU_CORES_MAX) return
  size.cores.add(name)
  size.isUntold = true
}

const noteMemory = (size: HostSize, bytes: number): void => {
  if (!(bytes > size.memoryBytes)) return
  size.memoryBytes = bytes
  size.isUntold = true
}

const noteDisk = (size: HostSize, name: string, bytes: number): void => {
  if (!(bytes > (size.disks.get(name) ?? 0)) || size.disks.size >= DISKS_MAX) return
  size.disks.set(name, bytes)
  size.isUntold = true
}

/**
 * Adds what a write tells of the sizes of the hosts that are being measured. A series is read once: what is
 * installed does not change from one scrape to the next.
 *
 * @param now ms since the epoch
 */
export const measureHosts = (
  write: SeriesWrite,
  entries: Int32Array,
  owners: SeriesOwners,
  now: number,
): void => {
  const { sampleSeries, values } = write
  for (let sample = 0; sample < sampleSeries.length; sample++) {
    const series = sampleSeries[sample] as number
    const entry = entries[series] as number
    const role = owners.role(entry)
    const isCore = CORE_ROLES.has(role)
    if (!isCore && role !== HOST_ROLE.memoryTotal && role !== HOST_ROLE.filesystemSize) continue
    if (owners.isMeasured(entry)) continue
    const reference = owners.reference(entry)
    const value = values[sample] as number
    if (!reference || !(reference.measuredUntil > now) || Number.isNaN(value)) continue
    owners.measured(entry)
    const { size } = reference
    if (isCore) noteCore(size, firstLabel(write.labelsOf(series), CORE_LABELS))
    else if (role === HOST_ROLE.memoryTotal) noteMemory(size, value)
    else noteDisk(size, firstLabel(write.labelsOf(series), DISK_LABELS), value)
  }
}

const within = (value: number, min: number, max: number): number =>
  Number.isFinite(value) ? Math.min(max, Math.max(min, Math.round(value))) : min

/** The hosts behind references, each name once, as their VMs are to be made. */
export const hostsOf = (references: readonly Reference[]): ReportingHost[] => {
  const byName = Map.groupBy(references, ({ name }) => name)
  return [...byName].flatMap(([name, of]) => {
    if (!PRINTABLE.test(name)) return []
    const greatest = (sizeOf: (size: HostSize) => number) =>
      Math.max(...of.map(({ size }) => sizeOf(size)))
    const diskBytes = greatest(({ disks }) => [...disks.values()].reduce((a, b) => a + b, 0))
    return {
      name,
      cpuCores: within(
        greatest(({ cores }) => cores.size),
        1,
        CPU_CORES_MAX,
      ),
      memoryMb: within(greatest(({ memoryBytes }) => memoryBytes) / MIB, 1, SIZE_MAX),
      diskGb: within(diskBytes / GIB, 0, SIZE_MAX),
    }
  })
}
