import { HOUR_MS, MinuteBuffer } from './minute-buffer.ts'
import { MinuteStore } from './minute-store.ts'
import { decodeBatch, encodeBatch, type ShardBatch } from './shard-batch.ts'
import { METRICS } from './types.ts'
import { HourState, type StoredHour, storedHour } from './usage-statistics.ts'
import { type Latest, VmSeries } from './vm-series.ts'

/** Deleted VMs are remembered for longer than any isolate holds their names (`vm-directory.ts`). */
const FORGOTTEN_MS = 2 * HOUR_MS

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS vms (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, latest BLOB);
  CREATE TABLE IF NOT EXISTS forgotten (id TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS journal (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, samples INTEGER NOT NULL, batch BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS hours (
    vm INTEGER NOT NULL, hour INTEGER NOT NULL, version INTEGER NOT NULL, pending INTEGER NOT NULL,
    data BLOB NOT NULL, PRIMARY KEY (vm, hour)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS hours_waiting ON hours (hour) WHERE pending = 1;
  CREATE INDEX IF NOT EXISTS hours_age ON hours (hour);
`

/** A stored minute or hour that PostgreSQL does not have in this version yet. */
export interface PendingChunk<T> {
  readonly vm: number
  readonly start: number
  readonly version: number
  readonly value: T
}

/** `pending` of a row: written, waiting to be written, or refused by PostgreSQL for itself. */
export const PENDING = { written: 0, waiting: 1, refused: 2 } as const

/**
 * The shard's SQLite: a journal of acknowledged batches in front of the state they led to. What is
 * in `minutes`, `hours` and `vms` stands for every journal row that was deleted, so replaying the
 * journal over it gives the state at the last acknowledgement. Tables in docs/storage.md.
 */
export class ShardStore {
  readonly minutes: MinuteStore
  readonly #storage: DurableObjectStorage
  readonly #sql: SqlStorage

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage
    this.#sql = storage.sql
    this.#sql.exec(SCHEMA)
    this.minutes = new MinuteStore(storage)
  }

  #one<T>(query: string, ...bindings: SqlStorageValue[]): T | null {
    const [row] = this.#sql.exec(query, ...bindings).toArray()
    return (row as T | undefined) ?? null
  }

  meta(name: string): string | null {
    return (
      this.#one<{ value: string }>('SELECT value FROM meta WHERE name = ?', name)?.value ?? null
    )
  }

  setMeta(name: string, value: string): void {
    this.#sql.exec('INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)', name, value)
  }

  /** The VM's series with a number of its own, stored at once. */
  createVm(id: string): VmSeries {
    const row = this.#one<{ number: number }>(
      'INSERT INTO vms (id) VALUES (?) RETURNING number',
      id,
    )
    return new VmSeries(id, row?.number ?? 0)
  }

  /** The stored VMs, with nothing in memory but their newest samples. */
  loadVms(): VmSeries[] {
    return Array.from(this.#sql.exec('SELECT number, id, latest FROM vms'), (row) => {
      let latest: Latest | null = null
      if (row.latest) {
        const [timestamp = 0, ...values] = new Float64Array(row.latest as ArrayBuffer)
        latest = { timestamp, values }
      }
      return new VmSeries(row.id as string, row.number as number, latest)
    })
  }

  appendJournal(batch: ShardBatch): void {
    this.#sql.exec(
      'INSERT INTO journal (samples, batch) VALUES (?, ?)',
      batch.timestamp.length,
      encodeBatch(batch),
    )
  }

  *journal(): Generator<ShardBatch> {
    for (const row of this.#sql.exec('SELECT batch FROM journal ORDER BY sequence'))
      yield decodeBatch(row.batch as ArrayBuffer)
  }

  hour(vm: number, hour: number): HourState | null {
    const row = this.#one<{ data: ArrayBuffer }>(
      'SELECT data FROM hours WHERE vm = ? AND hour = ?',
      vm,
      hour,
    )
    return row && HourState.fromBytes(row.data)
  }

  /** Stored hours of one VM from `from` on, ascending. */
  *hoursFrom(vm: number, from: number): Generator<HourState> {
    for (const row of this.#sql.exec(
      'SELECT data FROM hours WHERE vm = ? AND hour >= ? ORDER BY hour',
      vm,
      from,
    ))
      yield HourState.fromBytes(row.data as ArrayBuffer)
  }

  /** Stores what changed and empties the journal, as one transaction. */
  checkpoint(series: Iterable<VmSeries>): void {
    this.#storage.transactionSync(() => {
      for (const vm of series) this.#checkpointVm(vm)
      this.#sql.exec('DELETE FROM journal')
    })
    for (const vm of series) {
      for (const buffer of vm.minutes.values()) buffer.isStored = true
      vm.window.settle()
    }
  }

  #checkpointVm(vm: VmSeries): void {
    let isChanged = false
    for (const [minute, buffer] of vm.minutes) {
      if (buffer.isStored) continue
      isChanged = true
      this.minutes.put(vm.number, minute, buffer)
    }
    for (const hour of vm.window.waitingHours) {
      const state = this.hour(vm.number, hour) ?? new HourState()
      vm.window.complete(hour, state)
      this.#sql.exec(
        `INSERT INTO hours (vm, hour, version, pending, data) VALUES (?, ?, 1, 1, ?)
         ON CONFLICT (vm, hour) DO UPDATE SET
           version = version + 1, pending = 1, data = excluded.data`,
        vm.number,
        hour,
        state.toBytes(),
      )
    }
    if (vm.latest && isChanged) {
      const latest = new Float64Array(1 + METRICS.length)
      latest[0] = vm.latest.timestamp
      latest.set(vm.latest.values, 1)
      this.#sql.exec('UPDATE vms SET latest = ? WHERE number = ?', latest.buffer, vm.number)
    }
  }

  /** The oldest first: open minutes change with every checkpoint and would hold up the closed ones for ever. */
  pendingMinutes(limit: number): PendingChunk<MinuteBuffer>[] {
    return this.#sql
      .exec(
        'SELECT vm, minute, version, data FROM minutes WHERE pending = 1 ORDER BY minute LIMIT ?',
        limit,
      )
      .toArray()
      .map((row) => ({
        vm: row.vm as number,
        start: row.minute as number,
        version: row.version as number,
        value: MinuteBuffer.fromBytes(row.data as ArrayBuffer),
      }))
  }

  /** The oldest first, as `pendingMinutes`. */
  pendingHours(limit: number): PendingChunk<StoredHour>[] {
    return this.#sql
      .exec(
        'SELECT vm, hour, version, data FROM hours WHERE pending = 1 ORDER BY hour LIMIT ?',
        limit,
      )
      .toArray()
      .map((row) => ({
        vm: row.vm as number,
        start: row.hour as number,
        version: row.version as number,
        value: storedHour(row.data as ArrayBuffer),
      }))
  }

  /** Marks chunks by what PostgreSQL said; a chunk that changed meanwhile stays waiting. */
  settle(
    minutes: readonly PendingChunk<unknown>[],
    hours: readonly PendingChunk<unknown>[],
    pending: number,
  ): void {
    // One statement a table: a bound parameter each would be three a chunk.
    const keys = (chunks: readonly PendingChunk<unknown>[]) =>
      JSON.stringify(chunks.map(({ vm, start, version }) => [vm, start, version]))
    const update = (table: 'minutes' | 'hours', start: 'minute' | 'hour') =>
      `UPDATE ${table} SET pending = ?
       FROM (SELECT value ->> 0 AS vm, value ->> 1 AS start, value ->> 2 AS version FROM json_each(?)) AS done
       WHERE ${table}.vm = done.vm AND ${start} = done.start AND ${table}.version = done.version`
    this.#storage.transactionSync(() => {
      this.#sql.exec(update('minutes', 'minute'), pending, keys(minutes))
      this.#sql.exec(update('hours', 'hour'), pending, keys(hours))
    })
  }

  /** Samples that PostgreSQL does not have yet: waiting minutes and the journal. */
  unflushedSamples(): number {
    const row = this.#one<{ samples: number }>(
      `SELECT (SELECT coalesce(sum(samples), 0) FROM minutes WHERE pending = 1)
            + (SELECT coalesce(sum(samples), 0) FROM journal) AS samples`,
    )
    return row?.samples ?? 0
  }

  /** Drops what is older than raw samples are kept, unless it waits for PostgreSQL. @param now ms since the epoch */
  expire(now: number, rawRetentionMs: number): void {
    const before = now - rawRetentionMs - HOUR_MS
    this.minutes.dropBefore(before)
    this.#sql.exec('DELETE FROM hours WHERE hour < ? AND pending <> 1', before)
    this.#sql.exec('DELETE FROM forgotten WHERE at < ?', now - FORGOTTEN_MS)
  }

  /** Remembers that a VM was deleted. @param at ms since the epoch */
  rememberForgotten(id: string, at: number): void {
    this.#sql.exec('INSERT OR REPLACE INTO forgotten (id, at) VALUES (?, ?)', id, at)
  }

  isForgotten(id: string): boolean {
    return this.#one('SELECT 1 AS found FROM forgotten WHERE id = ?', id) !== null
  }

  /** Removes everything of one VM. */
  deleteVm(vm: number): void {
    this.#storage.transactionSync(() => {
      this.minutes.deleteVm(vm)
      this.#sql.exec('DELETE FROM hours WHERE vm = ?', vm)
      this.#sql.exec('DELETE FROM vms WHERE number = ?', vm)
    })
  }
}
