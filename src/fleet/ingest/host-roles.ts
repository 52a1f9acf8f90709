import { type Label, METRIC_NAME } from '../series/labels.ts'
import { METRICS } from '../types.ts'

/**
 * What a well-known series says about its host: the quantity of `HostAccumulator` that it adds to.
 * Numbers are stored (a series keeps its role), so they never change; new ones come behind.
 */
export const HOST_ROLE = {
  none: 0,
  cpuIdleSeconds: 1,
  cpuBusySeconds: 2,
  cpuIdleRatio: 3,
  cpuBusyRatio: 4,
  cpuIdlePercent: 5,
  cpuWaitPercent: 6,
  memoryTotal: 7,
  memoryAvailable: 8,
  /** Free, buffers and page cache: what kernels before 3.14 tell in place of `available`. */
  memoryReclaimable: 9,
  memoryUsed: 10,
  memoryUnused: 11,
  memoryPercent: 12,
  memoryRatio: 13,
  filesystemSize: 14,
  filesystemFree: 15,
  filesystemAvailable: 16,
  filesystemUsed: 17,
  filesystemPercent: 18,
  filesystemRatio: 19,
  networkIn: 20,
  networkOut: 21,
  diskReads: 22,
  diskWrites: 23,
  /** `vm_cpu_usage` and the six behind it, in the order of METRICS. */
  own: 24,
} as const

export const HOST_ROLES = HOST_ROLE.own + METRICS.length

type LabelOf = (...names: string[]) => string
type Rule = (label: LabelOf) => number

const VIRTUAL_FILESYSTEM =
  /^(tmpfs|devtmpfs|ramfs|rootfs|overlay|overlayfs|aufs|squashfs|erofs|iso9660|udf|proc|procfs|sysfs|cgroup2?|cgroupfs|autofs|mqueue|hugetlbfs|debugfs|tracefs|configfs|securityfs|pstore|bpf|binfmt_misc|fusectl|devpts|devfs|nsfs|rpc_pipefs|selinuxfs|efivarfs|nullfs|fdescfs|fuse\.(lxcfs|gvfsd-fuse|portal|snapfuse))$/
/** A share belongs to another machine. */
const NETWORK_FILESYSTEM =
  /^(nfs4?|cifs|smb3?|smbfs|9p|virtiofs|ceph|glusterfs|lustre|fuse\.(sshfs|glusterfs|s3fs|rclone|ceph.*))$/
const VIRTUAL_MOUNT =
  /^\/(dev|proc|run|sys)($|\/)|^\/var\/lib\/(docker|containers|containerd|kubelet)\/|^\/(var\/lib\/snapd\/)?snap($|\/)/

/**
 * Loopback never leaves the machine. Bridges, pairs, tunnels, VLANs and bonds repeat traffic that a real
 * interface also counts; Telegraf's `all` is no interface.
 */
const UNCOUNTED_INTERFACE =
  /^(lo\d*|all|veth.*|docker.*|br\d+|br-.*|virbr.*|vnet\d+|cni.*|flannel.*|cali.*|cilium.*|lxc.*|lxdbr.*|kube-.*|nodelocaldns|tunl\d*|tun\d*|tap.*|wg\d*|gre.*|sit\d*|ip6tnl\d*|vxlan.*|geneve.*|dummy.*|ifb\d*|bond.*|team\d*|ovs-.*|[a-z]+[a-z0-9]*\.\d+)$/
/** Partitions repeat their disk's operations, as device-mapper and RAID devices do; the rest is no disk. */
const UNCOUNTED_DISK =
  /^(loop\d+|z?ram\d+|fd\d+|sr\d+|dm-\d+|md\d+|nbd\d+|(sd|hd|vd|xvd|dasd)[a-z]+\d+|nvme\d+n\d+p\d+|mmcblk\d+(p|boot)\d+)$/

const onFilesystem =
  (role: number): Rule =>
  (label) => {
    const type = label('fstype', 'type', 'system_filesystem_type')
    const mount = label('mountpoint', 'path', 'system_filesystem_mountpoint')
    return VIRTUAL_FILESYSTEM.test(type) ||
      NETWORK_FILESYSTEM.test(type) ||
      VIRTUAL_MOUNT.test(mount)
      ? HOST_ROLE.none
      : role
  }

const onInterface =
  (role: number): Rule =>
  (label) => {
    const name = label('device', 'interface', 'network_interface_name')
    return name === '' || UNCOUNTED_INTERFACE.test(name) ? HOST_ROLE.none : role
  }

const onDisk =
  (role: number): Rule =>
  (label) => {
    const name = label('device', 'name', 'system_device')
    return name === '' || UNCOUNTED_DISK.test(name) ? HOST_ROLE.none : role
  }

/** The rule of a label's value; `else` of any other value that is there. */
const byState =
  (names: readonly string[], rules: Readonly<Record<string, number | Rule>>): Rule =>
  (label) => {
    const state = label(...names)
    if (state === '') return HOST_ROLE.none
    const rule = (Object.hasOwn(rules, state) ? rules[state] : rules.else) ?? HOST_ROLE.none
    return typeof rule === 'number' ? rule : rule(label)
  }

/** Waiting for I/O counts as idle: the processor could have run something else (proc_stat(5)). */
const cpuStates = (names: readonly string[], idle: number, busy: number): Rule =>
  byState(names, { idle, iowait: idle, wait: idle, else: busy })

const wholeMachine =
  (role: number): Rule =>
  (label) =>
    label('cpu') === 'cpu-total' ? role : HOST_ROLE.none

const always =
  (role: number): Rule =>
  () =>
    role

const CPU_STATE = ['state', 'cpu_mode', 'system_cpu_state'] as const
const MEMORY_STATE = ['state', 'system_memory_state'] as const
const FILESYSTEM_STATE = ['state', 'system_filesystem_state'] as const
const DIRECTION = ['direction', 'network_io_direction', 'disk_io_direction'] as const

const nodeExporter: Record<string, Rule> = {
  node_cpu_seconds_total: cpuStates(['mode'], HOST_ROLE.cpuIdleSeconds, HOST_ROLE.cpuBusySeconds),
  node_memory_MemTotal_bytes: always(HOST_ROLE.memoryTotal),
  node_memory_MemAvailable_bytes: always(HOST_ROLE.memoryAvailable),
  node_memory_MemFree_bytes: always(HOST_ROLE.memoryReclaimable),
  node_memory_Buffers_bytes: always(HOST_ROLE.memoryReclaimable),
  node_memory_Cached_bytes: always(HOST_ROLE.memoryReclaimable),
  node_filesystem_size_bytes: onFilesystem(HOST_ROLE.filesystemSize),
  node_filesystem_free_bytes: onFilesystem(HOST_ROLE.filesystemFree),
  node_filesystem_avail_bytes: onFilesystem(HOST_ROLE.filesystemAvailable),
  node_network_receive_bytes_total: onInterface(HOST_ROLE.networkIn),
  node_network_transmit_bytes_total: onInterface(HOST_ROLE.networkOut),
  node_disk_reads_completed_total: onDisk(HOST_ROLE.diskReads),
  node_disk_writes_completed_total: onDisk(HOST_ROLE.diskWrites),
}

const networkIo = byState(DIRECTION, {
  receive: onInterface(HOST_ROLE.networkIn),
  transmit: onInterface(HOST_ROLE.networkOut),
})
const diskOperations = byState(DIRECTION, {
  read: onDisk(HOST_ROLE.diskReads),
  write: onDisk(HOST_ROLE.diskWrites),
})
const cpuTime = cpuStates(CPU_STATE, HOST_ROLE.cpuIdleSeconds, HOST_ROLE.cpuBusySeconds)
const cpuUtilization = cpuStates(CPU_STATE, HOST_ROLE.cpuIdleRatio, HOST_ROLE.cpuBusyRatio)
// Slabs are already part of `used` and `cached`.
const memoryUsage = byState(MEMORY_STATE, {
  used: HOST_ROLE.memoryUsed,
  free: HOST_ROLE.memoryUnused,
  buffered: HOST_ROLE.memoryUnused,
  buffers: HOST_ROLE.memoryUnused,
  cached: HOST_ROLE.memoryUnused,
  inactive: HOST_ROLE.memoryUnused,
})
const memoryUtilization = byState(MEMORY_STATE, { used: HOST_ROLE.memoryRatio })
const filesystemUsage = byState(FILESYSTEM_STATE, {
  used: onFilesystem(HOST_ROLE.filesystemUsed),
  free: onFilesystem(HOST_ROLE.filesystemAvailable),
})
// One series a mount, or with newer conventions one a state.
const filesystemUtilization: Rule = (label) => {
  const state = label(...FILESYSTEM_STATE)
  return state === '' || state === 'used'
    ? onFilesystem(HOST_ROLE.filesystemRatio)(label)
    : HOST_ROLE.none
}

/** OpenTelemetry's names with `_` for `.`: untranslated, and as the Prometheus translation makes them. */
const openTelemetry: Record<string, Rule> = {
  system_cpu_time: cpuTime,
  system_cpu_time_seconds_total: cpuTime,
  system_cpu_utilization: cpuUtilization,
  system_cpu_utilization_ratio: cpuUtilization,
  system_memory_usage: memoryUsage,
  system_memory_usage_bytes: memoryUsage,
  system_memory_utilization: memoryUtilization,
  system_memory_utilization_ratio: memoryUtilization,
  system_filesystem_usage: filesystemUsage,
  system_filesystem_usage_bytes: filesystemUsage,
  system_filesystem_utilization: filesystemUtilization,
  system_filesystem_utilization_ratio: filesystemUtilization,
  system_network_io: networkIo,
  system_network_io_bytes_total: networkIo,
  system_disk_operations: diskOperations,
  system_disk_operations_total: diskOperations,
}

const telegraf: Record<string, Rule> = {
  cpu_usage_idle: wholeMachine(HOST_ROLE.cpuIdlePercent),
  cpu_usage_iowait: wholeMachine(HOST_ROLE.cpuWaitPercent),
  mem_total: always(HOST_ROLE.memoryTotal),
  mem_available: always(HOST_ROLE.memoryAvailable),
  mem_used_percent: always(HOST_ROLE.memoryPercent),
  disk_used: onFilesystem(HOST_ROLE.filesystemUsed),
  disk_free: onFilesystem(HOST_ROLE.filesystemAvailable),
  disk_used_percent: onFilesystem(HOST_ROLE.filesystemPercent),
  net_bytes_recv: onInterface(HOST_ROLE.networkIn),
  net_bytes_sent: onInterface(HOST_ROLE.networkOut),
  diskio_reads: onDisk(HOST_ROLE.diskReads),
  diskio_writes: onDisk(HOST_ROLE.diskWrites),
}

const rules = new Map<string, Rule>([
  ...Object.entries(nodeExporter),
  ...Object.entries(openTelemetry),
  ...Object.entries(telegraf),
  ...METRICS.map((metric, i) => [`vm_${metric}`, always(HOST_ROLE.own + i)] as const),
])

const underscored = (name: string): string =>
  name.includes('.') ? name.replaceAll('.', '_') : name

/**
 * The role of a series, from its metric name and labels: node_exporter, OpenTelemetry host metrics
 * (translated to Prometheus' names or not), Telegraf and our own. Filesystems in memory, of containers
 * and of other machines, interfaces and disks that repeat others, and every other series have none.
 */
export const hostRoleOf = (labels: readonly Label[]): number => {
  const valueAt = (wanted: string): string =>
    labels.find(([name]) => name === wanted || underscored(name) === wanted)?.[1] ?? ''
  const rule = rules.get(underscored(valueAt(METRIC_NAME)))
  if (!rule) return HOST_ROLE.none
  return rule((...names) => {
    for (const name of names) {
      const value = valueAt(name)
      if (value !== '') return value
    }
    return ''
  })
}
