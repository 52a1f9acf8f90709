import type { SeriesDescription } from './series-batch.ts'
import type { JournalSamples } from './series-journal.ts'
import { decodeJournalRow, encodeJournalRow, JOURNAL_ROW_SAMPLES_MAX } from './series-journal.ts'

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS series (
    number INTEGER PRIMARY KEY AUTOINCREMENT, identity BLOB NOT NULL, labels BLOB NOT NULL,
    role INTEGER NOT NULL, vm TEXT, since INTEGER NOT NULL DEFAULT 0);
  CREATE TABLE IF NOT EXISTS series_journal (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, samples INTEGER NOT NULL,
    batch BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS series_tails (part INTEGER PRIMARY KEY, data BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS hosts (vm TEXT PRIMARY KEY, state BLOB NOT NULL) WITHOUT ROWID;
`

/** Series in one row of `series_tails`: 20 bytes each. */
const TAIL_PART_SERIES = 50_000

/** A series as it is stored. */
export interface StoredDescription {
  readonly number: number
  /** u32[4]. */
  readonly identity: Uint32Array
  readonly role: number
  readonly vm: string | null
  /** Journal rows up to this one are not about `vm`. */
  readonly since: number
  /** Of the canonical labels. */
  readonly labelBytes: number
}

/** A row of the journal. */
export interface JournalRow extends JournalSamples {
  readonly sequence: number
  /** When the samples came, ms since the epoch. */
  readonly at: number
}

/** The newest sample of every series that the last cut left, in columns. */
export interface Tails {
  readonly numbers: Uint32Array
  /** ms since the epoch; −Infinity where nothing was sealed. */
  readonly newest: Float64Array
  /** Values, as numbers: host metrics go on from them. */
  readonly values: Float64Array
}

/**
 * SQLite of a shard's series: who they are, the journal of acknowledged samples, and what the last
 * cut left to go on from. Tables in docs/storage.md.
 */
export class SeriesStore {
  readonly #sql: SqlStorage

  constructor(sql: SqlStorage) {
    this.#sql = sql
    this.#sql.exec(SCHEMA)
  }

  /** Ascending by number. */
  *series(): Generator<StoredDescription> {
    for (const row of this.#sql.exec(
      'SELECT number, identity, role, vm, since, length(labels) AS label_bytes FROM series ORDER BY number',
    ))
      yield {
        number: row.number as number,
        identity: new Uint32Array(row.identity as ArrayBuffer),
        role: row.role as number,
        vm: row.vm as string | null,
        since: row.since as number,
        labelBytes: row.label_bytes as number,
      }
  }

  /** Canonical labels of all series, ascending by number. */
  *labels(): Generator<{ number: number; labels: Uint8Array }> {
    for (const row of this.#sql.exec('SELECT number, labels FROM series ORDER BY number'))
      yield { number: row.number as number, labels: new Uint8Array(row.labels as ArrayBuffer) }
  }

  /** @returns the number, which no series of this shard had before */
  create(identity: Uint32Array, { labels, role, vm }: SeriesDescription): number {
    return this.#sql
      .exec<{ number: number }>(
        'INSERT INTO series (identity, labels, role, vm) VALUES (?, ?, ?, ?) RETURNING number',
        identity.slice().buffer,
        labels.slice().buffer,
        role,
        vm,
      )
      .one().number
  }

  /** The series is about another VM, or none, from the next journal row on. @returns the row before it */
  describe(number: number, role: number, vm: string | null): number {
    const since = this.journalEnd()
    this.#sql.exec(
      'UPDATE series SET role = ?, vm = ?, since = ? WHERE number = ?',
      role,
      vm,
      since,
      number,
    )
    return since
  }

  remove(numbers: readonly number[]): void {
    this.#sql.exec(
      'DELETE FROM series WHERE number IN (SELECT value FROM json_each(?))',
      JSON.stringify(numbers),
    )
  }

  /** @param at when the samples came, ms since the epoch */
  appendJournal(samples: JournalSamples, at: number): void {
    const count = samples.timestamps.length
    for (let from = 0; from < count; from += JOURNAL_ROW_SAMPLES_MAX) {
      const part = Math.min(JOURNAL_ROW_SAMPLES_MAX, count - from)
      this.#sql.exec(
        'INSERT INTO series_journal (at, samples, batch) VALUES (?, ?, ?)',
        at,
        part,
        encodeJournalRow(samples, from, part),
      )
    }
  }

  *journal(): Generator<JournalRow> {
    for (const row of this.#sql.exec(
      'SELECT sequence, at, batch FROM series_journal ORDER BY sequence',
    ))
      yield {
        sequence: row.sequence as number,
        at: row.at as number,
        ...decodeJournalRow(row.batch as ArrayBuffer),
      }
  }

  /** Sequence of the newest journal row; 0 where there is none. */
  journalEnd(): number {
    return this.#sql
      .exec<{ last: number }>('SELECT coalesce(max(sequence), 0) AS last FROM series_journal')
      .one().last
  }

  /** Deletes the journal up to a row. @returns when the oldest that is left came; +Infinity where none is */
  trimJournal(upTo: number): number {
    this.#sql.exec('DELETE FROM series_journal WHERE sequence <= ?', upTo)
    const { at } = this.#sql
      .exec<{ at: number | null }>('SELECT min(at) AS at FROM series_journal')
      .one()
    return at ?? Number.POSITIVE_INFINITY
  }

  saveTails({ numbers, newest, values }: Tails): void {
    this.#sql.exec('DELETE FROM series_tails')
    for (let from = 0; from < numbers.length; from += TAIL_PART_SERIES) {
      const count = Math.min(TAIL_PART_SERIES, numbers.length - from)
      const buffer = new ArrayBuffer(20 * count)
      new Float64Array(buffer, 0, count).set(newest.subarray(from, from + count))
      new Float64Array(buffer, 8 * count, count).set(values.subarray(from, from + count))
      new Uint32Array(buffer, 16 * count, count).set(numbers.subarray(from, from + count))
      this.#sql.exec('INSERT INTO series_tails (part, data) VALUES (?, ?)', from, buffer)
    }
  }

  *tails(): Generator<Tails> {
    for (const row of this.#sql.exec('SELECT data FROM series_tails ORDER BY part')) {
      const buffer = row.data as ArrayBuffer
      const count = buffer.byteLength / 20
      yield {
        newest: new Float64Array(buffer, 0, count),
        values: new Float64Array(buffer, 8 * count, count),
        numbers: new Uint32Array(buffer, 16 * count, count),
      }
    }
  }

  *hosts(): Generator<{ vm: string; state: Uint8Array }> {
    for (const row of this.#sql.exec('SELECT vm, state FROM hosts'))
      yield { vm: row.vm as string, state: new Uint8Array(row.state as ArrayBuffer) }
  }

  saveHosts(states: Iterable<readonly [vm: string, state: Uint8Array]>): void {
    this.#sql.exec('DELETE FROM hosts')
    for (const [vm, state] of states)
      this.#sql.exec('INSERT INTO hosts (vm, state) VALUES (?, ?)', vm, state)
  }
}
