import { beforeEach, describe, expect, inject, it, vi } from 'vitest'
import {
  createKey,
  findKey,
  findKeyByHash,
  limitKey,
  rotateKey,
} from '../../src/database/access-queries.ts'
import { encodeCursor } from '../../src/database/cursor.ts'
import { isUnavailable } from '../../src/database/faults.ts'
import { flushLedger, type LedgerBatch } from '../../src/database/ledger-queries.ts'
import {
  countFeedback,
  listDecisionHours,
  listRequests,
  listSpend,
} from '../../src/database/ledger-reads.ts'
import { type Env, settingsOf } from '../../src/env.ts'
import { Histogram } from '../../src/kernels/histogram.ts'
import { groupOf, HourAggregate } from '../../src/ledger/hour-aggregate.ts'
import { flushRows } from '../../src/ledger/ledger-flusher.ts'
import type { FeedbackRow } from '../../src/ledger/outcome-store.ts'
import { statisticsOf } from '../../src/ledger/statistics.ts'
import type { RequestRecord } from '../../src/ledger/types.ts'
import '../kernels/load.ts'
import { limitsOf, recordOf } from '../ledger/records.ts'
import { database, expectOk, HOUR_MS, newOrganisation, RETENTION, runSql } from './fixtures.ts'

const db = database()
let organisation = { id: '', slug: '' }
beforeEach(async () => {
  organisation = await newOrganisation(db)
})

/** The batch that a ledger would make of records of one hour and group. */
const batchOf = (
  records: readonly RequestRecord[],
  more: Partial<LedgerBatch> = {},
): LedgerBatch => {
  const aggregate = new HourAggregate()
  for (const record of records) aggregate.add(record)
  const [first] = records
  return {
    organisationId: organisation.id,
    records,
    hours: first
      ? [
          {
            group: groupOf(first),
            version: 1,
            sums: aggregate.sums,
            latency: aggregate.latency.toBytes(),
            timeToFirstToken: aggregate.timeToFirstToken.toBytes(),
          },
        ]
      : [],
    outcomes: [],
    feedback: [],
    ...more,
  }
}

const write = (batch: LedgerBatch) => flushLedger(db, batch, RETENTION)
const rangeOf = (ms: number) => ({ fromMs: ms - HOUR_MS * 2, toMs: ms + HOUR_MS })

describe('a flush of the ledger', () => {
  it('writes every member of a record as it was, and the same again changes nothing', async () => {
    const record = recordOf({
      atMs: Date.now() - 1,
      keyId: crypto.randomUUID(),
      fault: 'rate-limited',
      attempts: 2,
      isCanary: true,
      costNanoUsd: 9_007_199_254_740_991,
      latencyMs: 0.123_456_789,
      features: [0.5, -1.25, 3, null],
    })
    for (let time = 0; time < 2; time++) await write(batchOf([record]))
    const { requests } = expectOk(await listRequests(db, organisation.id, { limit: 10 }))
    const { features, ...rest } = record
    expect(requests).toEqual([rest])
    const [stored] = await runSql<{ features: (number | null)[] }>(
      'SELECT features FROM llm_requests WHERE id = $1',
      [record.id],
    )
    expect(stored?.features).toEqual(features)
  })

  it('writes absolute hours: a later state replaces, an older one that comes late does not', async () => {
    const records = [recordOf(), recordOf({ outcome: 'error', attempts: 3 })]
    const now = records[0]?.atMs ?? 0
    const later = batchOf(records)
    await write(batchOf(records.slice(0, 1)))
    await write(later)
    await write(batchOf(records.slice(0, 1)))
    const hours = await listDecisionHours(db, organisation.id, rangeOf(now), 10)
    expect(hours).toHaveLength(1)
    expect(hours[0]).toMatchObject({ requests: 2, errors: 1, costNanoUsd: 380_000 })
    expect(Histogram.fromBytes(hours[0]?.latency ?? new Uint8Array()).count).toBe(2)
  })

  it('drops what is older than the retention, and what belongs to nobody', async () => {
    await write(batchOf([recordOf({ atMs: Date.now() - 40 * 24 * HOUR_MS })]))
    await write({ ...batchOf([recordOf()]), organisationId: crypto.randomUUID() })
    expect(expectOk(await listRequests(db, organisation.id, { limit: 10 })).requests).toEqual([])
  })

  it('makes the partitions that it finds missing', async () => {
    const name = `llm_requests_${new Date().toISOString().slice(0, 10).replaceAll('-', '')}`
    await runSql(`DROP TABLE ${name}`)
    const record = recordOf()
    await write(batchOf([record]))
    const { requests } = expectOk(await listRequests(db, organisation.id, { limit: 10 }))
    expect(requests.map(({ id }) => id)).toEqual([record.id])
  })

  it('keeps the newest feedback on a decision, and totals of outcomes as they are told', async () => {
    const record = recordOf()
    const told: FeedbackRow = {
      decisionId: record.id,
      version: 1,
      atMs: Date.now(),
      decidedAtMs: record.atMs,
      success: null,
      score: 0.25,
      latencyMs: null,
      provider: record.provider,
      model: record.model,
      bucket: record.bucket,
      cluster: record.cluster,
      artifactVersion: record.artifactVersion,
      isCanary: false,
    }
    const outcome = {
      candidate: 'openai/gpt-5-mini',
      artifactVersion: record.artifactVersion ?? '',
      cluster: 3,
      version: 1,
      trials: 1,
      successSum: 0.25,
      latencyCount: 2,
      latencyMeanMs: 150.5,
      latencyM2: 0.5,
    }
    await write(batchOf([record], { feedback: [told], outcomes: [outcome] }))
    const older = { ...told, atMs: told.atMs - 1, score: 1 }
    await write(batchOf([], { feedback: [older], outcomes: [{ ...outcome, trials: 2 }] }))
    expect(await countFeedback(db, organisation.id, rangeOf(record.atMs))).toEqual([
      { artifactVersion: record.artifactVersion, isCanary: false, feedback: 1, meanScore: 0.25 },
    ])
    const rows = await runSql(
      `SELECT candidate, cluster, trials::integer, success_sum, latency_count::integer, latency_mean_ms, latency_m2
       FROM router_outcomes WHERE organisation_id = $1`,
      [organisation.id],
    )
    expect(rows).toEqual([
      {
        candidate: 'openai/gpt-5-mini',
        cluster: 3,
        trials: 2,
        success_sum: 0.25,
        latency_count: 2,
        latency_mean_ms: 150.5,
        latency_m2: 0.5,
      },
    ])
  })
})

describe('a row that PostgreSQL refuses', () => {
  const settings = {
    ...settingsOf({} as Env),
    databaseUrl: inject('databaseUrl'),
    neonProxy: inject('neonProxy'),
    retention: RETENTION,
  }

  it('is found and set aside, and holds up no other', async () => {
    vi.spyOn(console, 'error').mockReturnValue()
    const records = Array.from({ length: 40 }, () => recordOf())
    const faulty = recordOf({ id: 'no UUID' })
    const { hours } = batchOf(records)
    const rows = { records: [...records, faulty], hours, outcomes: [], feedback: [] }
    const flushed = await flushRows(settings, organisation.id, rows)
    expect(flushed).toEqual({ refused: [faulty], isComplete: true })
    const page = expectOk(await listRequests(db, organisation.id, { limit: 100 }))
    expect(page.requests).toHaveLength(40)
    expect(await listDecisionHours(db, organisation.id, rangeOf(Date.now()), 10)).toHaveLength(1)
  })

  it('is searched for within a bound; the rest waits for the next flush', async () => {
    vi.spyOn(console, 'error').mockReturnValue()
    const records = Array.from({ length: 200 }, (_, n) => recordOf({ id: `no UUID ${n}` }))
    const rows = { records, hours: [], outcomes: [], feedback: [] }
    const flushed = await flushRows(settings, organisation.id, rows)
    expect(flushed.isComplete).toBe(false)
    expect(flushed.refused.length).toBeGreaterThan(10)
  })

  it('is not what a database that is away makes of all of them', async () => {
    const away = { ...settings, neonProxy: '127.0.0.1:1' }
    const rows = { records: [recordOf()], hours: [], outcomes: [], feedback: [] }
    await expect(flushRows(away, organisation.id, rows)).rejects.toSatisfy(isUnavailable)
  })
})

describe('reads of the ledger', () => {
  it('page through requests of the same moment without a gap or a repetition, by filters', async () => {
    const atMs = Date.now()
    const records = Array.from({ length: 25 }, (_, n) =>
      recordOf({
        atMs: atMs - Math.floor(n / 10),
        model: n % 2 ? 'a' : 'b/c',
        outcome: n % 5 ? 'ok' : 'error',
      }),
    )
    await write(batchOf(records))
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = expectOk(await listRequests(db, organisation.id, { limit: 7, cursor }))
      seen.push(...page.requests.map(({ id }) => id))
      cursor = page.nextCursor ?? undefined
    } while (cursor !== undefined)
    expect(seen).toHaveLength(25)
    expect(new Set(seen)).toEqual(new Set(records.map(({ id }) => id)))
    const count = async (filter: object) =>
      expectOk(await listRequests(db, organisation.id, { limit: 100, ...filter })).requests.length
    expect(await count({ model: 'openai/b/c' })).toBe(13)
    expect(await count({ model: 'a', outcome: 'error' })).toBe(2)
    expect(await count({ key: crypto.randomUUID() })).toBe(0)
    const forged = (ms: string): string => encodeCursor('llm-requests', [ms, crypto.randomUUID()])
    for (const cursor of ['x', forged('9999999999999999'), forged('-9999999999999999')])
      expect(await listRequests(db, organisation.id, { limit: 1, cursor })).toMatchObject({
        error: { reason: 'cursor-invalid' },
      })
  })

  it('sum spend by time and dimension, without decisions that sent nothing', async () => {
    const keyId = crypto.randomUUID()
    const record = recordOf({ keyId, costNanoUsd: 1_500_000_001 })
    await write(batchOf([record]))
    await write(batchOf([recordOf({ kind: 'route', outcome: 'decided', costNanoUsd: 5 })]))
    for (const [by, name] of [
      ['key', keyId],
      ['model', 'openai/gpt-5-mini'],
      ['provider', 'openai'],
      ['bucket', 'cheap'],
    ] as const) {
      const rows = await listSpend(db, organisation.id, rangeOf(record.atMs), 'hour', by, 10)
      expect(rows).toEqual([
        {
          atMs: record.atMs - (record.atMs % HOUR_MS),
          name,
          requests: 1,
          errors: 0,
          inputTokens: 120,
          outputTokens: 80,
          costNanoUsd: 1_500_000_001,
        },
      ])
    }
  })

  it('tell what routing saved, and how fast models were', async () => {
    const records = [100, 200, 300].map((latencyMs) =>
      recordOf({ latencyMs, costNanoUsd: 1_000_000, strongCostNanoUsd: 4_000_000 }),
    )
    await write(batchOf(records))
    const hours = await listDecisionHours(db, organisation.id, rangeOf(Date.now()), 10)
    const told = statisticsOf(hours, [])
    expect(told.savings.usd).toBeCloseTo(0.009, 12)
    expect(told.savings.ratio).toBe(0.75)
    expect(told.buckets).toMatchObject([{ bucket: 'cheap', decisions: 3, served: 3, errors: 0 }])
    expect(Math.abs((told.total.latencyMs?.p50 ?? 0) / 200 - 1)).toBeLessThan(told.relativeErrorMax)
    expect(told.artifacts).toMatchObject([{ version: 'a'.repeat(64), buckets: { cheap: 3 } }])
  })
})

describe('limits of a key', () => {
  it('are found with it, stay when it is rotated, and are lifted', async () => {
    const hash = crypto.getRandomValues(new Uint8Array(32))
    const limits = limitsOf({
      budgetNanoUsd: 9_000_000_000_000_000,
      tokensPerMinute: 5_000_000_000,
    })
    const key = await createKey(db, organisation.id, {
      name: 'limited',
      hash,
      prefix: 'gjl_limited',
      scopes: ['read'],
      limits,
    })
    expect(key.limits).toEqual(limits)
    expect((await findKeyByHash(db, hash))?.limits).toEqual(limits)
    const next = crypto.getRandomValues(new Uint8Array(32))
    await rotateKey(db, organisation.id, key.id, { hash: next, prefix: 'gjl_rotated' })
    expect((await findKeyByHash(db, next))?.limits).toEqual(limits)
    const changed = limitsOf({ budgetNanoUsd: 0, budgetPeriod: 'day', requestsPerMinute: 1 })
    expect((await limitKey(db, organisation.id, key.id, changed))?.limits).toEqual(changed)
    expect((await limitKey(db, organisation.id, key.id, null))?.limits).toBeNull()
    expect((await findKey(db, organisation.id, key.id))?.limits).toBeNull()
    const other = await newOrganisation(db)
    expect(await limitKey(db, other.id, key.id, changed)).toBeNull()
  })
})
