import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { sqlState } from '../../src/database/faults.ts'
import { deleteVm, getVm, metricsRange, vmHours } from '../../src/database/fleet-queries.ts'
import { flush, flushStatements, settleStopping } from '../../src/database/flush-queries.ts'
import {
  batchOf,
  database,
  HOUR_MS,
  MINUTE_MS,
  newOrganisation,
  newVm,
  RETENTION,
  runSql,
} from './fixtures.ts'

const db = database()
let organisationId = ''
let vmId = ''
beforeEach(async () => {
  organisationId = (await newOrganisation(db)).id
  vmId = (await newVm(db, organisationId)).id
})

const TABLES = ['vm_metrics', 'vm_metrics_5m', 'vm_latest', 'vm_hours', 'vm_window'] as const
/** Every row of the VMs in every table, as text. */
const rowsOf = async (...ids: string[]): Promise<string[]> => {
  const found = await Promise.all(
    TABLES.map((table) =>
      runSql<{ row: string }>(
        `SELECT '${table} ' || ${table}::text AS row FROM ${table} WHERE vm_id = ANY ($1) ORDER BY 1`,
        [ids],
      ),
    ),
  )
  return found.flat().map(({ row }) => row)
}

describe('flush', () => {
  it('writes each table once when the batch is sent twice', async () => {
    const batch = batchOf(organisationId, [{ vmId, timestamp: Date.now(), cpu_usage: 45.2 }])
    await flush(db, batch, RETENTION)
    const once = await rowsOf(vmId)
    await flush(db, batch, RETENTION)
    expect(once).toHaveLength(5)
    expect(await rowsOf(vmId)).toEqual(once)
  })

  it('does nothing for an empty batch', async () => {
    expect(flushStatements(batchOf(organisationId, []), RETENTION.minuteDays)).toEqual([])
    await flush(db, batchOf(organisationId, []), RETENTION)
  })

  it('keeps values, times and sketches to the bit', async () => {
    const timestamp = Date.now() - MINUTE_MS - 1
    const cpu_usage = 100 / 3
    const batch = batchOf(organisationId, [
      { vmId, timestamp, cpu_usage, network_in_bytes: 1e15 + 1 },
    ])
    await flush(db, batch, RETENTION)
    const hour = timestamp - (timestamp % HOUR_MS)
    const range = { fromMs: hour - HOUR_MS, toMs: hour + 2 * HOUR_MS, limit: 10 }
    const found = await metricsRange(db, organisationId, vmId, { ...range, resolution: 'minute' })
    expect(found).toMatchObject({
      truncated: false,
      columns: {
        timestamp: [timestamp - (timestamp % MINUTE_MS)],
        cpu_usage: [cpu_usage],
        memory_usage: [null],
        network_in_bytes: [1e15 + 1],
      },
    })
    const [stored] = await vmHours(db, organisationId, vmId, hour)
    expect(stored).toMatchObject({
      timestamp: hour,
      cpuCount: 1,
      cpuSum: cpu_usage,
      memoryMax: null,
    })
    expect([...(stored?.cpuSketch ?? [])]).toEqual([0, 255, 34, 92])
    const latest = await runSql<{ timestamp: Date }>(
      'SELECT timestamp FROM vm_latest WHERE vm_id = $1',
      [vmId],
    )
    expect(latest[0]?.timestamp.getTime()).toBe(timestamp)
  })

  it('drops rows of deleted, unknown and foreign VMs and keeps the others', async () => {
    const other = await newOrganisation(db)
    const foreign = (await newVm(db, other.id)).id
    const deleted = (await newVm(db, organisationId)).id
    const unknown = randomUUID()
    await deleteVm(db, organisationId, deleted)
    const reports = [foreign, deleted, unknown, vmId].map((id) => ({
      vmId: id,
      timestamp: Date.now(),
      cpu_usage: 99,
      healthScore: 0,
    }))
    await flush(db, batchOf(organisationId, reports), RETENTION)
    expect(await rowsOf(foreign, deleted, unknown)).toEqual([])
    expect(await rowsOf(vmId)).toHaveLength(5)
    const scores = await runSql<{ id: string; health_score: number }>(
      'SELECT id, health_score FROM vms WHERE id = ANY ($1)',
      [[foreign, deleted]],
    )
    expect(scores.map((row) => row.health_score)).toEqual([100, 100])
  })

  it('never takes what is newest back in time, nor a score or a window from an older sample', async () => {
    const now = Date.now()
    const newer = batchOf(organisationId, [
      { vmId, timestamp: now, cpu_usage: 10, healthScore: 50 },
    ])
    const older = batchOf(organisationId, [
      { vmId, timestamp: now - 1, cpu_usage: 99, healthScore: 0 },
    ])
    const newest = async () => (await rowsOf(vmId)).filter((row) => /^vm_(latest|window)/.test(row))
    await flush(db, newer, RETENTION)
    const before = await newest()
    await flush(db, older, RETENTION)
    expect(before).toHaveLength(2)
    expect(await newest()).toEqual(before)
    const rows = await runSql(
      'SELECT cpu_usage, vms.health_score FROM vm_latest JOIN vms ON vms.id = vm_id WHERE vm_id = $1',
      [vmId],
    )
    expect(rows).toEqual([{ cpu_usage: 10, health_score: 50 }])
  })

  it('does not lower a minute or an hour to fewer samples', async () => {
    const timestamp = Date.now()
    const report = { vmId, timestamp, cpu_usage: 20 }
    await flush(db, batchOf(organisationId, [report], 60), RETENTION)
    await flush(db, batchOf(organisationId, [{ ...report, cpu_usage: 90 }], 59), RETENTION)
    const rows = await runSql(
      `SELECT m.sample_count AS minute, m.cpu_usage, h.sample_count AS hour
       FROM vm_metrics m JOIN vm_hours h USING (vm_id) WHERE m.vm_id = $1`,
      [vmId],
    )
    expect(rows).toEqual([{ minute: 60, cpu_usage: 20, hour: 60 }])
  })

  it('leaves nothing of a batch that fails', async () => {
    const batch = batchOf(organisationId, [{ vmId, timestamp: Date.now(), cpu_usage: 1 }])
    // The same window twice in one statement is an error of the caller, found after other tables were written.
    const twice = {
      ...batch,
      windows: {
        vmId: [vmId, vmId],
        timestamp: [...batch.windows.timestamp, ...batch.windows.timestamp],
        values: [...batch.windows.values, ...batch.windows.values],
        rowValues: [...batch.windows.rowValues, ...batch.windows.rowValues],
      },
    }
    await expect(flush(db, twice, RETENTION)).rejects.toSatisfy(
      (error) => sqlState(error) === '21000',
    )
    expect(await rowsOf(vmId)).toEqual([])
  })

  it('makes a missing partition and goes on', async () => {
    const timestamp = Date.now() - 12 * 86_400_000
    const day = new Date(timestamp).toISOString().slice(0, 10).replaceAll('-', '')
    await runSql(`DROP TABLE vm_metrics_${day}`)
    await flush(db, batchOf(organisationId, [{ vmId, timestamp, cpu_usage: 5 }]), RETENTION)
    expect(await rowsOf(vmId)).toHaveLength(5)
  })

  it('drops minutes and hours beyond the retention rather than failing for ever', async () => {
    const timestamp = Date.now() - (RETENTION.minuteDays + 2) * 86_400_000
    await flush(db, batchOf(organisationId, [{ vmId, timestamp, cpu_usage: 5 }]), RETENTION)
    expect((await rowsOf(vmId)).map((row) => row.split(' ')[0])).toEqual(['vm_latest', 'vm_window'])
  })

  it('takes 10,000 rows in one batch', async () => {
    const reports = Array.from({ length: 10_000 }, (_, minute) => ({
      vmId,
      timestamp: Date.now() - minute * MINUTE_MS,
      cpu_usage: minute / 100,
    }))
    const { minutes } = batchOf(organisationId, reports)
    const none = batchOf(organisationId, [])
    await flush(db, { ...none, minutes }, RETENTION)
    const rows = await rowsOf(vmId)
    expect(rows.filter((row) => row.startsWith('vm_metrics '))).toHaveLength(10_000)
  })
})

describe('tiers', () => {
  const hour = Math.floor(Date.now() / HOUR_MS - 2) * HOUR_MS
  const minute = (offset: number, cpu_usage: number, network_in_bytes?: number) => ({
    vmId,
    timestamp: hour + offset * MINUTE_MS,
    cpu_usage,
    ...(network_in_bytes === undefined ? {} : { network_in_bytes }),
  })
  const means = async (resolution: 'five-minutes' | 'hour') => {
    const range = { fromMs: hour, toMs: hour + HOUR_MS, resolution, limit: 100 }
    const { columns } = await metricsRange(db, organisationId, vmId, range)
    return columns.timestamp.map((time, row) => [
      (time - hour) / MINUTE_MS,
      columns.cpu_usage[row],
      columns.network_in_bytes[row],
    ])
  }
  const oneHour = (...reports: ReturnType<typeof minute>[]) => ({
    ...batchOf(organisationId, []),
    minutes: batchOf(organisationId, reports).minutes,
    hours: batchOf(organisationId, reports.slice(0, 1)).hours,
  })

  it('follow from the minutes, each mean over those that have the metric', async () => {
    await flush(
      db,
      oneHour(minute(0, 10, 5), minute(4, 20), minute(5, 60), minute(59, 30)),
      RETENTION,
    )
    expect(await means('five-minutes')).toEqual([
      [0, 15, 5],
      [5, 60, null],
      [55, 30, null],
    ])
    expect(await means('hour')).toEqual([[0, 30, 5]])
  })

  it('weigh each metric by the samples that had it', async () => {
    const batch = oneHour(minute(0, 100, 4), minute(1, 0, 8))
    const minutes = {
      ...batch.minutes,
      sampleCount: [11, 11],
      // In the first minute one sample of eleven had the cpu.
      metricCounts: [[1, 0, 0, 11, 0, 0, 0], null],
    }
    await flush(db, { ...batch, minutes }, RETENTION)
    expect(await means('five-minutes')).toEqual([[0, expect.closeTo(100 / 12, 10), 6]])
    expect(await means('hour')).toEqual([[0, expect.closeTo(100 / 12, 10), 6]])
  })

  it('are corrected by a late minute, also one that comes without its hour', async () => {
    await flush(db, oneHour(minute(0, 10), minute(30, 20)), RETENTION)
    const { minutes } = batchOf(organisationId, [minute(1, 60)])
    await flush(db, { ...batchOf(organisationId, []), minutes }, RETENTION)
    expect(await means('five-minutes')).toEqual([
      [0, 35, null],
      [30, 20, null],
    ])
    expect(await means('hour')).toEqual([[0, 30, null]])
  })
})

describe('statuses that follow from samples', () => {
  const setStatus = (status: string, changedSecondsAgo: number) =>
    runSql(
      `UPDATE vms SET status = $2, status_changed_at = now() - make_interval(secs => $3) WHERE id = $1`,
      [vmId, status, changedSecondsAgo],
    )
  const statusOf = async () => (await getVm(db, organisationId, vmId))?.status

  it.each([
    { status: 'starting', ageMs: 0, becomes: 'running' },
    { status: 'starting', ageMs: 30_000, becomes: 'starting' },
    { status: 'stopped', ageMs: 0, becomes: 'stopped' },
    { status: 'stopping', ageMs: 0, becomes: 'stopping' },
  ])('$status with a sample $ageMs ms old becomes $becomes', async ({ status, ageMs, becomes }) => {
    await setStatus(status, 10)
    const timestamp = Date.now() - ageMs
    await flush(db, batchOf(organisationId, [{ vmId, timestamp, cpu_usage: 5 }]), RETENTION)
    expect(await statusOf()).toBe(becomes)
  })

  it.each([
    { status: 'stopping', silentMs: 61_000, becomes: 'stopped' },
    { status: 'stopping', silentMs: 30_000, becomes: 'stopping' },
    { status: 'running', silentMs: 61_000, becomes: 'running' },
  ])(
    '$status after $silentMs ms of silence becomes $becomes',
    async ({ status, silentMs, becomes }) => {
      const timestamp = Date.now() - silentMs
      await flush(db, batchOf(organisationId, [{ vmId, timestamp, cpu_usage: 5 }]), RETENTION)
      await setStatus(status, 10)
      const settled = await settleStopping(db, organisationId, [vmId])
      expect(settled).toEqual(becomes === status ? [] : [vmId])
      expect(await statusOf()).toBe(becomes)
    },
  )
})
