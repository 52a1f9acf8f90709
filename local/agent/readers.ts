import { readFile, statfs } from 'node:fs/promises'
import os from 'node:os'
import {
  type CpuTicks,
  type Memory,
  parseCpuTicks,
  parseDiskOperations,
  parseMemory,
  parseNetworkBytes,
} from './proc.ts'
import type { Reading } from './sample.ts'

/** What the agent needs of the machine; tests pass captured texts instead. */
export interface Machine {
  /** A `/proc` file's text, or `null` where there is none. */
  procText(name: string): Promise<string | null>
  /** Blocks of the filesystem that holds `path`, or `null`. */
  filesystem(path: string): Promise<{ blocks: number; bfree: number; bavail: number } | null>
  osCpuTicks(): CpuTicks | null
  osMemory(): Memory | null
  nowMs(): number
  monotonicMs(): number
}

export const thisMachine: Machine = {
  procText: (name) => readFile(`/proc/${name}`, 'utf8').catch(() => null),
  filesystem: (path) => statfs(path).catch(() => null),
  osCpuTicks: () => {
    const cores = os.cpus()
    if (cores.length === 0) return null
    let busy = 0
    let total = 0
    for (const { times } of cores) {
      busy += times.user + times.nice + times.sys + times.irq
      total += times.user + times.nice + times.sys + times.irq + times.idle
    }
    return { busy, total }
  },
  osMemory: () => ({ totalBytes: os.totalmem(), availableBytes: os.freemem() }),
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
}

/**
 * Used share of a filesystem in percent, as `df` counts it: the blocks kept for root are neither
 * used nor free.
 */
export const usedPercent = (blocks: {
  blocks: number
  bfree: number
  bavail: number
}): number | null => {
  const used = blocks.blocks - blocks.bfree
  const usable = used + blocks.bavail
  return usable <= 0 ? null : (used / usable) * 100
}

/** Reads every counter at one moment. `diskPath` names the filesystem whose fill level is sent. */
export const readMachine = async (machine: Machine, diskPath: string): Promise<Reading> => {
  const [stat, meminfo, netDev, diskstats, filesystem] = await Promise.all([
    machine.procText('stat'),
    machine.procText('meminfo'),
    machine.procText('net/dev'),
    machine.procText('diskstats'),
    machine.filesystem(diskPath),
  ])
  return {
    timestampMs: machine.nowMs(),
    monotonicMs: machine.monotonicMs(),
    cpu: stat === null ? machine.osCpuTicks() : parseCpuTicks(stat),
    memory: meminfo === null ? machine.osMemory() : parseMemory(meminfo),
    diskUsedPercent: filesystem === null ? null : usedPercent(filesystem),
    network: netDev === null ? null : parseNetworkBytes(netDev),
    disk: diskstats === null ? null : parseDiskOperations(diskstats),
  }
}
