import { HOUR_SUMS } from '../ledger/hour-aggregate.ts'
import type { HourRow } from '../ledger/journal.ts'
import type { FeedbackRow, OutcomeRow } from '../ledger/outcome-store.ts'
import type { RequestRecord } from '../ledger/types.ts'
import { base64Array, numberArray, textArray } from './array-literal.ts'
import type { Database, Statement } from './client.ts'
import { sqlState } from './faults.ts'
import { maintainTiers, type TierRetention } from './partition-queries.ts'

/** What a row that fits no partition raises; `check_violation`. */
const NO_PARTITION = '23514'

/** What a ledger has for PostgreSQL. */
export interface LedgerBatch {
  readonly organisationId: string
  readonly records: readonly RequestRecord[]
  readonly hours: readonly HourRow[]
  readonly outcomes: readonly OutcomeRow[]
  readonly feedback: readonly FeedbackRow[]
}

/**
 * Writes a batch in one transaction and one round trip: all of it or nothing. Records are written once, the
 * rest is absolute and keyed, so the same batch again changes nothing. Records older than the retention, and
 * everything of an organisation that is gone, are dropped.
 *
 * @throws what `faultOf` reads; the batch then left no trace and may be sent again
 */
export const flushLedger = async (
  db: Database,
  batch: LedgerBatch,
  retention: TierRetention,
): Promise<void> => {
  const statements = ledgerStatements(batch, retention)
  if (statements.length === 0) return
  try {
    await db.transaction(statements)
  } catch (error) {
    if (sqlState(error) !== NO_PARTITION) throw error
    await maintainTiers(db, retention)
    await db.transaction(statements)
  }
}

const ledgerStatements = (batch: LedgerBatch, retention: TierRetention): Statement[] => {
  const { organisationId, records, hours, outcomes, feedback } = batch
  const statements: Statement[] = []
  if (records.length > 0)
    statements.push({
      text: REQUESTS,
      params: [organisationId, String(retention.requestDays), JSON.stringify(records)],
    })
  if (hours.length > 0)
    statements.push({
      text: HOURS,
      params: [
        organisationId,
        String(retention.hourDays),
        JSON.stringify(hours.map(({ group, sums }) => ({ ...group, ...sums }))),
        base64Array(hours.map(({ latency }) => latency)),
        base64Array(hours.map(({ timeToFirstToken }) => timeToFirstToken)),
      ],
    })
  if (outcomes.length > 0)
    statements.push({
      text: OUTCOMES,
      params: [
        organisationId,
        textArray(outcomes.map(({ candidate }) => candidate)),
        textArray(outcomes.map(({ artifactVersion }) => artifactVersion)),
        ...OUTCOME_NUMBERS.map((name) => numberArray(outcomes.map((row) => row[name]))),
      ],
    })
  if (feedback.length > 0)
    statements.push({ text: FEEDBACK, params: [organisationId, JSON.stringify(feedback)] })
  return statements
}

const EXISTS = 'EXISTS (SELECT FROM organisations WHERE id = $1::uuid)'
/** The first day that is kept. */
const RETAINED = `date_trunc('day', now(), 'UTC') - make_interval(days => $2::integer)`

/** Columns of `llm_requests` behind organisation and time, by the record's members. */
const RECORD_COLUMNS = {
  id: ['id', 'uuid'],
  keyId: ['key_id', 'uuid'],
  kind: ['kind', 'text'],
  outcome: ['outcome', 'text'],
  fault: ['fault', 'text'],
  requestedModel: ['requested_model', 'text'],
  provider: ['provider', 'text'],
  model: ['model', 'text'],
  bucket: ['bucket', 'text'],
  cluster: ['cluster', 'integer'],
  artifactVersion: ['artifact_version', 'text'],
  isCanary: ['is_canary', 'boolean'],
  attempts: ['attempts', 'integer'],
  isStream: ['is_stream', 'boolean'],
  cache: ['cache', 'text'],
  inputTokens: ['input_tokens', 'bigint'],
  cachedInputTokens: ['cached_input_tokens', 'bigint'],
  cacheWriteTokens: ['cache_write_tokens', 'bigint'],
  outputTokens: ['output_tokens', 'bigint'],
  reasoningTokens: ['reasoning_tokens', 'bigint'],
  usageSource: ['usage_source', 'text'],
  costNanoUsd: ['cost_nano_usd', 'bigint'],
  strongCostNanoUsd: ['strong_cost_nano_usd', 'bigint'],
  latencyMs: ['latency_ms', 'float8'],
  timeToFirstTokenMs: ['time_to_first_token_ms', 'float8'],
  features: ['features', 'real[]'],
} as const satisfies Record<Exclude<keyof RequestRecord, 'atMs'>, readonly [string, string]>

const columns = Object.entries(RECORD_COLUMNS)

const REQUESTS = `INSERT INTO llm_requests (organisation_id, at, ${columns.map(([, [column]]) => column).join(', ')})
  SELECT $1::uuid, to_timestamp("atMs" / 1000), ${columns.map(([member]) => `"${member}"`).join(', ')}
  FROM json_to_recordset($3::json) AS batch ("atMs" float8,
    ${columns.map(([member, [, type]]) => `"${member}" ${type}`).join(', ')})
  WHERE to_timestamp("atMs" / 1000) >= ${RETAINED} AND ${EXISTS}
  ON CONFLICT (organisation_id, at, id) DO NOTHING`

const snake = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
const sums = HOUR_SUMS.map(snake)

const HOURS = `INSERT INTO llm_hours (organisation_id, hour, key_id, kind, provider, model, bucket, artifact_version,
    ${sums.join(', ')}, latency_sketch, ttft_sketch)
  SELECT $1::uuid, to_timestamp("hourMs" / 1000), "keyId", kind, provider, model, bucket, "artifactVersion",
    ${HOUR_SUMS.map((sum) => `"${sum}"`).join(', ')}, decode(latency, 'base64'), decode(ttft, 'base64')
  FROM ROWS FROM (
    json_to_recordset($3::json) AS ("hourMs" float8, "keyId" uuid, kind text, provider text, model text,
      bucket text, "artifactVersion" text, ${HOUR_SUMS.map((sum) => `"${sum}" bigint`).join(', ')}),
    unnest($4::text[]), unnest($5::text[])
  ) AS batch ("hourMs", "keyId", kind, provider, model, bucket, "artifactVersion",
    ${HOUR_SUMS.map((sum) => `"${sum}"`).join(', ')}, latency, ttft)
  WHERE to_timestamp("hourMs" / 1000) >= ${RETAINED} AND ${EXISTS}
  ON CONFLICT (organisation_id, hour, key_id, kind, provider, model, bucket, artifact_version) DO UPDATE SET
    ${[...sums, 'latency_sketch', 'ttft_sketch'].map((column) => `${column} = excluded.${column}`).join(', ')}
    WHERE excluded.requests >= llm_hours.requests`

const OUTCOME_NUMBERS = [
  'cluster',
  'trials',
  'successSum',
  'latencyCount',
  'latencyMeanMs',
  'latencyM2',
] as const
const outcomeColumns = OUTCOME_NUMBERS.map(snake)

const OUTCOMES = `INSERT INTO router_outcomes (organisation_id, candidate, artifact_version,
    ${outcomeColumns.join(', ')}, updated_at)
  SELECT $1::uuid, batch.*, now()
  FROM unnest($2::text[], $3::text[], $4::integer[], $5::bigint[], $6::float8[], $7::bigint[], $8::float8[],
    $9::float8[]) AS batch
  WHERE ${EXISTS}
  ON CONFLICT (organisation_id, candidate, artifact_version, cluster) DO UPDATE SET
    ${[...outcomeColumns.slice(1), 'updated_at'].map((column) => `${column} = excluded.${column}`).join(', ')}`

const FEEDBACK = `INSERT INTO llm_feedback (organisation_id, decision_id, at, decided_at, success, score, latency_ms,
    provider, model, bucket, cluster, artifact_version, is_canary)
  SELECT $1::uuid, "decisionId", to_timestamp("atMs" / 1000), to_timestamp("decidedAtMs" / 1000), success, score,
    "latencyMs", provider, model, bucket, cluster, "artifactVersion", "isCanary"
  FROM json_to_recordset($2::json) AS batch ("decisionId" uuid, "atMs" float8, "decidedAtMs" float8, success boolean,
    score float8, "latencyMs" float8, provider text, model text, bucket text, cluster integer,
    "artifactVersion" text, "isCanary" boolean)
  WHERE ${EXISTS}
  ON CONFLICT (organisation_id, decision_id) DO UPDATE SET at = excluded.at, success = excluded.success,
    score = excluded.score, latency_ms = excluded.latency_ms
    WHERE excluded.at >= llm_feedback.at`
