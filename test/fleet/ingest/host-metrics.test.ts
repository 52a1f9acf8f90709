import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  HostAccumulator,
  type HostSample,
  LAST_SCRAPE_MS,
  PENDING_MOMENTS_MAX,
  SETTLE_MS,
} from '../../../src/fleet/ingest/host-metrics.ts'
import { HOST_ROLE, HOST_ROLES, hostRoleOf } from '../../../src/fleet/ingest/host-roles.ts'
import type { Label } from '../../../src/fleet/series/labels.ts'
import { METRICS } from '../../../src/fleet/types.ts'

const T0 = 1_772_366_400_000

interface Sample {
  readonly name: string
  readonly labels?: Readonly<Record<string, string>>
  readonly at: number
  readonly value: number
}

/** Feeds samples as a shard does: it knows each series' sample before. */
class Host {
  readonly accumulator: HostAccumulator
  readonly #before = new Map<string, readonly [number, number]>()

  constructor(accumulator = new HostAccumulator()) {
    this.accumulator = accumulator
  }

  add({ name, labels = {}, at, value }: Sample, arrivedAt?: number): boolean {
    const list: Label[] = [['__name__', name], ...Object.entries(labels)]
    const key = JSON.stringify(list)
    const [previousAt, previous] = this.#before.get(key) ?? [Number.NaN, Number.NaN]
    this.#before.set(key, [at, value])
    return this.accumulator.add(hostRoleOf(list), at, value, previousAt, previous, arrivedAt)
  }

  finishAll(): HostSample[] {
    return this.accumulator.finish(T0 + 1e9)
  }
}

const cpu = (mode: string, at: number, value: number, core = '0'): Sample => ({
  name: 'node_cpu_seconds_total',
  labels: { cpu: core, mode },
  at,
  value,
})

const received = (device: string, at: number, value: number): Sample => ({
  name: 'node_network_receive_bytes_total',
  labels: { device },
  at,
  value,
})

const gauge = (name: string, value: number, labels = {}, at = T0): Sample => ({
  name,
  labels,
  at,
  value,
})

const rowsOf = (samples: readonly Sample[]) => {
  const host = new Host()
  for (const sample of samples) host.add(sample)
  return host.finishAll().map(({ timestamp, values }) => [
    timestamp,
    Object.fromEntries(
      METRICS.flatMap((metric, i) => {
        const value = values[i] ?? Number.NaN
        return Number.isNaN(value) ? [] : [[metric, value]]
      }),
    ),
  ])
}

describe('host metrics', () => {
  it('counts waiting for I/O as idle, over all processors', () => {
    const scrape = (at: number, scale: number) => [
      cpu('idle', at, 700 * scale),
      cpu('iowait', at, 100 * scale),
      cpu('user', at, 150 * scale),
      cpu('system', at, 50 * scale),
      cpu('idle', at, 1_000 * scale, '1'),
      cpu('user', at, 0, '1'),
    ]
    expect(rowsOf([...scrape(T0, 1), ...scrape(T0 + 15_000, 2)])).toEqual([
      [T0 + 15_000, { cpu_usage: 10 }],
    ])
  })

  it('takes memory from available, and without it from free, buffers and cache', () => {
    const total = gauge('node_memory_MemTotal_bytes', 16e9)
    const old = [
      gauge('node_memory_MemFree_bytes', 1e9),
      gauge('node_memory_Buffers_bytes', 1e9),
      gauge('node_memory_Cached_bytes', 2e9),
    ]
    expect(rowsOf([total, ...old])).toEqual([[T0, { memory_usage: 75 }]])
    const available = gauge('node_memory_MemAvailable_bytes', 8e9)
    expect(rowsOf([total, available, ...old])).toEqual([[T0, { memory_usage: 50 }]])
    expect(rowsOf([total])).toEqual([])
  })

  it('takes the share of all real filesystems as df does, and leaves virtual ones out', () => {
    const mount = (name: string, value: number, mountpoint: string, fstype = 'ext4') =>
      gauge(name, value, { mountpoint, fstype, device: 'x' })
    const samples = [
      mount('node_filesystem_size_bytes', 100e9, '/'),
      mount('node_filesystem_free_bytes', 50e9, '/'),
      mount('node_filesystem_avail_bytes', 45e9, '/'),
      mount('node_filesystem_size_bytes', 900e9, '/data', 'xfs'),
      mount('node_filesystem_free_bytes', 200e9, '/data', 'xfs'),
      mount('node_filesystem_avail_bytes', 200e9, '/data', 'xfs'),
      mount('node_filesystem_size_bytes', 8e9, '/run', 'tmpfs'),
      mount('node_filesystem_avail_bytes', 8e9, '/run', 'tmpfs'),
    ]
    expect(rowsOf(samples)).toEqual([[T0, { disk_usage: (100 * 750) / 995 }]])
    const withoutFree = samples.filter(({ name }) => name !== 'node_filesystem_free_bytes')
    expect(rowsOf(withoutFree)).toEqual([[T0, { disk_usage: (100 * 755) / 1_000 }]])
  })

  it('adds up two network cards and two disks, and leaves lo, docker and partitions out', () => {
    const scrape = (at: number, n: number) => [
      received('eth0', at, 1_000 * n),
      received('eth1', at, 500 * n),
      received('lo', at, 99_999 * n),
      received('docker0', at, 99_999 * n),
      gauge('node_disk_reads_completed_total', 30 * n, { device: 'sda' }, at),
      gauge('node_disk_reads_completed_total', 60 * n, { device: 'sdb' }, at),
      gauge('node_disk_reads_completed_total', 60 * n, { device: 'sdb1' }, at),
      gauge('node_disk_writes_completed_total', 0, { device: 'sda' }, at),
    ]
    expect(rowsOf([...scrape(T0, 1), ...scrape(T0 + 10_000, 2)])).toEqual([
      [T0 + 10_000, { network_in_bytes: 150, iops_read: 9, iops_write: 0 }],
    ])
  })

  it('reads a counter that fell as one that restarted', () => {
    const samples = [
      received('eth0', T0, 1e6),
      received('eth0', T0 + 10_000, 2_000),
      received('eth0', T0 + 20_000, 5_000),
    ]
    expect(rowsOf(samples)).toEqual([
      [T0 + 10_000, { network_in_bytes: 200 }],
      [T0 + 20_000, { network_in_bytes: 300 }],
    ])
  })

  it('does not take a step back of the idle time for a restart', () => {
    const samples = [
      cpu('iowait', T0, 5_000.02),
      cpu('idle', T0, 9_000),
      cpu('user', T0, 100),
      cpu('iowait', T0 + 10_000, 5_000.01),
      cpu('idle', T0 + 10_000, 9_005),
      cpu('user', T0 + 10_000, 105),
    ]
    expect(rowsOf(samples)).toEqual([[T0 + 10_000, { cpu_usage: 50 }]])
  })

  it('ignores NaN, infinities, negative counters and samples that come before the last one', () => {
    const samples = [
      gauge('node_memory_MemTotal_bytes', Number.NaN),
      gauge('node_memory_MemAvailable_bytes', Number.POSITIVE_INFINITY),
      received('eth0', T0, -5),
      received('eth1', T0 + 10_000, 100),
      received('eth1', T0, 50),
    ]
    expect(rowsOf(samples)).toEqual([])
  })

  it('puts the parts of an OpenTelemetry collection together that were read a moment apart', () => {
    const otel = (name: string, labels: Record<string, string>, value: number, at: number) =>
      gauge(name, value, labels, at)
    const scrape = (at: number, n: number) => [
      otel('system_cpu_time_seconds_total', { cpu: 'cpu0', state: 'idle' }, 75 * n, at),
      otel('system_cpu_time_seconds_total', { cpu: 'cpu0', state: 'user' }, 25 * n, at),
      otel('system_memory_usage_bytes', { state: 'used' }, 3e9, at + 4),
      otel('system_memory_usage_bytes', { state: 'free' }, 5e9, at + 4),
      otel('system_memory_usage_bytes', { state: 'cached' }, 4e9, at + 4),
      otel('system_filesystem_usage_bytes', { state: 'used', type: 'ext4' }, 1e9, at + 9),
      otel('system_filesystem_usage_bytes', { state: 'free', type: 'ext4' }, 3e9, at + 9),
      otel('system_filesystem_usage_bytes', { state: 'reserved', type: 'ext4' }, 1e9, at + 9),
      otel(
        'system_network_io_bytes_total',
        { device: 'eth0', direction: 'transmit' },
        60 * n,
        at + 12,
      ),
    ]
    expect(rowsOf([...scrape(T0, 1), ...scrape(T0 + 60_000, 2)]).at(-1)).toEqual([
      T0 + 60_000,
      { cpu_usage: 25, memory_usage: 25, disk_usage: 25, network_out_bytes: 1 },
    ])
  })

  it('reads utilisations where usages are missing, and the fullest of filesystems', () => {
    const samples = [
      gauge('system_cpu_utilization_ratio', 0.75, { cpu: 'cpu0', state: 'idle' }),
      gauge('system_cpu_utilization_ratio', 0.25, { cpu: 'cpu0', state: 'user' }),
      gauge('system_memory_utilization_ratio', 0.5, { state: 'used' }),
      gauge('system_filesystem_utilization_ratio', 0.125, { mountpoint: '/', type: 'ext4' }),
      gauge('system_filesystem_utilization_ratio', 0.875, { mountpoint: '/data', type: 'xfs' }),
    ]
    expect(rowsOf(samples)).toEqual([[T0, { cpu_usage: 25, memory_usage: 50, disk_usage: 87.5 }]])
  })

  it('reads Telegraf', () => {
    const samples = [
      gauge('cpu_usage_idle', 70, { cpu: 'cpu-total' }),
      gauge('cpu_usage_iowait', 10, { cpu: 'cpu-total' }),
      gauge('cpu_usage_idle', 1, { cpu: 'cpu0' }),
      gauge('mem_used_percent', 40),
      gauge('disk_used_percent', 12, { path: '/', fstype: 'ext4' }),
      gauge('net_bytes_recv', 1_000, { interface: 'eth0' }),
      gauge('net_bytes_recv', 3_000, { interface: 'eth0' }, T0 + 10_000),
    ]
    expect(rowsOf(samples)).toEqual([
      [T0, { cpu_usage: 20, memory_usage: 40, disk_usage: 12 }],
      [T0 + 10_000, { network_in_bytes: 200 }],
    ])
  })

  it('believes what a host says of itself', () => {
    const samples = [
      gauge('vm_cpu_usage', 33.3),
      gauge('cpu_usage_idle', 10, { cpu: 'cpu-total' }),
      gauge('vm_memory_usage', 120),
      gauge('vm_iops_read', 1e16),
    ]
    expect(rowsOf(samples)).toEqual([[T0, { cpu_usage: 33.3, memory_usage: 100 }]])
  })
})

describe('a scrape', () => {
  it('waits for its pieces, and for the next scrape', () => {
    const host = new Host()
    host.add(gauge('mem_total', 100), T0)
    expect(host.accumulator.finish(T0 + SETTLE_MS)).toEqual([])
    host.add(gauge('mem_available', 60, {}, T0 + 10_000), T0 + 10_000)
    host.add(gauge('mem_available', 75), T0 + 10_100)
    expect(host.accumulator.finish(T0 + 10_100 + SETTLE_MS - 1)).toEqual([])
    const [sample] = host.accumulator.finish(T0 + 10_100 + SETTLE_MS)
    expect(sample?.timestamp).toBe(T0)
    expect(sample?.values[1]).toBe(25)
  })

  it('is complete by itself when nothing follows for a minute', () => {
    const host = new Host()
    host.add(gauge('vm_cpu_usage', 5), T0)
    expect(host.accumulator.finish(T0 + LAST_SCRAPE_MS - 1)).toEqual([])
    expect(host.accumulator.finish(T0 + LAST_SCRAPE_MS)).toHaveLength(1)
    expect(host.accumulator.finish(T0 + 10 * LAST_SCRAPE_MS)).toEqual([])
  })

  it('does not wait for the time that a clock showed before it was set back', () => {
    const host = new Host()
    host.add(gauge('vm_cpu_usage', 5), T0 + 3_600_000)
    host.add(gauge('vm_cpu_usage', 6, {}, T0 + 15_000), T0)
    expect(host.accumulator.finish(T0)).toEqual([])
    expect(host.accumulator.finish(T0 + SETTLE_MS)).toHaveLength(1)
    expect(host.accumulator.finish(T0 + LAST_SCRAPE_MS)).toHaveLength(1)
  })

  it('does not come twice when a piece is late, but an older one that never came does', () => {
    const host = new Host()
    host.add(gauge('vm_cpu_usage', 5), T0)
    expect(host.finishAll()).toHaveLength(1)
    expect(host.add(gauge('vm_memory_usage', 5, {}, T0 + 20))).toBe(false)
    expect(host.add(gauge('vm_memory_usage', 5, {}, T0 - 15_000))).toBe(true)
    expect(host.finishAll().map(({ timestamp }) => timestamp)).toEqual([T0 - 15_000])
    expect(host.add(gauge('vm_memory_usage', 5, {}, T0 + 20))).toBe(false)
  })

  it('does not wait where too many are pending', () => {
    const host = new Host()
    for (let i = 0; i < PENDING_MOMENTS_MAX + 10; i++)
      host.add(gauge('vm_cpu_usage', 5, {}, T0 + i * 1_000), T0 + 1e6)
    expect(host.accumulator.finish(T0 + 1e6)).toHaveLength(10)
    expect(host.accumulator.pending).toBe(PENDING_MOMENTS_MAX)
  })
})

describe('the state of host metrics', () => {
  it('goes on from its bytes as if nothing had happened', () => {
    const whole = new Host()
    const before = [cpu('idle', T0, 10), cpu('user', T0, 10), gauge('mem_total', 100)]
    const after = [cpu('idle', T0 + 10_000, 17), cpu('user', T0 + 10_000, 13)]
    for (const sample of before) whole.add(sample)
    const parked = whole.accumulator.toBytes()
    const unaligned = new Uint8Array(parked.length + 1)
    unaligned.set(parked, 1)
    const restored = HostAccumulator.fromBytes(unaligned.subarray(1))
    expect(restored.toBytes()).toEqual(parked)
    for (const sample of after) {
      whole.add(sample)
      const previous = before.find((b) => b.labels?.mode === sample.labels?.mode)?.value ?? 0
      const role = hostRoleOf([
        ['__name__', sample.name],
        ['mode', sample.labels?.mode ?? ''],
      ])
      restored.add(role, sample.at, sample.value, T0, previous)
    }
    const rows = whole.finishAll()
    expect(restored.finish(T0 + 1e9)).toEqual(rows)
    expect(rows.at(-1)?.values[0]).toBeCloseTo(30)
  })

  it.each([0, 7, 8, 24, 30])('refuses %s bytes of something else', (length) => {
    expect(() => HostAccumulator.fromBytes(new Uint8Array(length).fill(1))).toThrow(RangeError)
  })

  it('refuses bytes that were cut', () => {
    const host = new Host()
    host.add(gauge('mem_total', 100))
    const bytes = host.accumulator.toBytes()
    expect(() => HostAccumulator.fromBytes(bytes.subarray(0, -8))).toThrow(RangeError)
  })
})

describe('determinism', () => {
  const scrapes = fc.array(
    fc.record({
      role: fc.integer({ min: 1, max: HOST_ROLES - 1 }),
      values: fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), {
        minLength: 3,
        maxLength: 3,
      }),
    }),
    { minLength: 1, maxLength: 40 },
  )

  it('gives the same rows however series are interleaved, split and checkpointed', () => {
    fc.assert(
      fc.property(scrapes, fc.infiniteStream(fc.nat()), (series, choices) => {
        const at = (i: number) => T0 + i * 10_000
        const add = (to: HostAccumulator, s: number, i: number) => {
          const { role = 0, values = [] } = series[s] ?? {}
          to.add(
            role,
            at(i),
            values[i] ?? 0,
            i === 0 ? Number.NaN : at(i - 1),
            i === 0 ? Number.NaN : (values[i - 1] ?? 0),
          )
        }
        const ordered = new HostAccumulator()
        for (let i = 0; i < 3; i++) for (const s of series.keys()) add(ordered, s, i)
        const next = series.map(() => 0)
        let shuffled = new HostAccumulator()
        const choose = (n: number) => (choices.next().value ?? 0) % n
        for (;;) {
          const open = next.flatMap((i, s) => (i < 3 ? [s] : []))
          if (open.length === 0) break
          const s = open[choose(open.length)] ?? 0
          add(shuffled, s, next[s] ?? 0)
          next[s] = (next[s] ?? 0) + 1
          if (choose(5) === 0) shuffled = HostAccumulator.fromBytes(shuffled.toBytes())
        }
        expect(shuffled.finish(at(100))).toEqual(ordered.finish(at(100)))
      }),
      { seed: 42, numRuns: 300 },
    )
  })

  it('keeps the numbers of the roles, which are stored', () => {
    expect(HOST_ROLE.cpuIdleSeconds).toBe(1)
    expect(HOST_ROLE.diskWrites).toBe(23)
    expect(HOST_ROLES).toBe(31)
  })
})
