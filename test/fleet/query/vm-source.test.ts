import { describe, expect, it } from 'vitest'
import {
  VM_READS_MAX,
  VM_VALUES_MAX,
  type VmReads,
  vmCatalogue,
  vmSource,
} from '../../../src/fleet/query/vm-source.ts'
import type { Matcher } from '../../../src/fleet/series/matchers.ts'
import { METRICS } from '../../../src/fleet/types.ts'

const vmOf = (index: number) => ({
  id: `id-${index}`,
  name: `web-${index}`,
  region: 'eu',
  instance_type: '',
})

const empty = Object.fromEntries(METRICS.map((metric) => [metric, [null, null]]))

/** VMs of which each reported twice, cpu both times and memory once; tells what was asked. */
const readsOf = (count: number, more: { truncated?: boolean; fault?: Error } = {}) => {
  const asked: string[] = []
  const reads: VmReads = {
    vms: async () => {
      if (more.fault) throw more.fault
      return Array.from({ length: count }, (_, index) => vmOf(index))
    },
    points: async (vmId) => {
      asked.push(vmId)
      const columns = {
        ...empty,
        timestamp: [1_000, 2_000],
        cpu_usage: [5, 6],
        memory_usage: [null, 7],
      }
      return { columns, truncated: more.truncated ?? false } as unknown as Awaited<
        ReturnType<VmReads['points']>
      >
    },
  }
  return { reads, asked }
}

const named = (value: string, op: Matcher['op'] = '='): Matcher => ({ name: '__name__', op, value })

describe('the metrics of VMs as series', () => {
  it('have names and labels, and the samples in which the metric is', async () => {
    const { reads } = readsOf(1)
    const [series] = await vmSource(reads).select([named('vm_memory_usage')], 0, 3_000)
    expect(series?.labels).toEqual([
      ['__name__', 'vm_memory_usage'],
      ['region', 'eu'],
      ['vm', 'web-0'],
      ['vm_id', 'id-0'],
    ])
    const { timestamps, values } = series?.read() ?? {}
    expect([timestamps, values]).toEqual([Float64Array.of(2_000), Float64Array.of(7)])
  })

  it('are read from the VMs alone that are selected, once for all metrics', async () => {
    const { reads, asked } = readsOf(3)
    const matchers = [
      named('vm_(cpu|memory)_usage', '=~'),
      { name: 'vm', op: '=', value: 'web-1' },
    ] as const
    expect(await vmSource(reads).select(matchers, 0, 3_000)).toHaveLength(2)
    expect(asked).toEqual(['id-1'])
  })

  it('are not asked for where a name or a label rules them out', async () => {
    const { reads } = readsOf(1, { fault: new Error('the database is away') })
    const source = vmSource(reads)
    expect(await source.select([named('up')], 0, 1)).toEqual([])
    expect(await source.select([{ name: 'job', op: '=', value: 'x' }], 0, 1)).toEqual([])
    await expect(source.select([{ name: 'vm', op: '=~', value: '.+' }], 0, 1)).rejects.toThrow(
      'away',
    )
  })

  it('have bounds for VMs and samples', async () => {
    const many = vmSource(readsOf(VM_READS_MAX + 1).reads)
    await expect(many.select([named('vm_cpu_usage')], 0, 1)).rejects.toThrow('reads at most')
    const long = vmSource(readsOf(1, { truncated: true }).reads)
    await expect(long.select([named('vm_cpu_usage')], 0, 1)).rejects.toThrow('samples of a VM')
  })

  it('have a bound for the values of all that a query selects', async () => {
    const rows = 50_000
    const column = Array.from({ length: rows }, (_, row) => row)
    const { reads } = readsOf(60)
    const columns = { ...empty, timestamp: column, cpu_usage: column } as never
    const source = vmSource({ ...reads, points: async () => ({ columns, truncated: false }) })
    const selects = Math.floor(VM_VALUES_MAX / (60 * rows))
    for (let select = 0; select < selects; select++)
      expect(await source.select([named('vm_cpu_usage')], 0, rows)).toHaveLength(60)
    await expect(source.select([named('vm_cpu_usage')], 0, rows)).rejects.toThrow(
      'a query reads at most',
    )
  })

  it('are in the catalogue once, whatever filters find them', async () => {
    const catalogue = vmCatalogue(readsOf(2).reads)
    const all = { matchers: [], from: 0, to: 1 }
    expect(await catalogue.series([all, all], 100)).toHaveLength(2 * METRICS.length)
  })

  it('are in the catalogue', async () => {
    const catalogue = vmCatalogue(readsOf(2).reads)
    const all = [{ matchers: [], from: 0, to: 1 }]
    expect(await catalogue.series(all, 100)).toHaveLength(2 * METRICS.length)
    expect(await catalogue.labelNames(all, 100)).toEqual(['__name__', 'region', 'vm', 'vm_id'])
    expect(await catalogue.labelValues('vm', all, 100)).toEqual(['web-0', 'web-1'])
    expect(await catalogue.labelValues('host', all, 100)).toEqual([])
  })
})
