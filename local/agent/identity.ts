import { statfs } from 'node:fs/promises'
import os from 'node:os'

/** What the agent registers about the machine it runs on. */
export interface MachineIdentity {
  name: string
  cpu_cores: number
  memory_mb: number
  disk_gb: number
  region: string
  instance_type: string
}

export const MEBIBYTE = 1024 * 1024
export const GIGABYTE = 1e9

/** This machine, as its operating system describes it. `name` and `region` may be given. */
export const identityOfThisMachine = async (options: {
  name?: string | undefined
  region?: string | undefined
  diskPath: string
}): Promise<MachineIdentity> => {
  const filesystem = await statfs(options.diskPath).catch(() => null)
  const diskBytes = filesystem === null ? 0 : filesystem.blocks * filesystem.bsize
  return {
    name: options.name ?? os.hostname(),
    cpu_cores: Math.max(1, os.cpus().length),
    memory_mb: Math.max(1, Math.round(os.totalmem() / MEBIBYTE)),
    disk_gb: Math.max(1, Math.round(diskBytes / GIGABYTE)),
    region: options.region ?? 'local',
    instance_type: `${os.platform()}-${os.arch()}`,
  }
}
