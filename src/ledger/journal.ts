import { Histogram } from '../kernels/histogram.ts'
import {
  groupName,
  groupOf,
  HOUR_SUMS,
  HourAggregate,
  type HourGroup,
  type HourSums,
} from './hour-aggregate.ts'
import { HOUR_MS } from './periods.ts'
import type { RequestRecord } from './types.ts'

/** Records of one journal row: well below the 2 MB that a value may have, features included. */
const ROW_RECORDS = 200
/** Groups of an hour; what comes beyond counts as one model, `other`. */
const HOUR_GROUPS_MAX = 2_000
/** Hours stay here for as long as a record of theirs may come. */
const HOURS_KEPT_MS = 48 * HOUR_MS
/** Records that PostgreSQL refused and that are kept for a look at them. */
const REFUSED_MAX = 1_000

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS holders (id TEXT PRIMARY KEY, sequence INTEGER NOT NULL, seen_at INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS journal (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, records INTEGER NOT NULL, batch TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS hours (
    name TEXT PRIMARY KEY, hour INTEGER NOT NULL, sums TEXT NOT NULL, latency BLOB NOT NULL, ttft BLOB NOT NULL,
    version INTEGER NOT NULL, pending INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS hours_waiting ON hours (hour) WHERE pending = 1;
  CREATE INDEX IF NOT EXISTS hours_age ON hours (hour);
  CREATE TABLE IF NOT EXISTS refused (
    id TEXT PRIMARY KEY, at INTEGER NOT NULL, record TEXT NOT NULL) WITHOUT ROWID;
`

/** A row of acknowledged records. */
export interface JournalRow {
  readonly sequence: number
  readonly records: readonly RequestRecord[]
}

/** An hour's group as PostgreSQL gets it. */
export interface HourRow {
  readonly group: HourGroup
  readonly version: number
  readonly sums: HourSums
  /** `Histogram.toBytes()`, ms. */
  readonly latency: Uint8Array
  readonly timeToFirstToken: Uint8Array
}

/**
 * Acknowledged records until PostgreSQL has them, and the hours that they add up to. `counted` is the last
 * journal row that the hours hold; both change in one transaction, so each row counts once.
 */
export class Journal {
  readonly #sql: SqlStorage
  /** Records in the journal. */
  waiting: number

  constructor(sql: SqlStorage) {
    this.#sql = sql
    sql.exec(SCHEMA)
    const [row] = sql.exec('SELECT coalesce(sum(records), 0) AS n FROM journal').toArray()
    this.waiting = Number(row?.n ?? 0)
  }

  meta(name: string): string | null {
    const [row] = this.#sql.exec('SELECT value FROM meta WHERE name = ?', name).toArray()
    return row === undefined ? null : String(row.value)
  }

  setMeta(name: string, value: string): void {
    this.#sql.exec('INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)', name, value)
  }

  /** The number of the last report of an isolate that was taken; 0 before the first. */
  lastSequence(holder: string): number {
    const [row] = this.#sql.exec('SELECT sequence FROM holders WHERE id = ?', holder).toArray()
    return Number(row?.sequence ?? 0)
  }

  setSequence(holder: string, sequence: number, nowMs: number): void {
    this.#sql.exec(
      'INSERT OR REPLACE INTO holders (id, sequence, seen_at) VALUES (?, ?, ?)',
      holder,
      sequence,
      nowMs,
    )
  }

  append(records: readonly RequestRecord[]): void {
    for (let start = 0; start < records.length; start += ROW_RECORDS) {
      const part = records.slice(start, start + ROW_RECORDS)
      this.#sql.exec(
        'INSERT INTO journal (records, batch) VALUES (?, ?)',
        part.length,
        JSON.stringify(part),
      )
    }
    this.waiting += records.length
  }

  /** Rows behind `after`, the oldest first, of at least one and about `recordsMax` records. */
  rowsAfter(after: number, recordsMax: number): JournalRow[] {
    const rows: JournalRow[] = []
    let records = 0
    const cursor = this.#sql.exec(
      'SELECT sequence, batch FROM journal WHERE sequence > ? ORDER BY sequence',
      after,
    )
    for (const row of cursor) {
      const batch = JSON.parse(String(row.batch)) as RequestRecord[]
      rows.push({ sequence: Number(row.sequence), records: batch })
      records += batch.length
      if (records >= recordsMax) break
    }
    return rows
  }

  get counted(): number {
    return Number(this.meta('counted') ?? 0)
  }

  /** Adds rows to their hours. Within a transaction. */
  count(rows: readonly JournalRow[]): void {
    const groups = new Map<string, { group: HourGroup; records: RequestRecord[] }>()
    for (const { records } of rows)
      for (const record of records) {
        const group = groupOf(record)
        const name = groupName(group)
        const known = groups.get(name)
        if (known) known.records.push(record)
        else groups.set(name, { group, records: [record] })
      }
    for (const [name, { group, records }] of groups) {
      if (this.#hour(name) !== null || this.#groupsOf(group.hourMs) < HOUR_GROUPS_MAX)
        this.#addTo(name, group, records)
      else this.#addToOther(group, records)
    }
    const last = rows.at(-1)
    if (last) this.setMeta('counted', String(last.sequence))
  }

  #addToOther(group: HourGroup, records: readonly RequestRecord[]): void {
    const other = { ...group, keyId: null, provider: 'other', model: 'other', artifactVersion: '' }
    this.#addTo(groupName(other), other, records)
  }

  #addTo(name: string, group: HourGroup, records: readonly RequestRecord[]): void {
    const aggregate = this.#hour(name) ?? new HourAggregate()
    for (const record of records) aggregate.add(record)
    this.#sql.exec(
      `INSERT INTO hours (name, hour, sums, latency, ttft, version, pending) VALUES (?, ?, ?, ?, ?, 1, 1)
       ON CONFLICT (name) DO UPDATE SET sums = excluded.sums, latency = excluded.latency, ttft = excluded.ttft,
         version = version + 1, pending = 1`,
      name,
      group.hourMs,
      JSON.stringify(HOUR_SUMS.map((sum) => aggregate.sums[sum])),
      aggregate.latency.toBytes(),
      aggregate.timeToFirstToken.toBytes(),
    )
  }

  #groupsOf(hourMs: number): number {
    const [row] = this.#sql.exec('SELECT count(*) AS n FROM hours WHERE hour = ?', hourMs).toArray()
    return Number(row?.n ?? 0)
  }

  #hour(name: string): HourAggregate | null {
    const [row] = this.#sql
      .exec('SELECT sums, latency, ttft FROM hours WHERE name = ?', name)
      .toArray()
    if (row === undefined) return null
    return new HourAggregate(
      sumsOf(row.sums),
      Histogram.fromBytes(new Uint8Array(row.latency as ArrayBuffer)),
      Histogram.fromBytes(new Uint8Array(row.ttft as ArrayBuffer)),
    )
  }

  pendingHours(limit: number): HourRow[] {
    return this.#sql
      .exec('SELECT * FROM hours WHERE pending = 1 ORDER BY hour LIMIT ?', limit)
      .toArray()
      .map((row) => ({
        group: groupNamed(String(row.name)),
        version: Number(row.version),
        sums: sumsOf(row.sums),
        latency: new Uint8Array(row.latency as ArrayBuffer),
        timeToFirstToken: new Uint8Array(row.ttft as ArrayBuffer),
      }))
  }

  get hasHours(): boolean {
    return this.#sql.exec('SELECT 1 FROM hours LIMIT 1').toArray().length > 0
  }

  get hasPendingHours(): boolean {
    return this.#sql.exec('SELECT 1 FROM hours WHERE pending = 1 LIMIT 1').toArray().length > 0
  }

  /** PostgreSQL has these, or refused them; an hour that changed meanwhile stays waiting. Within a transaction. */
  settle(rows: readonly JournalRow[], hours: readonly HourRow[]): void {
    for (const { sequence, records } of rows) {
      this.#sql.exec('DELETE FROM journal WHERE sequence = ?', sequence)
      this.waiting -= records.length
    }
    this.#sql.exec(
      `UPDATE hours SET pending = 0 FROM (SELECT value ->> 0 AS name, value ->> 1 AS version FROM json_each(?)) AS done
       WHERE hours.name = done.name AND hours.version = done.version`,
      JSON.stringify(hours.map(({ group, version }) => [groupName(group), version])),
    )
  }

  isRefused(id: string): boolean {
    return this.#sql.exec('SELECT 1 FROM refused WHERE id = ?', id).toArray().length > 0
  }

  /** Sets a record aside that PostgreSQL refused for what is in it. */
  refuse(record: RequestRecord, nowMs: number): void {
    this.#sql.exec(
      'INSERT OR IGNORE INTO refused (id, at, record) VALUES (?, ?, ?)',
      record.id,
      nowMs,
      JSON.stringify(record),
    )
    this.#sql.exec(
      `DELETE FROM refused WHERE id IN (SELECT id FROM refused ORDER BY at DESC LIMIT -1 OFFSET ${REFUSED_MAX})`,
    )
  }

  expire(nowMs: number): void {
    this.#sql.exec('DELETE FROM hours WHERE hour < ? AND pending = 0', nowMs - HOURS_KEPT_MS)
    this.#sql.exec('DELETE FROM holders WHERE seen_at < ?', nowMs - HOURS_KEPT_MS)
  }
}

const groupNamed = (name: string): HourGroup => {
  const [hourMs, keyId, kind, provider, model, bucket, artifactVersion] = JSON.parse(name)
  return { hourMs, keyId, kind, provider, model, bucket, artifactVersion }
}

const sumsOf = (text: unknown): HourSums => {
  const values = JSON.parse(String(text)) as number[]
  return Object.fromEntries(HOUR_SUMS.map((name, i) => [name, values[i] ?? 0])) as HourSums
}
