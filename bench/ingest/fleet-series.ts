/** Series as node_exporter has them behind a Prometheus server, so that lengths and repetition are those of real requests. */

interface Family {
  readonly name: string
  /** Label sets beside name, instance and job. */
  readonly variants: readonly Readonly<Record<string, string>>[]
  readonly kind: 'counter' | 'gauge'
}

const each = (name: string, values: readonly string[]) => values.map((value) => ({ [name]: value }))
const MODES = ['idle', 'iowait', 'irq', 'nice', 'softirq', 'steal', 'system', 'user']
const CPUS = ['0', '1', '2', '3']
const DEVICES = ['eth0', 'eth1', 'lo']
const DISKS = ['nvme0n1', 'nvme1n1']
const MOUNTS = [
  { device: '/dev/nvme0n1p1', fstype: 'ext4', mountpoint: '/' },
  { device: '/dev/nvme1n1p1', fstype: 'xfs', mountpoint: '/var/lib/data' },
]
const MEMORY = ['MemTotal', 'MemAvailable', 'MemFree', 'Buffers', 'Cached', 'SwapFree', 'Dirty']

const FAMILIES: readonly Family[] = [
  {
    name: 'node_cpu_seconds_total',
    variants: CPUS.flatMap((cpu) => MODES.map((mode) => ({ cpu, mode }))),
    kind: 'counter',
  },
  ...MEMORY.map(
    (field): Family => ({ name: `node_memory_${field}_bytes`, variants: [{}], kind: 'gauge' }),
  ),
  ...['receive_bytes', 'transmit_bytes', 'receive_packets', 'transmit_packets', 'receive_drop'].map(
    (field): Family => ({
      name: `node_network_${field}_total`,
      variants: each('device', DEVICES),
      kind: 'counter',
    }),
  ),
  ...['reads_completed', 'writes_completed', 'read_bytes', 'written_bytes', 'io_time_seconds'].map(
    (field): Family => ({
      name: `node_disk_${field}_total`,
      variants: each('device', DISKS),
      kind: 'counter',
    }),
  ),
  ...['size_bytes', 'avail_bytes', 'free_bytes', 'files', 'files_free'].map(
    (field): Family => ({ name: `node_filesystem_${field}`, variants: MOUNTS, kind: 'gauge' }),
  ),
  ...['load1', 'load5', 'load15', 'procs_running', 'time_seconds', 'entropy_available_bits'].map(
    (field): Family => ({ name: `node_${field}`, variants: [{}], kind: 'gauge' }),
  ),
  ...['intr', 'context_switches', 'forks', 'vmstat_pgfault', 'vmstat_pgpgin', 'vmstat_pgpgout'].map(
    (field): Family => ({ name: `node_${field}_total`, variants: [{}], kind: 'counter' }),
  ),
  {
    name: 'node_scrape_collector_duration_seconds',
    variants: each('collector', [
      'cpu',
      'diskstats',
      'filesystem',
      'loadavg',
      'meminfo',
      'netdev',
      'stat',
      'time',
      'vmstat',
      'netstat',
      'uname',
      'xfs',
      'pressure',
      'sockstat',
    ]),
    kind: 'gauge',
  },
]

export interface BenchSeries {
  readonly labels: readonly (readonly [name: string, value: string])[]
  readonly kind: 'counter' | 'gauge'
}

/** Series of one host: 100 of them. */
export const HOST_SERIES = FAMILIES.reduce((sum, { variants }) => sum + variants.length, 0)

/** `hosts × HOST_SERIES` series, labels sorted by name. */
export const seriesOf = (hosts: number): BenchSeries[] =>
  Array.from({ length: hosts }, (_, host) =>
    FAMILIES.flatMap(({ name, variants, kind }) =>
      variants.map((variant) => ({
        kind,
        labels: Object.entries({
          __name__: name,
          cluster: 'production',
          datacenter: 'eu-north-1',
          instance: `host-${String(host).padStart(4, '0')}.example:9100`,
          job: 'node',
          ...variant,
        }).sort(([left], [right]) => (left < right ? -1 : 1)),
      })),
    ),
  ).flat()

/** A generator with a seed (mulberry32), so that every run sends the same bytes. */
export const random = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
}
