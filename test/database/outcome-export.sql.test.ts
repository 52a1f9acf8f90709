import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { expect, inject, it } from 'vitest'
import { readSingleOutcomes } from '../../scripts/training/outcomes.ts'
import { flushLedger } from '../../src/database/ledger-queries.ts'
import { FEATURE_NAMES } from '../../src/routing/features.ts'
import { recordOf } from '../ledger/records.ts'
import { database, newOrganisation, RETENTION } from './fixtures.ts'

const SCRIPT = path.join(import.meta.dirname, '../../scripts/export-outcomes.ts')
const run = promisify(execFile)

it('judged requests of one organisation are exported as training reads them', async () => {
  const db = database()
  const [ours, theirs] = [await newOrganisation(db), await newOrganisation(db)]
  const features = FEATURE_NAMES.map((_, i) =>
    i === FEATURE_NAMES.length - 1 ? Number.NaN : i / 2,
  )
  const [judged, unjudged] = [recordOf({ features }), recordOf()]
  const told = {
    decisionId: judged.id,
    version: 1,
    atMs: judged.atMs + 1,
    decidedAtMs: judged.atMs,
    success: true,
    score: 0.75,
    latencyMs: null,
    provider: judged.provider,
    model: judged.model,
    bucket: judged.bucket,
    cluster: judged.cluster,
    artifactVersion: judged.artifactVersion,
    isCanary: false,
  }
  const nothing = { hours: [], outcomes: [] }
  // Its request's row is gone, as after its days.
  const outlived = { ...told, decisionId: crypto.randomUUID(), atMs: told.atMs + 1, latencyMs: 90 }
  await flushLedger(
    db,
    {
      ...nothing,
      organisationId: ours.id,
      records: [judged, unjudged],
      feedback: [told, outlived],
    },
    RETENTION,
  )
  const other = recordOf()
  await flushLedger(
    db,
    {
      ...nothing,
      organisationId: theirs.id,
      records: [other],
      feedback: [{ ...told, decisionId: other.id, decidedAtMs: other.atMs }],
    },
    RETENTION,
  )
  const { stdout } = await run(process.execPath, [
    SCRIPT,
    '--database',
    inject('databaseUrl'),
    '--organisation',
    ours.slug,
  ])
  const names = { clusters: 24, versions: [judged.artifactVersion ?? ''] }
  const common = { cluster: 3, provider: 'openai', model: 'gpt-5-mini', score: 0.75 }
  expect(readSingleOutcomes(stdout, names)).toMatchObject([
    { ...common, features: Float64Array.from(features), latencyMs: 812.5, costUsd: 0.00019 },
    { ...common, features: null, latencyMs: 90, costUsd: 0 },
  ])
})
