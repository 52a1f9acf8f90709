import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { ensureDevelopmentKey, migrate } from '../../local/migrate.ts'
import { rowJsonOf, rowValuesOf } from '../../src/fleet/dashboard-row.ts'
import { runSql } from './fixtures.ts'

const name = `gjallar_test_${randomBytes(6).toString('hex')}`
const url = inject('databaseUrl').replace(/\/[^/]*$/, `/${name}`)
const sql = <Row extends Record<string, unknown>>(text: string, params: unknown[] = []) =>
  runSql<Row>(text, params, url)

const partitions = async (): Promise<string[]> => {
  const rows = await sql<{ name: string }>(
    `SELECT inhrelid::regclass::text AS name FROM pg_inherits
     WHERE inhparent = 'vm_metrics'::regclass ORDER BY 1`,
  )
  return rows.map((row) => row.name)
}

const day = (offset: number): string =>
  `vm_metrics_${new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10).replaceAll('-', '')}`

beforeAll(async () => {
  await runSql(`CREATE DATABASE ${name}`)
})
afterAll(async () => {
  await runSql(`DROP DATABASE ${name} WITH (FORCE)`)
})

describe('migrations', () => {
  it('make every table from empty, with three callers at once', async () => {
    await Promise.all([migrate(url), migrate(url), migrate(url)])
    const rows = await sql<{ name: string }>(
      `SELECT tablename AS name FROM pg_tables
       WHERE schemaname = 'public' AND tablename !~ '_[0-9]{6,8}$' ORDER BY 1`,
    )
    expect(rows.map((row) => row.name)).toEqual([
      'api_keys',
      'fleet_totals',
      'llm_feedback',
      'llm_hours',
      'llm_requests',
      'organisations',
      'router_artifacts',
      'router_canaries',
      'router_configs',
      'router_outcomes',
      'vm_hours',
      'vm_latest',
      'vm_metrics',
      'vm_metrics_5m',
      'vm_window',
      'vms',
    ])
  })

  it('change nothing when they run again', async () => {
    const before = await partitions()
    await migrate(url)
    expect(await partitions()).toEqual(before)
  })

  it('give vm_metrics its primary key and a BRIN in every partition', async () => {
    const rows = await sql<{ method: string }>(
      `SELECT am.amname AS method FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
       JOIN pg_am am ON am.oid = relam WHERE indrelid = '${day(0)}'::regclass ORDER BY 1`,
    )
    expect(rows.map((row) => row.method)).toEqual(['brin', 'btree'])
  })
})

describe('the migration of dashboard rows', () => {
  const older = `${name}_older`
  const olderUrl = inject('databaseUrl').replace(/\/[^/]*$/, `/${older}`)
  const apply = async (file: string) => {
    const text = readFileSync(path.join(import.meta.dirname, '../../migrations', file), 'utf8')
    for (const statement of text.split('--> statement-breakpoint'))
      await runSql(statement, [], olderUrl)
  }
  beforeAll(async () => {
    await runSql(`CREATE DATABASE ${older}`)
  })
  afterAll(async () => {
    await runSql(`DROP DATABASE ${older} WITH (FORCE)`)
  })

  it('writes the rows of VMs that are silent', async () => {
    await apply('0000_tables.sql')
    await apply('0001_partitions.sql')
    const latest = {
      timestamp: 1_795_291_140_123,
      cpu_usage: 100 / 3,
      memory_usage: 81,
      disk_usage: null,
      network_in_bytes: 1e300,
      network_out_bytes: null,
      iops_read: 0,
      iops_write: 1e-7,
    }
    const window = {
      cpu_avg: 12.5,
      cpu_max: 99.5,
      cpu_p95: 90,
      memory_avg: null,
      memory_max: null,
      memory_p95: null,
      sample_count: 1440,
    }
    await runSql(
      `WITH organisation AS (INSERT INTO organisations (slug, name) VALUES ('o', 'O') RETURNING id),
       vm AS (INSERT INTO vms (organisation_id, name, status, cpu_cores, memory_mb, disk_gb, region, instance_type)
         SELECT id, 'v"', 'stopped', 1, 2, 3, 'r', 't' FROM organisation RETURNING id),
       latest AS (INSERT INTO vm_latest
         SELECT id, to_timestamp($1::float8 / 1000), $2, $3, $4, $5, $6, $7, $8 FROM vm)
       INSERT INTO vm_window SELECT id, $9, $10, $11, $12, $13, $14, $15 FROM vm`,
      [...Object.values(latest), ...Object.values(window)],
      olderUrl,
    )
    await apply('0002_dashboard_rows.sql')
    const [row] = await runSql<{ text: string }>(
      `SELECT row_values || ',{' || row_json AS text FROM vms JOIN vm_window ON vm_id = id`,
      [],
      olderUrl,
    )
    const text = row?.text ?? ''
    const expected = rowValuesOf(latest, window) + text.slice(text.indexOf(',{'))
    expect(JSON.parse(rowJsonOf(text))).toEqual(JSON.parse(rowJsonOf(expected)))
    expect(JSON.parse(rowJsonOf(text))).toMatchObject({ name: 'v"', memory_mb: 2, latest })
  })
})

describe('maintain_partitions', () => {
  it('makes the days of the retention and the days ahead', async () => {
    await sql('SELECT maintain_partitions(2, 4)')
    const found = await partitions()
    expect(found.at(0)).toBe(day(-2))
    expect(found.at(-1)).toBe(day(4))
    expect(found).toHaveLength(7)
  })

  it('drops days by age and keeps what is younger', async () => {
    await sql('SELECT maintain_partitions(8, 4)')
    const rows = await sql<{ made: number; dropped: number }>(
      'SELECT * FROM maintain_partitions(2, 4)',
    )
    expect(rows).toEqual([{ made: 0, dropped: 6 }])
    expect(await partitions()).toHaveLength(7)
  })

  it('runs at once from several callers, and again without effect', async () => {
    const results = await Promise.all(
      [1, 2, 3, 4].map(() =>
        sql<{ made: number; dropped: number }>('SELECT * FROM maintain_partitions(3, 5)'),
      ),
    )
    expect(results.flat().reduce((sum, { made }) => sum + made, 0)).toBe(2)
    expect(await sql('SELECT * FROM maintain_partitions(3, 5)')).toEqual([{ made: 0, dropped: 0 }])
  })

  it.each([
    [0, 3],
    [30, 0],
    [100_000, 3],
    [null, 3],
  ])('refuses a retention of %s days with %s ahead', async (retention, ahead) => {
    await expect(
      sql('SELECT maintain_partitions($1::integer, $2::integer)', [retention, ahead]),
    ).rejects.toMatchObject({ code: '22023' })
  })
})

describe('maintain_months', () => {
  const months = async () =>
    (
      await sql<{ name: string }>(
        `SELECT relname AS name FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
         WHERE inhparent = 'vm_hours'::regclass ORDER BY 1`,
      )
    ).map(({ name }) => name)

  it('makes the months back and ahead, drops those wholly past their age, and nothing the second time', async () => {
    const before = await months()
    await sql(`SELECT maintain_months('vm_hours', 36600, 400, 3)`)
    expect((await months()).length).toBeGreaterThanOrEqual(14)
    const [dropped] = await sql<{ dropped: number }>(
      `SELECT * FROM maintain_months('vm_hours', 31, 31, 3)`,
    )
    expect(dropped?.dropped).toBeGreaterThanOrEqual(11)
    expect((await months()).length).toBeLessThanOrEqual(before.length + 1)
    expect(await sql(`SELECT * FROM maintain_months('vm_hours', 31, 31, 3)`)).toEqual([
      { made: 0, dropped: 0 },
    ])
  })
})

describe('ensureDevelopmentKey', () => {
  it('makes one platform admin key of the organisation local, however often it runs', async () => {
    const key = 'gjl_dev_0123456789abcdef'
    await Promise.all([ensureDevelopmentKey(url, key), ensureDevelopmentKey(url, key)])
    const rows = await sql(
      `SELECT slug, organisations.name, prefix, scopes, platform_admin, encode(hash, 'hex') AS hash
       FROM api_keys JOIN organisations ON organisations.id = organisation_id`,
    )
    expect(rows).toEqual([
      {
        slug: 'local',
        name: 'Local',
        prefix: 'gjl_dev_0123',
        scopes: ['read', 'write', 'admin'],
        platform_admin: true,
        hash: createHash('sha256').update(key).digest('hex'),
      },
    ])
  })
})
