import { type Contribution, contributionOf } from './contributions.ts'
import type { Feedback } from './protocol.ts'
import type { RequestRecord } from './types.ts'

/** How long, and for how many of the newest, feedback on a decision is taken. */
export const DECISIONS_KEPT_MS = 48 * 3_600_000
export const DECISIONS_MAX = 200_000
/** Candidates and clusters that outcomes are kept of; what comes beyond is not counted. */
const OUTCOMES_MAX = 10_000
/** Old decisions that one round forgets. */
const FORGET_MAX = 50_000

/** `cluster` of requests whose client named the model. */
export const NO_CLUSTER = -1

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS decisions (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, at INTEGER NOT NULL,
    provider TEXT NOT NULL, model TEXT NOT NULL, bucket TEXT, cluster INTEGER, artifact TEXT,
    canary INTEGER NOT NULL, measured INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS feedback (
    id TEXT PRIMARY KEY, decision INTEGER NOT NULL, at INTEGER NOT NULL, success INTEGER, score REAL, latency_ms REAL,
    trials INTEGER NOT NULL, score_micro INTEGER NOT NULL, latency_count INTEGER NOT NULL, latency_sum INTEGER NOT NULL,
    latency_squares INTEGER NOT NULL, version INTEGER NOT NULL, pending INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS feedback_waiting ON feedback (at) WHERE pending = 1;
  CREATE TABLE IF NOT EXISTS outcomes (
    candidate TEXT NOT NULL, artifact TEXT NOT NULL, cluster INTEGER NOT NULL, trials INTEGER NOT NULL, score_micro INTEGER NOT NULL,
    latency_count INTEGER NOT NULL, latency_sum INTEGER NOT NULL, latency_squares INTEGER NOT NULL,
    version INTEGER NOT NULL, pending INTEGER NOT NULL, PRIMARY KEY (candidate, artifact, cluster)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS outcomes_waiting ON outcomes (candidate) WHERE pending = 1;
`

/** Totals of a candidate in a cluster of an artifact. */
export interface OutcomeRow {
  readonly candidate: string
  /** '' for requests whose client named the model. */
  readonly artifactVersion: string
  readonly cluster: number
  readonly version: number
  readonly trials: number
  readonly successSum: number
  readonly latencyCount: number
  readonly latencyMeanMs: number
  /** Sum of squared deviations from the mean, ms². */
  readonly latencyM2: number
}

/** Feedback beside the decision that it is on. */
export interface FeedbackRow extends Feedback {
  readonly version: number
  readonly atMs: number
  readonly decidedAtMs: number
  readonly provider: string
  readonly model: string
  readonly bucket: string | null
  readonly cluster: number | null
  readonly artifactVersion: string | null
  readonly isCanary: boolean
}

/** Decisions that feedback may come for, the feedback that came, and what both add up to. */
export class OutcomeStore {
  readonly #storage: DurableObjectStorage
  readonly #sql: SqlStorage

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage
    this.#sql = storage.sql
    this.#sql.exec(SCHEMA)
  }

  /** Keeps decisions for feedback. @returns ids of those that were not known */
  decide(records: readonly RequestRecord[]): Set<string> {
    const rows = records.map((record) => [
      record.id,
      record.atMs,
      record.provider,
      record.model,
      record.bucket,
      record.cluster,
      record.artifactVersion,
      record.isCanary ? 1 : 0,
      isMeasured(record) ? 1 : 0,
    ])
    const added = this.#sql.exec(
      `INSERT OR IGNORE INTO decisions (id, at, provider, model, bucket, cluster, artifact, canary, measured)
       SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
         value ->> 7, value ->> 8 FROM json_each(?) RETURNING id`,
      JSON.stringify(rows),
    )
    return new Set(Array.from(added, ({ id }) => String(id)))
  }

  /** Adds what the gateway measured itself. */
  measure(records: readonly RequestRecord[]): void {
    const sums = new Map<string, { record: RequestRecord; sum: Contribution }>()
    for (const record of records) {
      if (!isMeasured(record)) continue
      const name = JSON.stringify([
        record.provider,
        record.model,
        record.artifactVersion,
        record.cluster,
      ])
      const one = contributionOf(null, record.latencyMs)
      const before = sums.get(name)?.sum
      sums.set(name, { record, sum: before === undefined ? one : plus(before, one) })
    }
    for (const { record, sum } of sums.values())
      this.#add(`${record.provider}/${record.model}`, record.artifactVersion, record.cluster, sum)
  }

  /**
   * Takes the place of feedback that came before on the same decision: what that added is taken away.
   * @returns false where the decision is not known, or no longer
   */
  learn(feedback: Feedback, nowMs: number): boolean {
    const [decision] = this.#sql
      .exec('SELECT * FROM decisions WHERE id = ?', feedback.decisionId)
      .toArray()
    if (decision === undefined) return false
    const score = feedback.score ?? (feedback.success === null ? null : Number(feedback.success))
    // What the gateway measured stands; a client's measure is for decisions that it acted on itself.
    const after = contributionOf(score, decision.measured === 1 ? null : feedback.latencyMs)
    this.#storage.transactionSync(() => {
      const [before] = this.#sql
        .exec(`SELECT ${SUMS.join(', ')} FROM feedback WHERE id = ?`, feedback.decisionId)
        .toArray()
      const change = before === undefined ? after : minus(after, before as unknown as Contribution)
      const artifact = decision.artifact as string | null
      const cluster = decision.cluster as number | null
      if (decision.provider !== '')
        this.#add(`${decision.provider}/${decision.model}`, artifact, cluster, change)
      this.#sql.exec(
        `INSERT INTO feedback (id, decision, at, success, score, latency_ms, ${SUMS.join(', ')}, version, pending)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, 1)
         ON CONFLICT (id) DO UPDATE SET at = excluded.at, success = excluded.success, score = excluded.score,
           latency_ms = excluded.latency_ms, ${SUMS.map((name) => `${name} = excluded.${name}`).join(', ')},
           version = version + 1, pending = 1`,
        feedback.decisionId,
        decision.number as number,
        nowMs,
        feedback.success === null ? null : Number(feedback.success),
        score,
        feedback.latencyMs,
        ...SUMS.map((name) => after[name]),
      )
    })
    return true
  }

  #add(
    candidate: string,
    artifactVersion: string | null,
    cluster: number | null,
    sum: Contribution,
  ): void {
    this.#sql.exec(
      `INSERT INTO outcomes (candidate, artifact, cluster, ${SUMS.join(', ')}, version, pending)
       SELECT ?, ?, ?, ?, ?, ?, ?, ?, 1, 1
       WHERE (SELECT count(*) FROM outcomes) < ${OUTCOMES_MAX}
         OR EXISTS (SELECT 1 FROM outcomes WHERE candidate = ?1 AND artifact = ?2 AND cluster = ?3)
       ON CONFLICT (candidate, artifact, cluster) DO UPDATE SET
         ${SUMS.map((name) => `${name} = ${name} + excluded.${name}`).join(', ')}, version = version + 1, pending = 1`,
      candidate,
      artifactVersion ?? '',
      cluster ?? NO_CLUSTER,
      ...SUMS.map((name) => sum[name]),
    )
  }

  pendingOutcomes(limit: number): OutcomeRow[] {
    return this.#sql
      .exec('SELECT * FROM outcomes WHERE pending = 1 LIMIT ?', limit)
      .toArray()
      .map((row) => {
        const count = Number(row.latency_count)
        const sum = Number(row.latency_sum)
        return {
          candidate: String(row.candidate),
          artifactVersion: String(row.artifact),
          cluster: Number(row.cluster),
          version: Number(row.version),
          trials: Number(row.trials),
          successSum: Number(row.score_micro) / 1e6,
          latencyCount: count,
          latencyMeanMs: count === 0 ? 0 : sum / count,
          latencyM2:
            count === 0 ? 0 : Math.max(0, Number(row.latency_squares) - (sum * sum) / count),
        }
      })
  }

  pendingFeedback(limit: number): FeedbackRow[] {
    return this.#sql
      .exec(
        `SELECT feedback.*, decisions.at AS decided_at, provider, model, bucket, cluster, artifact, canary
         FROM feedback JOIN decisions ON decisions.id = feedback.id
         WHERE pending = 1 ORDER BY feedback.at LIMIT ?`,
        limit,
      )
      .toArray()
      .map((row) => ({
        decisionId: String(row.id),
        version: Number(row.version),
        atMs: Number(row.at),
        decidedAtMs: Number(row.decided_at),
        success: row.success === null ? null : row.success === 1,
        score: row.score as number | null,
        latencyMs: row.latency_ms as number | null,
        provider: String(row.provider),
        model: String(row.model),
        bucket: row.bucket as string | null,
        cluster: row.cluster as number | null,
        artifactVersion: row.artifact as string | null,
        isCanary: row.canary === 1,
      }))
  }

  /** PostgreSQL has these, or refused them for themselves; what changed meanwhile stays waiting. */
  settle(outcomes: readonly OutcomeRow[], feedback: readonly FeedbackRow[]): void {
    this.#sql.exec(
      `UPDATE outcomes SET pending = 0 FROM (SELECT value ->> 0 AS candidate, value ->> 1 AS artifact,
         value ->> 2 AS cluster, value ->> 3 AS version FROM json_each(?)) AS done
       WHERE outcomes.candidate = done.candidate AND outcomes.artifact = done.artifact
         AND outcomes.cluster = done.cluster AND outcomes.version = done.version`,
      JSON.stringify(
        outcomes.map((row) => [row.candidate, row.artifactVersion, row.cluster, row.version]),
      ),
    )
    this.#sql.exec(
      `UPDATE feedback SET pending = 0 FROM (SELECT value ->> 0 AS id, value ->> 1 AS version
         FROM json_each(?)) AS done
       WHERE feedback.id = done.id AND feedback.version = done.version`,
      JSON.stringify(feedback.map((row) => [row.decisionId, row.version])),
    )
  }

  /** Feedback that PostgreSQL lacks. */
  get waiting(): number {
    const [row] = this.#sql.exec('SELECT count(*) AS n FROM feedback WHERE pending = 1').toArray()
    return Number(row?.n ?? 0)
  }

  get hasDecisions(): boolean {
    return this.#sql.exec('SELECT 1 FROM decisions LIMIT 1').toArray().length > 0
  }

  get isWaiting(): boolean {
    const found = this.#sql.exec(
      `SELECT EXISTS (SELECT 1 FROM outcomes WHERE pending = 1)
         OR EXISTS (SELECT 1 FROM feedback WHERE pending = 1) AS found`,
    )
    return found.one().found === 1
  }

  /** Forgets decisions beyond their age and number, unless PostgreSQL lacks their feedback. */
  forget(nowMs: number): void {
    // Decisions come nearly in order of time: the oldest are among the first numbers.
    this.#sql.exec(
      `DELETE FROM decisions WHERE number IN (
         SELECT number FROM (SELECT id, number, at FROM decisions ORDER BY number LIMIT ${FORGET_MAX})
         WHERE (at < ? OR number <= (SELECT max(number) FROM decisions) - ${DECISIONS_MAX})
           AND id NOT IN (SELECT id FROM feedback WHERE pending = 1))`,
      nowMs - DECISIONS_KEPT_MS,
    )
    this.#sql.exec(
      `DELETE FROM feedback WHERE pending = 0
         AND decision < coalesce((SELECT min(number) FROM decisions), decision + 1)`,
    )
  }
}

const SUMS = ['trials', 'score_micro', 'latency_count', 'latency_sum', 'latency_squares'] as const

const isMeasured = (record: RequestRecord): boolean =>
  record.outcome === 'ok' && record.kind !== 'route' && record.provider !== ''

const plus = (a: Contribution, b: Contribution): Contribution => combine(a, b, 1)
const minus = (a: Contribution, b: Contribution): Contribution => combine(a, b, -1)

const combine = (a: Contribution, b: Contribution, sign: 1 | -1): Contribution =>
  Object.fromEntries(
    SUMS.map((name) => [name, a[name] + sign * b[name]]),
  ) as unknown as Contribution
