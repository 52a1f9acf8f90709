/**
 * Parsers of the Linux `/proc` texts the agent reads. Pure: text in, numbers out; `null` where the
 * text does not hold what is asked for, never a made-up number.
 *
 * Source: proc_stat(5), proc_meminfo(5), proc_diskstats(5) of the Linux manual pages.
 */

/** Processor time since boot, in clock ticks over all cores. */
export interface CpuTicks {
  busy: number
  total: number
}

/** Memory in bytes; `available` is what can be had without swapping. */
export interface Memory {
  totalBytes: number
  availableBytes: number
}

/** Bytes over all counted interfaces since boot. */
export interface NetworkBytes {
  inBytes: number
  outBytes: number
}

/** Completed operations over all whole disks since boot. */
export interface DiskOperations {
  reads: number
  writes: number
}

/**
 * The `cpu` line: user nice system idle iowait irq softirq steal. The guest columns that follow are
 * already part of user and nice, so they are left out. Waiting for I/O counts as idle.
 */
export const parseCpuTicks = (stat: string): CpuTicks | null => {
  const line = /^cpu\s+(.+)$/m.exec(stat)?.[1]
  if (line === undefined) return null
  const ticks = line.trim().split(/\s+/).slice(0, 8).map(Number)
  if (ticks.length < 4 || !ticks.every(Number.isFinite)) return null
  const total = ticks.reduce((sum, value) => sum + value, 0)
  const idle = (ticks[3] ?? 0) + (ticks[4] ?? 0)
  return { busy: total - idle, total }
}

export const parseMemory = (meminfo: string): Memory | null => {
  const kibibytes = (field: string): number | null => {
    const found = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(meminfo)?.[1]
    return found === undefined ? null : Number(found)
  }
  const total = kibibytes('MemTotal')
  const available = kibibytes('MemAvailable')
  if (total === null || available === null || total <= 0) return null
  return { totalBytes: total * 1024, availableBytes: available * 1024 }
}

/**
 * Loopback never leaves the machine, and the bridges and pairs of containers repeat traffic that a
 * real interface also counts.
 */
const UNCOUNTED_INTERFACE =
  /^(lo\d*|veth.*|docker\d+|br-.*|virbr.*|cni\d+|flannel.*|cali.*|ifb\d+)$/

export const parseNetworkBytes = (netDev: string): NetworkBytes | null => {
  let inBytes = 0
  let outBytes = 0
  let counted = 0
  for (const line of netDev.split('\n')) {
    const match = /^\s*([^\s:]+):\s*(.+)$/.exec(line)
    const name = match?.[1]
    const columns = match?.[2]?.trim().split(/\s+/).map(Number)
    if (name === undefined || columns === undefined || UNCOUNTED_INTERFACE.test(name)) continue
    const [received, transmitted] = [columns[0], columns[8]]
    if (!Number.isFinite(received) || !Number.isFinite(transmitted)) continue
    inBytes += received ?? 0
    outBytes += transmitted ?? 0
    counted++
  }
  return counted === 0 ? null : { inBytes, outBytes }
}

/**
 * Whole devices only: partitions repeat their disk's operations, and so do device-mapper and RAID
 * devices, which stand on disks; loop, RAM and compressed-RAM devices are no disks.
 */
const WHOLE_DISK = /^(sd[a-z]+|vd[a-z]+|xvd[a-z]+|hd[a-z]+|nvme\d+n\d+|mmcblk\d+|dasd[a-z]+)$/

export const parseDiskOperations = (diskstats: string): DiskOperations | null => {
  let reads = 0
  let writes = 0
  let counted = 0
  for (const line of diskstats.split('\n')) {
    const columns = line.trim().split(/\s+/)
    if (!WHOLE_DISK.test(columns[2] ?? '')) continue
    const [readsCompleted, writesCompleted] = [Number(columns[3]), Number(columns[7])]
    if (!Number.isFinite(readsCompleted) || !Number.isFinite(writesCompleted)) continue
    reads += readsCompleted
    writes += writesCompleted
    counted++
  }
  return counted === 0 ? null : { reads, writes }
}
