import type { SentSeries } from '../../test/support/remote-write.ts'

const METRICS = [
  ['node_cpu_seconds_total', ['cpu', 'mode']],
  ['node_network_receive_bytes_total', ['device']],
  ['node_filesystem_avail_bytes', ['device', 'fstype', 'mountpoint']],
  ['node_disk_read_time_seconds_total', ['device']],
  ['node_systemd_unit_state', ['name', 'state', 'type']],
] as const

const MODES = ['idle', 'iowait', 'irq', 'nice', 'softirq', 'steal', 'system', 'user']
const SERIES_PER_MACHINE = 500
const START_MS = 1_790_000_000_000

/**
 * Distinct series as node_exporter has them: about 9 labels and 270 bytes each, one sample each; metrics in
 * turn, as a scrape gives them, machine after machine. Every sample has the timestamp of its scrape.
 */
export const nodeExporterSeries = (n: number): SentSeries[] =>
  Array.from({ length: n }, (_, i) => {
    const machine = Math.floor(i / SERIES_PER_MACHINE)
    const ofMachine = i % SERIES_PER_MACHINE
    const [metric, own] = METRICS[Math.floor(i / 40) % METRICS.length] ?? METRICS[0]
    const values: Record<string, string> = {
      cpu: String(ofMachine >> 3),
      mode: MODES[i % 8] ?? 'idle',
      device: `/dev/mapper/volumes-data${ofMachine}`,
      fstype: 'ext4',
      mountpoint: `/var/lib/containers/storage/volume-${ofMachine}`,
      name: `container-${(ofMachine * 7919) % 9973}.service`,
      state: ['active', 'failed', 'inactive'][i % 3] ?? 'active',
      type: 'simple',
    }
    const labels = {
      __name__: metric,
      cluster: 'production-eu-central-1',
      environment: 'production',
      instance: `node-${String(machine).padStart(4, '0')}.example.internal:9100`,
      job: 'integrations/node_exporter',
      ...Object.fromEntries(own.map((name) => [name, values[name] ?? ''])),
      prometheus: 'monitoring/k8s-prometheus',
      replica: 'prometheus-k8s-0',
    }
    const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))
    return {
      labels: sorted,
      samples: [{ value: i * 1234.5678 + 1 / (i + 1), timestamp: START_MS + machine * 317 }],
    }
  })
