import { err, ok, type Result } from '../result.ts'
import type { Database } from './client.ts'
import { type CursorError, decodeCursor, encodeCursor } from './cursor.ts'
import { Parameters } from './keyset.ts'
import { isUuid } from './vm-rows.ts'

/** A stretch of time, ms since the epoch; `toMs` is not in it. */
export interface Range {
  readonly fromMs: number
  readonly toMs: number
}

export interface RequestFilter {
  readonly limit: number
  readonly cursor?: string | undefined
  readonly key?: string | undefined
  /** `provider/model`, or a model of any provider. */
  readonly model?: string | undefined
  readonly outcome?: string | undefined
}

const SORT = 'llm-requests'
/** Latest instant of a Date, ms since the epoch: a cursor may name later ones that PostgreSQL has not. */
const INSTANT_MS_MAX = 8.64e15

const REQUEST_FIELDS = `jsonb_build_object(
  'id', id, 'atMs', round(date_part('epoch', at) * 1000), 'keyId', key_id, 'kind', kind, 'outcome', outcome,
  'fault', fault, 'requestedModel', requested_model, 'provider', provider, 'model', model, 'bucket', bucket,
  'cluster', cluster, 'artifactVersion', artifact_version, 'isCanary', is_canary, 'attempts', attempts,
  'isStream', is_stream, 'cache', cache, 'inputTokens', input_tokens, 'cachedInputTokens', cached_input_tokens,
  'cacheWriteTokens', cache_write_tokens, 'outputTokens', output_tokens, 'reasoningTokens', reasoning_tokens,
  'usageSource', usage_source, 'costNanoUsd', cost_nano_usd, 'strongCostNanoUsd', strong_cost_nano_usd,
  'latencyMs', latency_ms, 'timeToFirstTokenMs', time_to_first_token_ms)`

/** A row of `llm_requests` without its features; money in billionths of a dollar. */
export type StoredRequest = { readonly id: string; readonly atMs: number } & Readonly<
  Record<string, unknown>
>

/** An organisation's requests, the newest first. */
export const listRequests = async (
  db: Database,
  organisationId: string,
  { limit, cursor, key, model, outcome }: RequestFilter,
): Promise<
  Result<{ requests: readonly StoredRequest[]; nextCursor: string | null }, CursorError>
> => {
  const parameters = new Parameters()
  const where = [`organisation_id = ${parameters.add(organisationId, 'uuid')}`]
  if (cursor !== undefined) {
    const keys = decodeCursor(cursor, SORT, ['integer', 'text'])
    if (!keys.ok) return keys
    const [ms = '', id = ''] = keys.value
    const isInstant = Number(ms) >= 0 && Number(ms) <= INSTANT_MS_MAX
    if (!isInstant || !isUuid(id)) return err({ reason: 'cursor-invalid' })
    const at = `to_timestamp(${parameters.add(ms, 'float8')} / 1000)`
    where.push(`(at, id) < (${at}, ${parameters.add(id, 'uuid')})`)
  }
  if (key !== undefined) where.push(`key_id = ${parameters.add(key, 'uuid')}`)
  if (outcome !== undefined) where.push(`outcome = ${parameters.add(outcome, 'text')}`)
  if (model !== undefined) {
    const name = parameters.add(model, 'text')
    where.push(`(model = ${name} OR provider || '/' || model = ${name})`)
  }
  const rows = await db.query<{ request: StoredRequest }>({
    text: `SELECT ${REQUEST_FIELDS} AS request FROM llm_requests WHERE ${where.join(' AND ')}
      ORDER BY at DESC, id DESC LIMIT ${parameters.add(limit + 1, 'integer')}`,
    params: parameters.values,
  })
  const requests = rows.slice(0, limit).map(({ request }) => request)
  const last = requests.at(-1)
  const hasMore = rows.length > limit && last !== undefined
  return ok({
    requests,
    nextCursor: hasMore ? encodeCursor(SORT, [String(last.atMs), last.id]) : null,
  })
}

export const SPEND_DIMENSIONS = ['key', 'model', 'provider', 'bucket'] as const
export type SpendDimension = (typeof SPEND_DIMENSIONS)[number]
export const SPEND_STEPS = ['hour', 'day'] as const
export type SpendStep = (typeof SPEND_STEPS)[number]

const DIMENSION_COLUMNS: Readonly<Record<SpendDimension, string>> = {
  key: `coalesce(key_id::text, '')`,
  model: `CASE WHEN provider = '' THEN '' ELSE provider || '/' || model END`,
  provider: 'provider',
  bucket: 'bucket',
}

export interface SpendRow {
  readonly atMs: number
  /** Key, model, provider or bucket; '' where there is none. */
  readonly name: string
  readonly requests: number
  readonly errors: number
  readonly inputTokens: number
  readonly outputTokens: number
  readonly costNanoUsd: number
}

/** Spend by time and dimension, ascending; decisions without a request cost nothing and are left out. */
export const listSpend = async (
  db: Database,
  organisationId: string,
  { fromMs, toMs }: Range,
  step: SpendStep,
  by: SpendDimension,
  limit: number,
): Promise<SpendRow[]> => {
  const rows = await db.query<Record<keyof SpendRow, string>>({
    text: `SELECT round(date_part('epoch', date_trunc($4, hour, 'UTC')) * 1000) AS "atMs",
        ${DIMENSION_COLUMNS[by]} AS name, sum(requests) AS requests, sum(errors) AS errors,
        sum(input_tokens) AS "inputTokens", sum(output_tokens) AS "outputTokens", sum(cost_nano_usd) AS "costNanoUsd"
      FROM llm_hours WHERE organisation_id = $1::uuid AND kind <> 'route'
        AND hour >= to_timestamp($2::float8 / 1000) AND hour < to_timestamp($3::float8 / 1000)
      GROUP BY 1, 2 ORDER BY 1, 2 LIMIT $5::integer`,
    params: [organisationId, String(fromMs), String(toMs), step, String(limit)],
  })
  return rows.map(({ name, ...counts }) => ({ name, ...numbersOf(counts) }))
}

const numbersOf = <Name extends string>(texts: Record<Name, string>): Record<Name, number> =>
  Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, Number(text)])) as Record<
    Name,
    number
  >

/** An hour's group with a decision, as statistics need it. */
export interface DecisionHour {
  readonly bucket: string
  readonly provider: string
  readonly model: string
  readonly artifactVersion: string
  readonly isServed: boolean
  readonly requests: number
  readonly errors: number
  readonly costNanoUsd: number
  readonly strongCostNanoUsd: number
  /** `Histogram.toBytes()`, ms; so is `timeToFirstToken`. */
  readonly latency: Uint8Array
  readonly timeToFirstToken: Uint8Array
}

/** Hours with decisions of the router, the newest first, at most `limit`. */
export const listDecisionHours = async (
  db: Database,
  organisationId: string,
  { fromMs, toMs }: Range,
  limit: number,
): Promise<DecisionHour[]> => {
  const rows = await db.query<Record<string, string>>({
    text: `SELECT bucket, provider, model, artifact_version, kind, requests, errors, cost_nano_usd, strong_cost_nano_usd,
        encode(latency_sketch, 'base64') AS latency, encode(ttft_sketch, 'base64') AS ttft
      FROM llm_hours WHERE organisation_id = $1::uuid AND bucket <> ''
        AND hour >= to_timestamp($2::float8 / 1000) AND hour < to_timestamp($3::float8 / 1000)
      ORDER BY hour DESC LIMIT $4::integer`,
    params: [organisationId, String(fromMs), String(toMs), String(limit)],
  })
  return rows.map((row) => ({
    bucket: row.bucket ?? '',
    provider: row.provider ?? '',
    model: row.model ?? '',
    artifactVersion: row.artifact_version ?? '',
    isServed: row.kind !== 'route',
    requests: Number(row.requests),
    errors: Number(row.errors),
    costNanoUsd: Number(row.cost_nano_usd),
    strongCostNanoUsd: Number(row.strong_cost_nano_usd),
    latency: fromBase64(row.latency ?? ''),
    timeToFirstToken: fromBase64(row.ttft ?? ''),
  }))
}

const fromBase64 = (text: string): Uint8Array =>
  Uint8Array.from(atob(text.replaceAll('\n', '')), (character) => character.charCodeAt(0))

export interface ArtifactFeedback {
  readonly artifactVersion: string
  readonly isCanary: boolean
  readonly feedback: number
  /** Mean of scores; null where none was told. */
  readonly meanScore: number | null
}

/** Feedback on decisions of the range, by the artifact that made them. */
export const countFeedback = async (
  db: Database,
  organisationId: string,
  { fromMs, toMs }: Range,
): Promise<ArtifactFeedback[]> => {
  const rows = await db.query<{
    artifact_version: string
    is_canary: boolean
    feedback: string
    mean_score: number | null
  }>({
    text: `SELECT artifact_version, is_canary, count(*) AS feedback, avg(score) AS mean_score FROM llm_feedback
      WHERE organisation_id = $1::uuid AND artifact_version IS NOT NULL
        AND decided_at >= to_timestamp($2::float8 / 1000) AND decided_at < to_timestamp($3::float8 / 1000)
      GROUP BY 1, 2 ORDER BY 1, 2`,
    params: [organisationId, String(fromMs), String(toMs)],
  })
  return rows.map((row) => ({
    artifactVersion: row.artifact_version,
    isCanary: row.is_canary,
    feedback: Number(row.feedback),
    meanScore: row.mean_score,
  }))
}
