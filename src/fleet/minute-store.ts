import { MINUTE_MS, MinuteBuffer } from './minute-buffer.ts'
import { newestFirst, type StoredMinute } from './packed-samples.ts'
import { type PackedPart, PackedStore } from './packed-store.ts'
import { dayOf } from './series/day.ts'

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS minutes (
    vm INTEGER NOT NULL, minute INTEGER NOT NULL, samples INTEGER NOT NULL, version INTEGER NOT NULL,
    pending INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (vm, minute)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS minutes_waiting ON minutes (minute, samples) WHERE pending = 1;
  DROP INDEX IF EXISTS minutes_age;
  CREATE INDEX IF NOT EXISTS minutes_settled ON minutes (minute) WHERE pending <> 1;
`

/** Minutes read at one time. */
const PAGE_ROWS = 16

/**
 * Raw samples of a shard's VMs: a row a minute, and packed parts of hours that are over. Where a minute is
 * in both, the row has all of its samples.
 */
export class MinuteStore {
  readonly packed: PackedStore
  readonly #storage: DurableObjectStorage
  readonly #sql: SqlStorage

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage
    this.#sql = storage.sql
    this.#sql.exec(SCHEMA)
    this.packed = new PackedStore(this.#sql)
  }

  /** A minute as it is stored, packed or not. */
  read(vm: number, minute: number): MinuteBuffer | null {
    const [row] = this.#sql
      .exec<{ data: ArrayBuffer }>(
        'SELECT data FROM minutes WHERE vm = ? AND minute = ?',
        vm,
        minute,
      )
      .toArray()
    if (row) return MinuteBuffer.fromBytes(row.data)
    const found = this.packed.minute(vm, minute)
    return found && MinuteBuffer.fromColumns(found.samples)
  }

  /** Stores a minute that PostgreSQL has to get; inside a transaction. */
  put(vm: number, minute: number, buffer: MinuteBuffer): void {
    this.#sql.exec(
      `INSERT INTO minutes (vm, minute, samples, version, pending, data) VALUES (?, ?, ?, 1, 1, ?)
       ON CONFLICT (vm, minute) DO UPDATE SET
         samples = excluded.samples, version = version + 1, pending = 1, data = excluded.data`,
      vm,
      minute,
      buffer.count,
      buffer.toBytes(),
    )
  }

  // Page by page: a reader that stops early leaves no cursor open, which a DROP TABLE would not pass.
  *#rowsBetween(vm: number, from: number, to: number): Generator<StoredMinute> {
    let end = to
    for (;;) {
      const rows = this.#sql
        .exec<{ minute: number; data: ArrayBuffer }>(
          `SELECT minute, data FROM minutes
           WHERE vm = ? AND minute BETWEEN ? AND ? ORDER BY minute DESC LIMIT ?`,
          vm,
          from - MINUTE_MS + 1,
          end,
          PAGE_ROWS,
        )
        .toArray()
      for (const { minute, data } of rows)
        yield { start: minute, samples: MinuteBuffer.fromBytes(data) }
      if (rows.length < PAGE_ROWS) return
      end = (rows.at(-1)?.minute ?? 0) - 1
    }
  }

  /** Stored minutes of one VM that touch [from, to], the newest first, each read when it is asked for. */
  between(vm: number, from: number, to: number): Generator<StoredMinute> {
    return newestFirst(this.#rowsBetween(vm, from, to), this.packed.minutesBetween(vm, from, to))
  }

  /** The first minute before `before` that does not wait for PostgreSQL. */
  oldestSettled(before: number): { vm: number; minute: number } | null {
    const [row] = this.#sql
      .exec<{ vm: number; minute: number }>(
        'SELECT vm, minute FROM minutes WHERE minute < ? AND pending <> 1 ORDER BY minute, vm LIMIT 1',
        before,
      )
      .toArray()
    return row ?? null
  }

  /** Minutes in [from, end) that do not wait for PostgreSQL, ascending, up to the one that reaches `samples`. */
  settled(vm: number, from: number, end: number, samples: number): StoredMinute[] {
    const minutes: StoredMinute[] = []
    let count = 0
    for (let next = from; count < samples; ) {
      const rows = this.#sql
        .exec<{ minute: number; data: ArrayBuffer }>(
          `SELECT minute, data FROM minutes
           WHERE vm = ? AND minute >= ? AND minute < ? AND pending <> 1 ORDER BY minute LIMIT ?`,
          vm,
          next,
          end,
          PAGE_ROWS,
        )
        .toArray()
      for (const { minute, data } of rows) {
        if (count >= samples) break
        const buffer = MinuteBuffer.fromBytes(data)
        minutes.push({ start: minute, samples: buffer })
        count += buffer.count
        next = minute + 1
      }
      if (rows.length < PAGE_ROWS) break
    }
    return minutes
  }

  /**
   * Packed parts take the place of minutes (consecutive ones of `settled`) and of an earlier part,
   * in one transaction.
   */
  replaceByParts(
    vm: number,
    rows: readonly StoredMinute[],
    former: PackedPart | null,
    parts: readonly PackedPart[],
  ): void {
    this.#storage.transactionSync(() => {
      if (former) this.packed.delete(vm, former.start)
      for (const part of parts) this.packed.put(vm, part)
      this.#sql.exec(
        'DELETE FROM minutes WHERE vm = ? AND minute BETWEEN ? AND ? AND pending <> 1',
        vm,
        rows[0]?.start ?? 0,
        rows.at(-1)?.start ?? -1,
      )
    })
    for (const { start } of parts) this.packed.noteDay(dayOf(start))
  }

  /** Drops minutes before `before`, ms since the epoch, that do not wait for PostgreSQL, and packed days that ended. */
  dropBefore(before: number): void {
    this.#sql.exec('DELETE FROM minutes WHERE minute < ? AND pending <> 1', before)
    this.packed.dropBefore(before)
  }

  /** Removes everything of one VM; inside a transaction. */
  deleteVm(vm: number): void {
    this.#sql.exec('DELETE FROM minutes WHERE vm = ?', vm)
    this.packed.deleteVm(vm)
  }
}
