import { describe, expect, it } from 'vitest'
import { HOST_ROLE, hostRoleOf } from '../../../src/fleet/ingest/host-roles.ts'
import type { Label } from '../../../src/fleet/series/labels.ts'

/** `name{label="value",…}` as an exposition writes it. */
const roleOf = (series: string): string | undefined => {
  const [, name = '', list = ''] = /^([^{]+)(?:\{(.*)\})?$/.exec(series) ?? []
  const labels = [...list.matchAll(/([^=,]+)="([^"]*)"/g)].map(
    ([, key = '', value = '']): Label => [key, value],
  )
  const role = hostRoleOf([['instance', 'web-1:9100'], ['__name__', name], ...labels])
  return Object.entries(HOST_ROLE).find(([, number]) => number === role)?.[0]
}

describe('the role of a series', () => {
  it.each([
    ['node_cpu_seconds_total{cpu="0",mode="idle"}', 'cpuIdleSeconds'],
    ['node_cpu_seconds_total{cpu="0",mode="iowait"}', 'cpuIdleSeconds'],
    ['node_cpu_seconds_total{cpu="0",mode="softirq"}', 'cpuBusySeconds'],
    ['node_cpu_seconds_total{cpu="0",mode="steal"}', 'cpuBusySeconds'],
    ['node_cpu_guest_seconds_total{cpu="0",mode="user"}', 'none'],
    ['node_memory_MemTotal_bytes', 'memoryTotal'],
    ['node_memory_MemAvailable_bytes', 'memoryAvailable'],
    ['node_memory_Cached_bytes', 'memoryReclaimable'],
    ['node_memory_SwapCached_bytes', 'none'],
    [
      'node_filesystem_size_bytes{device="/dev/sda1",fstype="ext4",mountpoint="/"}',
      'filesystemSize',
    ],
    [
      'node_filesystem_avail_bytes{device="/dev/nvme0n1p1",fstype="xfs",mountpoint="/data"}',
      'filesystemAvailable',
    ],
    ['node_filesystem_size_bytes{device="tmpfs",fstype="tmpfs",mountpoint="/run"}', 'none'],
    [
      'node_filesystem_size_bytes{device="/dev/sda1",fstype="ext4",mountpoint="/var/lib/docker/x"}',
      'none',
    ],
    [
      'node_filesystem_size_bytes{device="/dev/loop1",fstype="squashfs",mountpoint="/snap/core/1"}',
      'none',
    ],
    ['node_filesystem_size_bytes{device="nas:/x",fstype="nfs4",mountpoint="/mnt/nas"}', 'none'],
    ['node_network_receive_bytes_total{device="eth0"}', 'networkIn'],
    ['node_network_transmit_bytes_total{device="enp3s0"}', 'networkOut'],
    ['node_network_receive_bytes_total{device="lo"}', 'none'],
    ['node_network_receive_bytes_total{device="docker0"}', 'none'],
    ['node_network_receive_bytes_total{device="veth1a2b3c"}', 'none'],
    ['node_network_receive_bytes_total{device="eth0.100"}', 'none'],
    ['node_network_receive_bytes_total{device="bond0"}', 'none'],
    ['node_network_receive_packets_total{device="eth0"}', 'none'],
    ['node_disk_reads_completed_total{device="sda"}', 'diskReads'],
    ['node_disk_writes_completed_total{device="nvme0n1"}', 'diskWrites'],
    ['node_disk_reads_completed_total{device="sda1"}', 'none'],
    ['node_disk_reads_completed_total{device="nvme0n1p1"}', 'none'],
    ['node_disk_reads_completed_total{device="dm-0"}', 'none'],
  ])('of node_exporter %s is %s', (series, role) => {
    expect(roleOf(series)).toBe(role)
  })

  it.each([
    ['system.cpu.time{cpu="cpu0",state="idle"}', 'cpuIdleSeconds'],
    ['system.cpu.time{cpu.mode="iowait"}', 'cpuIdleSeconds'],
    ['system_cpu_time_seconds_total{cpu="cpu0",state="wait"}', 'cpuIdleSeconds'],
    ['system_cpu_time_seconds_total{cpu="cpu0",state="user"}', 'cpuBusySeconds'],
    // Delta sums keep the unit and have no _total: their values are no counter.
    ['system_cpu_time_seconds{cpu="cpu0",state="user"}', 'none'],
    ['system_cpu_utilization_ratio{cpu="cpu0",state="idle"}', 'cpuIdleRatio'],
    ['system.cpu.utilization{cpu_mode="user"}', 'cpuBusyRatio'],
    ['system_memory_usage_bytes{state="used"}', 'memoryUsed'],
    ['system_memory_usage_bytes{state="cached"}', 'memoryUnused'],
    ['system_memory_usage_bytes{state="slab_reclaimable"}', 'none'],
    ['system.memory.usage{system.memory.state="buffers"}', 'memoryUnused'],
    ['system_memory_utilization_ratio{state="used"}', 'memoryRatio'],
    ['system_memory_utilization_ratio{state="free"}', 'none'],
    [
      'system_filesystem_usage_bytes{device="/dev/sda1",mode="rw",mountpoint="/",state="used",type="ext4"}',
      'filesystemUsed',
    ],
    ['system_filesystem_usage_bytes{mountpoint="/",state="reserved",type="ext4"}', 'none'],
    [
      'system_filesystem_usage_bytes{mountpoint="/",state="free",type="ext4"}',
      'filesystemAvailable',
    ],
    ['system_filesystem_usage_bytes{mountpoint="/dev/shm",state="used",type="tmpfs"}', 'none'],
    ['system_filesystem_utilization_ratio{mountpoint="/",type="ext4"}', 'filesystemRatio'],
    ['system_network_io_bytes_total{device="eth0",direction="receive"}', 'networkIn'],
    [
      'system.network.io{network.interface.name="eth0",network.io.direction="transmit"}',
      'networkOut',
    ],
    ['system_network_io_bytes_total{device="lo",direction="receive"}', 'none'],
    ['system_network_io_bytes_total{device="eth0"}', 'none'],
    ['system_disk_operations_total{device="sda",direction="read"}', 'diskReads'],
    ['system.disk.operations{system.device="vda",disk.io.direction="write"}', 'diskWrites'],
    ['system_disk_operations_total{device="sda1",direction="read"}', 'none'],
  ])('of OpenTelemetry %s is %s', (series, role) => {
    expect(roleOf(series)).toBe(role)
  })

  it.each([
    ['cpu_usage_idle{cpu="cpu-total",host="web-1"}', 'cpuIdlePercent'],
    ['cpu_usage_iowait{cpu="cpu-total",host="web-1"}', 'cpuWaitPercent'],
    ['cpu_usage_idle{cpu="cpu0",host="web-1"}', 'none'],
    ['mem_total{host="web-1"}', 'memoryTotal'],
    ['mem_available{host="web-1"}', 'memoryAvailable'],
    ['mem_used_percent{host="web-1"}', 'memoryPercent'],
    ['disk_used{device="sda1",fstype="ext4",path="/"}', 'filesystemUsed'],
    ['disk_free{device="sda1",fstype="ext4",path="/"}', 'filesystemAvailable'],
    ['disk_used_percent{device="sda1",fstype="ext4",path="/"}', 'filesystemPercent'],
    ['disk_used_percent{device="tmpfs",fstype="tmpfs",path="/tmp"}', 'none'],
    ['net_bytes_recv{interface="eth0"}', 'networkIn'],
    ['net_bytes_sent{interface="eth0"}', 'networkOut'],
    ['net_bytes_recv{interface="all"}', 'none'],
    ['diskio_reads{name="vda"}', 'diskReads'],
    ['diskio_writes{name="vda"}', 'diskWrites'],
    ['diskio_reads{name="vda1"}', 'none'],
  ])('of Telegraf %s is %s', (series, role) => {
    expect(roleOf(series)).toBe(role)
  })

  it('of our own metrics follows the order of the columns', () => {
    expect(hostRoleOf([['__name__', 'vm_cpu_usage']])).toBe(HOST_ROLE.own)
    expect(hostRoleOf([['__name__', 'vm_iops_write']])).toBe(HOST_ROLE.own + 6)
    expect(hostRoleOf([['__name__', 'vm_network_in_bytes']])).toBe(HOST_ROLE.own + 3)
  })

  it.each(['up', 'http_requests_total', 'constructor', '__proto__', ''])(
    'of %s is none',
    (name) => {
      expect(hostRoleOf([['__name__', name]])).toBe(HOST_ROLE.none)
    },
  )

  it('does not take a state from the prototype of an object', () => {
    expect(roleOf('system_memory_usage_bytes{state="constructor"}')).toBe('none')
  })
})
