import {
  bigint,
  boolean,
  doublePrecision,
  index,
  integer,
  pgTable,
  primaryKey,
  real,
  text,
  unique,
  uuid,
} from 'drizzle-orm/pg-core'
import { bytea, instant, organisations } from './schema.ts'

/** What the ledger writes of requests to language models; `migrations/` is generated from this and `schema.ts`. */

const count = (column: string) => bigint(column, { mode: 'number' }).notNull()

/**
 * Every request to a language model, and every decision about one. Partitioned by UTC day; no foreign key, as
 * `vmMetrics`. Provider and model are '' where nobody served it.
 */
export const llmRequests = pgTable(
  'llm_requests',
  {
    organisationId: uuid('organisation_id').notNull(),
    at: instant('at').notNull(),
    /** The decision's id, where one was made. */
    id: uuid('id').notNull(),
    /** Null for a client that came with its own credential of a provider. */
    keyId: uuid('key_id'),
    kind: text('kind', { enum: ['route', 'chat', 'embeddings'] }).notNull(),
    outcome: text('outcome', {
      enum: ['decided', 'ok', 'error', 'interrupted', 'cancelled'],
    }).notNull(),
    fault: text('fault'),
    requestedModel: text('requested_model'),
    provider: text('provider').notNull(),
    model: text('model').notNull(),
    bucket: text('bucket', { enum: ['cheap', 'mid', 'hard'] }),
    cluster: integer('cluster'),
    artifactVersion: text('artifact_version'),
    isCanary: boolean('is_canary').notNull(),
    attempts: integer('attempts').notNull(),
    isStream: boolean('is_stream').notNull(),
    cache: text('cache', { enum: ['none', 'exact', 'semantic'] }).notNull(),
    inputTokens: count('input_tokens'),
    cachedInputTokens: count('cached_input_tokens'),
    cacheWriteTokens: count('cache_write_tokens'),
    outputTokens: count('output_tokens'),
    reasoningTokens: count('reasoning_tokens'),
    usageSource: text('usage_source', { enum: ['provider', 'estimated', 'none'] }).notNull(),
    costNanoUsd: count('cost_nano_usd'),
    strongCostNanoUsd: count('strong_cost_nano_usd'),
    latencyMs: doublePrecision('latency_ms').notNull(),
    timeToFirstTokenMs: doublePrecision('time_to_first_token_ms'),
    /** Features of the request, in the order of FEATURE_NAMES; null where they are not kept. */
    features: real('features').array(),
  },
  (table) => [primaryKey({ columns: [table.organisationId, table.at, table.id] })],
)

/**
 * `llmRequests` by hour; sketches are `Histogram.toBytes()` of milliseconds. Partitioned by month; no foreign
 * key, as `vmMetrics`. `bucket` and `artifactVersion` are '' where no decision was made.
 */
export const llmHours = pgTable(
  'llm_hours',
  {
    organisationId: uuid('organisation_id').notNull(),
    hour: instant('hour').notNull(),
    /** Null for clients that came with their own credential of a provider. */
    keyId: uuid('key_id'),
    kind: text('kind', { enum: ['route', 'chat', 'embeddings'] }).notNull(),
    provider: text('provider').notNull(),
    model: text('model').notNull(),
    bucket: text('bucket', { enum: ['cheap', 'mid', 'hard', ''] }).notNull(),
    artifactVersion: text('artifact_version').notNull(),
    requests: count('requests'),
    /** Outcomes `error` and `interrupted`. */
    errors: count('errors'),
    cancelled: count('cancelled'),
    /** Requests for which more than one provider was asked. */
    fallbacks: count('fallbacks'),
    cacheHits: count('cache_hits'),
    inputTokens: count('input_tokens'),
    cachedInputTokens: count('cached_input_tokens'),
    cacheWriteTokens: count('cache_write_tokens'),
    outputTokens: count('output_tokens'),
    reasoningTokens: count('reasoning_tokens'),
    costNanoUsd: count('cost_nano_usd'),
    strongCostNanoUsd: count('strong_cost_nano_usd'),
    latencySketch: bytea('latency_sketch').notNull(),
    ttftSketch: bytea('ttft_sketch').notNull(),
  },
  (table) => [
    unique('llm_hours_key')
      .on(
        table.organisationId,
        table.hour,
        table.keyId,
        table.kind,
        table.provider,
        table.model,
        table.bucket,
        table.artifactVersion,
      )
      .nullsNotDistinct(),
  ],
)

/**
 * What became of requests, by candidate and the cluster that they were nearest to; totals since the beginning.
 * Clusters are an artifact's: the number means nothing under another version.
 */
export const routerOutcomes = pgTable(
  'router_outcomes',
  {
    organisationId: uuid('organisation_id')
      .notNull()
      .references(() => organisations.id, { onDelete: 'cascade' }),
    /** `provider/model`. */
    candidate: text('candidate').notNull(),
    /** Whose clusters these are; '' for requests whose client named the model. */
    artifactVersion: text('artifact_version').notNull().default(''),
    /** −1 for requests whose client named the model. */
    cluster: integer('cluster').notNull(),
    /** Decisions with feedback on success. */
    trials: count('trials'),
    /** Sum of their scores in [0, 1], exact to a millionth. */
    successSum: doublePrecision('success_sum').notNull(),
    latencyCount: count('latency_count'),
    latencyMeanMs: doublePrecision('latency_mean_ms').notNull(),
    /** Sum of squared deviations from the mean, ms². */
    latencyM2: doublePrecision('latency_m2').notNull(),
    updatedAt: instant('updated_at').notNull().defaultNow(),
  },
  (table) => [
    primaryKey({
      name: 'router_outcomes_key',
      columns: [table.organisationId, table.candidate, table.artifactVersion, table.cluster],
    }),
  ],
)

/** The last feedback on a decision, beside what the decision was, so that it outlives its request's row. */
export const llmFeedback = pgTable(
  'llm_feedback',
  {
    organisationId: uuid('organisation_id')
      .notNull()
      .references(() => organisations.id, { onDelete: 'cascade' }),
    decisionId: uuid('decision_id').notNull(),
    at: instant('at').notNull(),
    /** `llmRequests.at` of the decision. */
    decidedAt: instant('decided_at').notNull(),
    success: boolean('success'),
    /** [0, 1]; 1 or 0 where only success was told. */
    score: doublePrecision('score'),
    latencyMs: doublePrecision('latency_ms'),
    provider: text('provider').notNull(),
    model: text('model').notNull(),
    bucket: text('bucket', { enum: ['cheap', 'mid', 'hard'] }),
    cluster: integer('cluster'),
    artifactVersion: text('artifact_version'),
    isCanary: boolean('is_canary').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.organisationId, table.decisionId] }),
    index('llm_feedback_at').on(table.at),
  ],
)
