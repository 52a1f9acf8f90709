import { parseArgs } from 'node:util'
import pg from 'pg'

/**
 * `node scripts/export-outcomes.ts --database URL --organisation SLUG > outcomes.ndjson`: what became of an
 * organisation's requests, for `npm run train:router -- --outcomes`: one JSON object a line, oldest first,
 * of every request whose answer was judged by feedback. No text of a request is in it, or was ever kept.
 */
const { values } = parseArgs({
  options: { database: { type: 'string' }, organisation: { type: 'string' } },
})
if (!values.database || !values.organisation) {
  console.error('--database names the database, --organisation the slug of whose outcomes')
  process.exit(2)
}

const CONNECT_TIMEOUT_MS = 10_000
const PAGE_ROWS = 5_000
/** As many as training takes. */
const ROWS_MAX = 1_000_000

/** The request's own row is gone after its days, or was made for a decision alone; feedback stays. */
const PAGE = `SELECT json_build_object(
    'features', (
      SELECT json_agg(nullif(value, 'NaN') ORDER BY place)
      FROM unnest(r.features) WITH ORDINALITY AS given(value, place)
    ),
    'cluster', f.cluster, 'artifactVersion', f.artifact_version,
    'provider', f.provider, 'model', f.model, 'score', f.score,
    'latencyMs', coalesce(f.latency_ms, r.latency_ms, 0),
    'costUsd', coalesce(r.cost_nano_usd, 0) / 1e9)::text AS line
  FROM llm_feedback AS f
  JOIN organisations AS o ON o.id = f.organisation_id AND o.slug = $1
  LEFT JOIN llm_requests AS r
    ON r.organisation_id = f.organisation_id AND r.at = f.decided_at AND r.id = f.decision_id
  WHERE f.score IS NOT NULL AND f.provider <> ''
  ORDER BY f.at, f.decision_id`

const client = new pg.Client({
  connectionString: values.database,
  connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
})
await client.connect()
try {
  await client.query('BEGIN READ ONLY')
  await client.query(`DECLARE outcomes NO SCROLL CURSOR FOR ${PAGE}`, [values.organisation])
  for (let count = 0; count < ROWS_MAX; count += PAGE_ROWS) {
    const { rows } = await client.query<{ line: string }>(`FETCH ${PAGE_ROWS} FROM outcomes`)
    if (rows.length === 0) break
    process.stdout.write(rows.map(({ line }) => `${line}\n`).join(''))
  }
  await client.query('COMMIT')
} finally {
  await client.end()
}
