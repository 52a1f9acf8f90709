import { beforeAll, describe, expect, it } from 'vitest'
import { flushLedger } from '../../src/database/ledger-queries.ts'
import { countArtifacts, findOutcomes } from '../../src/database/outcome-queries.ts'
import {
  deleteRouterArtifact,
  discardRouterCanary,
  findRouter,
  findRouterArtifact,
  findRouterCanary,
  promoteRouterCanary,
  saveRouterArtifact,
  saveRouterCanary,
  saveRouterConfig,
  setCanaryShare,
} from '../../src/database/router-queries.ts'
import { database, newOrganisation, RETENTION, runSql } from './fixtures.ts'

const db = database()
let organisation = { id: '' }
beforeAll(async () => {
  organisation = await newOrganisation(db)
})

describe('an organisation’s router', () => {
  it('is empty until something is chosen', async () => {
    expect(await findRouter(db, organisation.id)).toEqual({
      config: null,
      configUpdatedAt: null,
      artifactVersion: null,
      artifactUpdatedAt: null,
      canary: null,
    })
    expect(await findRouterArtifact(db, organisation.id)).toBeNull()
  })

  it('keeps the last configuration and artifact, byte for byte, and no other organisation has them', async () => {
    const content = Uint8Array.from({ length: 70_000 }, (_, i) => (i * 31) & 0xff)
    await saveRouterConfig(db, organisation.id, '{"a":1}')
    await saveRouterConfig(db, organisation.id, '{"a":"ÿ"}')
    await saveRouterArtifact(db, organisation.id, 'before', new Uint8Array([1]))
    await saveRouterArtifact(db, organisation.id, 'after', content)
    expect(await findRouter(db, organisation.id)).toEqual({
      config: '{"a":"ÿ"}',
      configUpdatedAt: expect.any(Date),
      artifactVersion: 'after',
      artifactUpdatedAt: expect.any(Date),
      canary: null,
    })
    const stored = await findRouterArtifact(db, organisation.id)
    expect(Buffer.from(stored ?? []).equals(Buffer.from(content))).toBe(true)
    const other = await newOrganisation(db)
    expect((await findRouter(db, other.id)).config).toBeNull()
  })

  it('takes two mebibytes of artifact, and not a byte more', async () => {
    const most = new Uint8Array(2 * 1024 * 1024)
    await saveRouterArtifact(db, organisation.id, 'most', most)
    const more = new Uint8Array(most.length + 1)
    await expect(saveRouterArtifact(db, organisation.id, 'more', more)).rejects.toThrow()
  })
})

describe('an artifact that is tried', () => {
  const content = Uint8Array.from({ length: 5_000 }, (_, i) => (i * 17) & 0xff)

  it('is kept beside the organisation’s own, with its share', async () => {
    const { id } = await newOrganisation(db)
    await saveRouterArtifact(db, id, 'own', new Uint8Array([1]))
    expect(await setCanaryShare(db, id, 0.5)).toBe(false)
    await saveRouterCanary(db, id, { version: 'first', content: new Uint8Array([2]), share: 1 })
    await saveRouterCanary(db, id, { version: 'tried', content, share: 0.1 })
    expect(await findRouter(db, id)).toMatchObject({
      artifactVersion: 'own',
      canary: { version: 'tried', share: 0.1, updatedAt: expect.any(Date) },
    })
    expect(Buffer.from((await findRouterCanary(db, id)) ?? []).equals(Buffer.from(content))).toBe(
      true,
    )
    expect(await setCanaryShare(db, id, 0.25)).toBe(true)
    expect((await findRouter(db, id)).canary?.share).toBe(0.25)
    await expect(setCanaryShare(db, id, 1.5)).rejects.toThrow()
  })

  it('takes the place of the own one, whole, once', async () => {
    const { id } = await newOrganisation(db)
    expect(await promoteRouterCanary(db, id)).toBeNull()
    await saveRouterArtifact(db, id, 'own', new Uint8Array([1]))
    await saveRouterCanary(db, id, { version: 'tried', content, share: 0.1 })
    expect(
      (await Promise.all([promoteRouterCanary(db, id), promoteRouterCanary(db, id)])).sort(),
    ).toEqual([null, 'tried'])
    expect(await findRouter(db, id)).toMatchObject({ artifactVersion: 'tried', canary: null })
    const stored = await findRouterArtifact(db, id)
    expect(Buffer.from(stored ?? []).equals(Buffer.from(content))).toBe(true)
    await deleteRouterArtifact(db, id)
    expect((await findRouter(db, id)).artifactVersion).toBeNull()
  })

  it('is discarded, and the own one stays', async () => {
    const { id } = await newOrganisation(db)
    await saveRouterArtifact(db, id, 'own', new Uint8Array([1]))
    await saveRouterCanary(db, id, { version: 'tried', content, share: 0.1 })
    expect([await discardRouterCanary(db, id), await discardRouterCanary(db, id)]).toEqual([
      true,
      false,
    ])
    expect(await findRouter(db, id)).toMatchObject({ artifactVersion: 'own', canary: null })
  })
})

/** Latencies as a row of outcomes holds them. */
const statisticsOf = (values: readonly number[]) => {
  const mean = values.reduce((a, b) => a + b, 0) / Math.max(1, values.length)
  return [values.length, mean, values.reduce((sum, value) => sum + (value - mean) ** 2, 0)] as const
}

describe('outcomes', () => {
  type Row = readonly [
    candidate: string,
    version: string,
    cluster: number,
    trials: number,
    successes: number,
    latencies: readonly number[],
  ]
  const keep = async (id: string, rows: readonly Row[]) => {
    for (const [candidate, version, cluster, trials, successes, latencies] of rows)
      await runSql(
        `INSERT INTO router_outcomes (organisation_id, candidate, artifact_version, cluster, trials,
           success_sum, latency_count, latency_mean_ms, latency_m2)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
        [id, candidate, version, cluster, trials, successes, ...statisticsOf(latencies)],
      )
  }

  it('are read by cluster of the artifacts named, and together for all others', async () => {
    const { id } = await newOrganisation(db)
    await keep(id, [
      ['p/a', 'v1', 0, 10, 7.5, [100, 200]],
      ['p/a', 'v1', 3, 4, 1, [50]],
      ['p/a', 'v0', 0, 100, 60, [10, 20, 30]],
      ['p/a', 'v0', 1, 50, 20, [400]],
      ['p/a', '', -1, 1, 1, [5, 7]],
      ['p/b', 'v0', 9, 0, 0, []],
    ])
    const other = await newOrganisation(db)
    await keep(other.id, [['p/a', 'v1', 0, 999, 999, [1]]])
    const [count, mean, m2] = statisticsOf([10, 20, 30, 400, 5, 7])
    const found = await findOutcomes(db, id, ['v1', 'v2'])
    expect(found).toMatchObject([
      { candidate: 'p/a', artifactVersion: '', cluster: -1, trials: 151, successes: 81 },
      { candidate: 'p/a', artifactVersion: 'v1', cluster: 0, trials: 10, successes: 7.5 },
      { candidate: 'p/a', artifactVersion: 'v1', cluster: 3, trials: 4, latencyMeanMs: 50 },
      { candidate: 'p/b', artifactVersion: '', trials: 0, latencyCount: 0, latencyMeanMs: 0 },
    ])
    expect(found[0]?.latencyCount).toBe(count)
    expect(found[0]?.latencyMeanMs).toBeCloseTo(mean, 9)
    expect(found[0]?.latencyM2).toBeCloseTo(m2, 6)
    expect(found[1]).toMatchObject({ latencyCount: 2, latencyMeanMs: 150, latencyM2: 5_000 })
  })

  it('come from the ledger by artifact, the last totals for each', async () => {
    const { id } = await newOrganisation(db)
    const row = (artifactVersion: string, trials: number) => ({
      candidate: 'p/a',
      artifactVersion,
      cluster: artifactVersion === '' ? -1 : 4,
      version: 1,
      trials,
      successSum: trials / 2,
      latencyCount: 2,
      latencyMeanMs: 150,
      latencyM2: 5_000,
    })
    const batch = { organisationId: id, records: [], hours: [], feedback: [] }
    await flushLedger(db, { ...batch, outcomes: [row('v1', 10), row('v2', 20)] }, RETENTION)
    await flushLedger(db, { ...batch, outcomes: [row('v1', 12), row('', 2)] }, RETENTION)
    expect(await findOutcomes(db, id, ['v1', 'v2'])).toMatchObject([
      { artifactVersion: '', cluster: -1, trials: 2, latencyMeanMs: 150 },
      { artifactVersion: 'v1', cluster: 4, trials: 12, successes: 6, latencyM2: 5_000 },
      { artifactVersion: 'v2', cluster: 4, trials: 20, latencyCount: 2 },
    ])
  })

  it('are counted by artifact, with decisions by bucket of the last week', async () => {
    const { id } = await newOrganisation(db)
    await keep(id, [
      ['p/a', 'v1', 0, 10, 7, [100, 200]],
      ['p/b', 'v1', 1, 10, 3, [300]],
    ])
    const hour = (version: string, bucket: string, requests: number, errors: number) =>
      runSql(
        `INSERT INTO llm_hours (organisation_id, hour, key_id, kind, provider, model, bucket, artifact_version,
           requests, errors, cancelled, fallbacks, cache_hits, input_tokens, cached_input_tokens,
           cache_write_tokens, output_tokens, reasoning_tokens, cost_nano_usd, strong_cost_nano_usd,
           latency_sketch, ttft_sketch)
         VALUES ($1, date_trunc('hour', now() - interval '1 hour'), NULL, 'chat', 'p', 'a', $2, $3,
           $4, $5, 0, 0, 0, 0, 0, 0, 0, 0, 25, 0, '', '')`,
        [id, bucket, version, requests, errors],
      )
    await hour('v1', 'cheap', 8, 1)
    await hour('v1', 'hard', 2, 0)
    await hour('v0', 'cheap', 77, 0)
    const nothing = { errors: 0, costNanoUsd: 0, trials: 0, successRate: null, latencyCount: 0 }
    expect(await countArtifacts(db, id, ['v1', 'v2'])).toEqual([
      {
        artifactVersion: 'v1',
        decisions: { cheap: 8, mid: 0, hard: 2 },
        errors: 1,
        costNanoUsd: 50,
        trials: 20,
        successRate: 0.5,
        latencyCount: 3,
        latencyMeanMs: 200,
      },
      {
        artifactVersion: 'v2',
        decisions: { cheap: 0, mid: 0, hard: 0 },
        ...nothing,
        latencyMeanMs: null,
      },
    ])
  })
})
