import { textArray } from './array-literal.ts'
import type { Database } from './client.ts'

/** Totals of one candidate, near one cluster of one artifact or of all other artifacts together. */
export interface StoredOutcome {
  readonly candidate: string
  /** '' for all other artifacts. */
  readonly artifactVersion: string
  /** −1 for all other artifacts. */
  readonly cluster: number
  readonly trials: number
  readonly successes: number
  readonly latencyCount: number
  readonly latencyMeanMs: number
  /** Sum of squared deviations from the mean, ms². */
  readonly latencyM2: number
}

/** More rows than 64 candidates have in 256 clusters of two artifacts. */
const OUTCOMES_MAX = 40_000

/**
 * What became of an organisation's requests: by cluster for the artifacts named, and one row a candidate for
 * all others, whose clusters are not theirs. Latencies are joined exactly, as PostgreSQL's own aggregates.
 */
export const findOutcomes = async (
  db: Database,
  organisationId: string,
  versions: readonly string[],
): Promise<StoredOutcome[]> => {
  const text = `SELECT candidate,
      CASE WHEN is_known THEN artifact_version ELSE '' END AS "artifactVersion",
      CASE WHEN is_known THEN cluster ELSE -1 END AS cluster,
      sum(trials)::float8 AS trials, sum(success_sum) AS successes,
      sum(latency_count)::float8 AS "latencyCount",
      coalesce(sum(latency_count * latency_mean_ms) / nullif(sum(latency_count), 0), 0) AS "latencyMeanMs",
      coalesce(sum(latency_m2 + latency_count * (latency_mean_ms - mean_ms) ^ 2), 0) AS "latencyM2"
    FROM (
      SELECT *, sum(latency_count * latency_mean_ms) OVER part / nullif(sum(latency_count) OVER part, 0) AS mean_ms
      FROM (
        SELECT *, artifact_version = ANY ($2::text[]) AND cluster >= 0 AS is_known
        FROM router_outcomes WHERE organisation_id = $1::uuid
      ) AS marked
      WINDOW part AS (
        PARTITION BY candidate, is_known, CASE WHEN is_known THEN artifact_version END,
          CASE WHEN is_known THEN cluster END
      )
    ) AS centred
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3 LIMIT ${OUTCOMES_MAX}`
  return db.query<StoredOutcome>({ text, params: [organisationId, textArray(versions)] })
}

/** What one artifact did for an organisation. */
export interface ArtifactCounts {
  readonly artifactVersion: string
  /** Decisions of the window, by bucket. */
  readonly decisions: { readonly cheap: number; readonly mid: number; readonly hard: number }
  /** Of these, requests that failed or broke off. */
  readonly errors: number
  readonly costNanoUsd: number
  /** Since the beginning: feedback on success, and measured answers. */
  readonly trials: number
  /** Null without trials. */
  readonly successRate: number | null
  readonly latencyCount: number
  /** Null where none was measured. */
  readonly latencyMeanMs: number | null
}

/** Decisions are counted over so many days. */
export const COUNTED_DAYS = 7

/** @returns one a version, also for those that decided nothing yet */
export const countArtifacts = async (
  db: Database,
  organisationId: string,
  versions: readonly string[],
): Promise<ArtifactCounts[]> => {
  const text = `SELECT version AS "artifactVersion", decided.*, became.*
    FROM unnest($2::text[]) AS asked(version)
    CROSS JOIN LATERAL (
      SELECT coalesce(sum(requests) FILTER (WHERE bucket = 'cheap'), 0)::float8 AS cheap,
        coalesce(sum(requests) FILTER (WHERE bucket = 'mid'), 0)::float8 AS mid,
        coalesce(sum(requests) FILTER (WHERE bucket = 'hard'), 0)::float8 AS hard,
        coalesce(sum(errors), 0)::float8 AS errors, coalesce(sum(cost_nano_usd), 0)::float8 AS "costNanoUsd"
      FROM llm_hours
      WHERE organisation_id = $1::uuid AND artifact_version = version
        AND hour >= now() - make_interval(days => ${COUNTED_DAYS})
    ) AS decided
    CROSS JOIN LATERAL (
      SELECT coalesce(sum(trials), 0)::float8 AS trials,
        sum(success_sum) / nullif(sum(trials), 0) AS "successRate",
        coalesce(sum(latency_count), 0)::float8 AS "latencyCount",
        sum(latency_count * latency_mean_ms) / nullif(sum(latency_count), 0) AS "latencyMeanMs"
      FROM router_outcomes
      WHERE organisation_id = $1::uuid AND artifact_version = version
    ) AS became`
  type Row = Omit<ArtifactCounts, 'decisions'> & ArtifactCounts['decisions']
  const rows = await db.query<Row>({ text, params: [organisationId, textArray(versions)] })
  return rows.map(({ cheap, mid, hard, ...rest }) => ({ ...rest, decisions: { cheap, mid, hard } }))
}
