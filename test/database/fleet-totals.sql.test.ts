import { beforeEach, describe, expect, it } from 'vitest'
import { createVm, deleteVm, transitionVm, updateVm } from '../../src/database/fleet-queries.ts'
import { flush, settleStopping } from '../../src/database/flush-queries.ts'
import { batchOf, database, newOrganisation, newVm, RETENTION, runSql, vmLike } from './fixtures.ts'

const db = database()
let organisationId = ''
beforeEach(async () => {
  organisationId = (await newOrganisation(db)).id
})

const GROUP = 'organisation_id, status_rank, health_score'
const SUMS = [
  'vms',
  'cpu_cores',
  'memory_mb',
  'disk_gb',
  'cpu_count',
  'cpu_nanopercent',
  'memory_count',
  'memory_nanopercent',
]

const kept = () =>
  runSql(
    `SELECT status_rank, health_score, ${SUMS.map((sum) => `sum(${sum})::text AS ${sum}`).join(', ')}
     FROM fleet_totals WHERE organisation_id = $1 GROUP BY ${GROUP}
     HAVING ${SUMS.map((sum) => `sum(${sum}) <> 0`).join(' OR ')} ORDER BY 1, 2`,
    [organisationId],
  )
const counted = () =>
  runSql(
    `SELECT status_rank, health_score, ${SUMS.map((sum) => `${sum}::text`).join(', ')}
     FROM fleet_totals_counted WHERE organisation_id = $1 ORDER BY 1, 2`,
    [organisationId],
  )

/** A generator with a seed (mulberry32), so that a failure comes again. */
const random = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
}

describe('fleet totals', () => {
  it('follow a VM from its making to its deletion, and end at nothing', async () => {
    const { id } = await newVm(db, organisationId, { status: 'stopped' })
    expect(await kept()).toEqual(await counted())
    await transitionVm(db, organisationId, id, 'start')
    await flush(
      db,
      batchOf(organisationId, [
        { vmId: id, timestamp: Date.now() + 1_000, cpu_usage: 95.125, healthScore: 0 },
      ]),
      RETENTION,
    )
    expect(await kept()).toEqual(await counted())
    expect(await kept()).toMatchObject([
      { status_rank: 0, health_score: 0, vms: '1', cpu_count: '1', cpu_nanopercent: '95125000000' },
    ])
    await updateVm(db, organisationId, id, { cpu_cores: 64 })
    expect(await kept()).toEqual(await counted())
    await deleteVm(db, organisationId, id)
    expect(await kept()).toEqual([])
    expect(await counted()).toEqual([])
  })

  it('do not change when a batch is sent again or comes late', async () => {
    const { id } = await newVm(db, organisationId)
    const now = Date.now()
    const newest = batchOf(organisationId, [
      { vmId: id, timestamp: now, cpu_usage: 20, healthScore: 50 },
    ])
    await flush(db, newest, RETENTION)
    const before = await kept()
    await flush(db, newest, RETENTION)
    await flush(
      db,
      batchOf(organisationId, [{ vmId: id, timestamp: now - 5, cpu_usage: 90, healthScore: 0 }]),
      RETENTION,
    )
    expect(await kept()).toEqual(before)
    expect(before).toEqual(await counted())
  })

  it('stay a few rows however many flushes there were', async () => {
    const { id } = await newVm(db, organisationId)
    for (let round = 0; round < 20; round++)
      await flush(
        db,
        batchOf(organisationId, [
          { vmId: id, timestamp: Date.now() + round, cpu_usage: round, healthScore: 100 },
        ]),
        RETENTION,
      )
    const [rows] = await runSql<{ count: string }>(
      'SELECT count(*) FROM fleet_totals WHERE organisation_id = $1',
      [organisationId],
    )
    expect(Number(rows?.count)).toBeLessThanOrEqual(2)
  })

  it('equal the count of the VMs after writers that ran at the same time', async () => {
    const vms = await Promise.all(
      Array.from({ length: 24 }, () => newVm(db, organisationId, { status: 'running' })),
    )
    const start = Date.now()
    const writer = async (seed: number, mine: readonly { id: string }[]) => {
      const next = random(seed)
      for (let step = 0; step < 25; step++) {
        const vm = mine[Math.floor(next() * mine.length)]
        if (!vm) continue
        const action = next()
        if (action < 0.55)
          await flush(
            db,
            batchOf(
              organisationId,
              mine.map(({ id }) => ({
                vmId: id,
                timestamp: start + step * 1_000 + seed,
                cpu_usage: next() * 100,
                healthScore: [0, 25, 50, 100][Math.floor(next() * 4)] ?? 100,
              })),
            ),
            RETENTION,
          )
        else if (action < 0.7)
          await transitionVm(db, organisationId, vm.id, next() < 0.5 ? 'stop' : 'start')
        else if (action < 0.8)
          await updateVm(db, organisationId, vm.id, { memory_mb: 1_024 + Math.floor(next() * 9) })
        else if (action < 0.9)
          await settleStopping(
            db,
            organisationId,
            mine.map(({ id }) => id),
          )
        else if (action < 0.95) await createVm(db, organisationId, vmLike())
        else await deleteVm(db, organisationId, vm.id)
      }
    }
    // Two flushers with VMs of their own, as shards have, and two callers of the API with all of them.
    await Promise.all([
      writer(42, vms.slice(0, 12)),
      writer(43, vms.slice(12)),
      ...[44, 45].map(async (seed) => {
        const next = random(seed)
        for (let step = 0; step < 60; step++) {
          const vm = vms[Math.floor(next() * vms.length)]
          if (vm) await transitionVm(db, organisationId, vm.id, next() < 0.5 ? 'stop' : 'start')
        }
      }),
    ])
    expect(await kept()).toEqual(await counted())
  }, 60_000)
})
