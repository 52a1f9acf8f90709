import { beforeAll, describe, expect, it } from 'vitest'
import {
  DASHBOARD_SORTS,
  type DashboardQuery,
  type DashboardSort,
  type DashboardSummary,
  type DashboardVm,
  listVms,
  readDashboard,
} from '../../src/database/fleet-queries.ts'
import { flush } from '../../src/database/flush-queries.ts'
import { dashboardSchema } from '../../src/fleet/dashboard-routes.ts'
import { VM_STATUSES, type Vm } from '../../src/fleet/types.ts'
import {
  batchOf,
  database,
  errorOf,
  expectOk,
  newOrganisation,
  newVm,
  RATES,
  RETENTION,
  type Report,
  runSql,
} from './fixtures.ts'

const db = database()
let organisation = { id: '', slug: '' }
const now = Date.now()

const pageOf = async (organisationId: string, query: DashboardQuery, rates = RATES) => {
  const page = expectOk(await readDashboard(db, organisationId, query, rates))
  return {
    vms: JSON.parse(page.vmsJson) as DashboardVm[],
    summary: JSON.parse(page.summaryJson) as DashboardSummary,
    nextCursor: page.nextCursor,
  }
}
const read = (query: Partial<DashboardQuery> = {}) =>
  pageOf(organisation.id, { sort: 'status', limit: 100, ...query })

beforeAll(async () => {
  organisation = await newOrganisation(db)
  const reports: Report[] = []
  for (let index = 0; index < 24; index++) {
    const status = VM_STATUSES[(index * 7) % 4] ?? 'stopped'
    const cpu_cores = 1 + (index % 5)
    const vm = await newVm(db, organisation.id, {
      name: `vm-${(index * 5) % 24}`,
      status,
      cpu_cores,
    })
    // Every fourth has never reported; every eighth that did has no memory.
    if (index % 4 === 3) continue
    reports.push({
      vmId: vm.id,
      timestamp: now - index,
      cpu_usage: (index * 13) % 7,
      ...(index % 8 === 0 ? {} : { memory_usage: 100 / (index + 1) }),
      healthScore: [0, 50, 100][index % 3] ?? 100,
    })
  }
  await flush(db, batchOf(organisation.id, reports, 60), RETENTION)
  // 'starting' VMs that report run; this test is about order, so some start again.
  await runSql(
    `UPDATE vms SET status = 'starting' WHERE organisation_id = $1 AND name IN ('vm-1', 'vm-2', 'vm-3')`,
    [organisation.id],
  )
})

describe('the dashboard', () => {
  it('gives identity, latest, 24 h and cost of a VM', async () => {
    const own = await newOrganisation(db)
    const vm = await newVm(db, own.id, { name: 'web-1', status: 'running' })
    await newVm(db, own.id, { name: 'web-2' })
    const reports = [
      { vmId: vm.id, timestamp: now, cpu_usage: 45.2, memory_usage: 70, healthScore: 50 },
    ]
    await flush(db, batchOf(own.id, reports, 1440), RETENTION)
    const page = await pageOf(own.id, { sort: 'name', limit: 50 })
    const { updated_at: _, ...identity } = vm
    const silent = { cpu_avg: null, cpu_max: null, cpu_p95: null }
    expect(page).toEqual({
      vms: [
        {
          ...identity,
          health_score: 50,
          cpu_status: 'normal',
          memory_status: 'normal',
          disk_status: 'unknown',
          cpu_efficiency: 0.452,
          memory_efficiency: 0.7,
          // 4 cores × 0.05 + 8 GiB × 0.02 + 2 × 100 GB × 0.01
          estimated_hourly_cost: expect.closeTo(0.38, 12),
          latest: {
            timestamp: now,
            cpu_usage: 45.2,
            memory_usage: 70,
            disk_usage: null,
            network_in_bytes: null,
            network_out_bytes: null,
            iops_read: null,
            iops_write: null,
          },
          window_24h: {
            cpu_avg: 45.2,
            cpu_max: 45.2,
            cpu_p95: 45.2,
            memory_avg: 70,
            memory_max: 70,
            memory_p95: 70,
            sample_count: 1440,
          },
        },
        expect.objectContaining({
          name: 'web-2',
          latest: null,
          health_score: 100,
          window_24h: expect.objectContaining({ ...silent, sample_count: 0 }),
        }),
      ],
      summary: {
        total: 2,
        by_status: { running: 1, starting: 0, stopping: 0, stopped: 1 },
        cpu_avg: 45.2,
        memory_avg: 70,
        health_avg: 75,
        total_hourly_cost: expect.closeTo(0.76, 12),
      },
      nextCursor: null,
    })
  })

  it('answers JSON of the documented shape, whatever stands in names and numbers', async () => {
    const own = await newOrganisation(db)
    const texts = ['"', '\\', '\\"', "'", ',{"a":1}', '</script>', 'ü 😀 \u2028', '$1 %s', 'null']
    const made: Vm[] = []
    for (const text of texts)
      made.push(await newVm(db, own.id, { name: text, region: text, instance_type: text }))
    const large = {
      cpu_cores: 2 ** 31 - 1,
      memory_mb: Number.MAX_SAFE_INTEGER,
      disk_gb: Number.MAX_SAFE_INTEGER,
    }
    made.push(await newVm(db, own.id, { name: 'large', ...large }))
    const reports = made.map(({ id }, index) => ({
      vmId: id,
      timestamp: now - index,
      ...(index % 2 === 0 ? { cpu_usage: 1e-7 } : { network_in_bytes: 1e300 }),
    }))
    await flush(db, batchOf(own.id, reports.slice(3)), RETENTION)
    const page = expectOk(await readDashboard(db, own.id, { sort: 'name', limit: 50 }, RATES))
    const body = `{"vms":${page.vmsJson},"summary":${page.summaryJson},"next_cursor":null,"generated_at":0}`
    const { vms, summary } = dashboardSchema.parse(JSON.parse(body))
    const byName = [...made].sort((left, right) =>
      Buffer.compare(Buffer.from(left.name), Buffer.from(right.name)),
    )
    expect(vms).toEqual(
      byName.map(({ updated_at: _, ...identity }) => expect.objectContaining(identity)),
    )
    const latestOf = (vm: Vm) => vms.find(({ id }) => id === vm.id)?.latest
    expect(made.map(latestOf).slice(0, 5)).toEqual([
      null,
      null,
      null,
      expect.objectContaining({ cpu_usage: null, network_in_bytes: 1e300 }),
      expect.objectContaining({ cpu_usage: 1e-7, network_in_bytes: null }),
    ])
    expect(summary.total).toBe(10)
  })

  it('rounds times to milliseconds as the list of VMs does', async () => {
    const own = await newOrganisation(db)
    const times = ['00:00:00.0005', '00:00:00.0015', '00:00:00.123456', '23:59:59.9996', '12:00:00']
    for (const time of times) {
      const { id } = await newVm(db, own.id)
      await runSql('UPDATE vms SET created_at = $2::timestamptz WHERE id = $1', [
        id,
        `2026-02-28 ${time}+00`,
      ])
    }
    const { vms } = await pageOf(own.id, { sort: 'name', limit: 50 })
    const list = expectOk(await listVms(db, own.id, { sort: 'name', limit: 50 }))
    expect(vms.map((vm) => vm.created_at)).toEqual(list.vms.map((vm) => vm.created_at))
    expect(vms.map((vm) => vm.created_at)).toContain('2026-03-01T00:00:00.000Z')
  })

  it('answers an organisation without VMs with zeros and nulls', async () => {
    const empty = await newOrganisation(db)
    const page = await pageOf(empty.id, { sort: '-cpu', limit: 50 })
    expect(page).toEqual({
      vms: [],
      summary: {
        total: 0,
        by_status: { running: 0, starting: 0, stopping: 0, stopped: 0 },
        cpu_avg: null,
        memory_avg: null,
        health_avg: null,
        total_hourly_cost: 0,
      },
      nextCursor: null,
    })
  })

  const byNumber = (of: (vm: DashboardVm) => number | null, sign: number) => {
    const value = (vm: DashboardVm) => {
      const found = of(vm)
      return found === null ? Number.MAX_VALUE : found * sign
    }
    return (left: DashboardVm, right: DashboardVm) => value(left) - value(right)
  }
  const byName = (left: DashboardVm, right: DashboardVm) => (left.name < right.name ? -1 : 1)
  const rank = (vm: DashboardVm) => VM_STATUSES.indexOf(vm.status)
  const comparisons = (sort: DashboardSort) => {
    const sign = sort.startsWith('-') ? -1 : 1
    switch (sort.replace('-', '')) {
      case 'cpu':
        return [byNumber((vm) => vm.latest?.cpu_usage ?? null, sign)]
      case 'memory':
        return [byNumber((vm) => vm.latest?.memory_usage ?? null, sign)]
      case 'health':
        return [byNumber((vm) => vm.health_score, sign)]
      case 'cost':
        return [byNumber((vm) => vm.estimated_hourly_cost, sign)]
      case 'name':
        return [(left: DashboardVm, right: DashboardVm) => sign * byName(left, right)]
      default:
        return [byNumber(rank, 1), byNumber((vm) => vm.health_score, 1)]
    }
  }
  const ordered = (vms: readonly DashboardVm[], sort: DashboardSort): DashboardVm[] =>
    [...vms].sort((left, right) => {
      for (const compare of comparisons(sort)) {
        const difference = compare(left, right)
        if (difference !== 0) return difference
      }
      return byName(left, right)
    })

  it.each(DASHBOARD_SORTS)(
    'by %s walks by cursor through every VM once, in order',
    async (sort) => {
      const whole = await read()
      const walked: DashboardVm[] = []
      let cursor: string | undefined
      do {
        const page = await read({ sort, limit: 5, cursor })
        walked.push(...page.vms)
        expect(page.summary).toEqual(whole.summary)
        cursor = page.nextCursor ?? undefined
      } while (cursor !== undefined)
      expect(walked.map((vm) => vm.name)).toEqual(ordered(whole.vms, sort).map((vm) => vm.name))
    },
  )

  it('filters by status and health, and sums up the filter and not the page', async () => {
    const { vms } = await read()
    const fits = vms.filter((vm) => vm.status === 'running' && vm.health_score >= 50)
    const page = await read({ status: 'running', minHealthScore: 50, limit: 2 })
    expect(fits.length).toBeGreaterThan(2)
    expect(page.vms).toEqual(fits.slice(0, 2))
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
    const cpu = fits.flatMap((vm) => vm.latest?.cpu_usage ?? [])
    expect(page.summary).toEqual({
      total: fits.length,
      by_status: { running: fits.length, starting: 0, stopping: 0, stopped: 0 },
      cpu_avg: expect.closeTo(mean(cpu), 8),
      memory_avg: expect.closeTo(mean(fits.flatMap((vm) => vm.latest?.memory_usage ?? [])), 8),
      health_avg: expect.closeTo(mean(fits.map((vm) => vm.health_score)), 10),
      total_hourly_cost: expect.closeTo(
        fits.reduce((sum, vm) => sum + vm.estimated_hourly_cost, 0),
        10,
      ),
    })
  })

  it('takes the rates that it is given', async () => {
    const rates = { usdPerCoreHour: 1, usdPerGibHour: 0, usdPer100GbHour: 0 }
    const query = { sort: 'name', limit: 3 } as const
    const page = await pageOf(organisation.id, query, rates)
    expect(page.vms.map((vm) => vm.estimated_hourly_cost)).toEqual(
      page.vms.map((vm) => vm.cpu_cores),
    )
  })

  it('refuses a cursor that is forged or of another sort', async () => {
    const { nextCursor } = await read({ limit: 1 })
    const ask = async (cursor: string) =>
      errorOf(await readDashboard(db, organisation.id, { sort: 'cpu', limit: 1, cursor }, RATES))
    expect(await ask(nextCursor ?? '')).toEqual({
      reason: 'cursor-of-another-sort',
      sort: 'status',
    })
    const forged = Buffer.from('["cpu","NaN","a"]').toString('base64url')
    expect(await ask(forged)).toEqual({ reason: 'cursor-invalid' })
  })
})
