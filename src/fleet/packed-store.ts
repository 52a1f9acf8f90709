import { HOUR_MS, MINUTE_MS } from './minute-buffer.ts'
import { type StoredMinute, unpackMinutes } from './packed-samples.ts'
import { DAY_MS, dayName, dayOf } from './series/day.ts'

/** Key of a part: VM · hour of the day · minute with which it begins; a VM's parts stand beside one another. */
const HOURS = 24
const MINUTES = 64
const VM_KEYS = HOURS * MINUTES

const keyOf = (vm: number, minute: number): number =>
  vm * VM_KEYS +
  Math.floor((minute % DAY_MS) / HOUR_MS) * MINUTES +
  Math.floor((minute % HOUR_MS) / MINUTE_MS)

/** Start of the part with a key, in ms since the epoch. */
const startOf = (key: number, day: number): number => {
  const within = key % VM_KEYS
  return (
    day * DAY_MS + Math.floor(within / MINUTES) * HOUR_MS + Math.floor(within % MINUTES) * MINUTE_MS
  )
}

/** Minutes of one VM within an hour, as one chunk: from `start` until the next part or the hour's end. */
export interface PackedPart {
  readonly start: number
  readonly chunk: Uint8Array
}

/** The tables of packed minutes, one a UTC day. */
export class PackedStore {
  readonly #sql: SqlStorage
  readonly #days: Set<number>

  constructor(sql: SqlStorage) {
    this.#sql = sql
    this.#sql.exec('CREATE TABLE IF NOT EXISTS packed_days (day INTEGER PRIMARY KEY)')
    const rows = this.#sql.exec<{ day: number }>('SELECT day FROM packed_days')
    this.#days = new Set(rows.toArray().map(({ day }) => day))
  }

  /** Stores a part; inside a transaction. @param start of its first minute */
  put(vm: number, { start, chunk }: PackedPart): void {
    const day = dayOf(start)
    if (!this.#days.has(day)) {
      this.#sql.exec(
        `CREATE TABLE IF NOT EXISTS packed_${dayName(day)} (key INTEGER PRIMARY KEY, data BLOB NOT NULL)`,
      )
      this.#sql.exec('INSERT OR IGNORE INTO packed_days (day) VALUES (?)', day)
    }
    this.#sql.exec(
      `INSERT OR REPLACE INTO packed_${dayName(day)} (key, data) VALUES (?, ?)`,
      keyOf(vm, start),
      chunk,
    )
  }

  /** Takes note of a day whose table a committed transaction may have made. */
  noteDay(day: number): void {
    this.#days.add(day)
  }

  delete(vm: number, start: number): void {
    this.#sql.exec(`DELETE FROM packed_${dayName(dayOf(start))} WHERE key = ?`, keyOf(vm, start))
  }

  /** The part that has a minute, or would have it; null where none begins before it in its hour. */
  partOf(vm: number, minute: number): PackedPart | null {
    const day = dayOf(minute)
    if (!this.#days.has(day)) return null
    const [row] = this.#sql
      .exec<{ key: number; data: ArrayBuffer }>(
        `SELECT key, data FROM packed_${dayName(day)}
         WHERE key BETWEEN ? AND ? ORDER BY key DESC LIMIT 1`,
        keyOf(vm, minute - (minute % HOUR_MS)),
        keyOf(vm, minute),
      )
      .toArray()
    return row ? { start: startOf(row.key, day), chunk: new Uint8Array(row.data) } : null
  }

  /** Where the part behind a minute begins, or the minute's hour ends. */
  nextStart(vm: number, minute: number): number {
    const day = dayOf(minute)
    const hourEnd = minute - (minute % HOUR_MS) + HOUR_MS
    if (!this.#days.has(day)) return hourEnd
    const { key } = this.#sql
      .exec<{ key: number | null }>(
        `SELECT min(key) AS key FROM packed_${dayName(day)} WHERE key > ? AND key <= ?`,
        keyOf(vm, minute),
        keyOf(vm, hourEnd - MINUTE_MS),
      )
      .one()
    return key === null ? hourEnd : startOf(key, day)
  }

  /** The samples of one minute, if it is packed. */
  minute(vm: number, minute: number): StoredMinute | null {
    const part = this.partOf(vm, minute)
    return (part && unpackMinutes(part.chunk).find(({ start }) => start === minute)) ?? null
  }

  /** Minutes of one VM that touch [from, to], the newest first, each part read when it is asked for. */
  *minutesBetween(vm: number, from: number, to: number): Generator<StoredMinute> {
    const first = from - (from % HOUR_MS)
    for (const day of [...this.#days].sort((a, b) => b - a)) {
      const [dayStart, dayEnd] = [day * DAY_MS, (day + 1) * DAY_MS]
      if (dayStart > to || dayEnd <= from) continue
      let end = keyOf(vm, Math.min(to, dayEnd - 1))
      // One query a part: a reader that stops early leaves no cursor open, which a DROP TABLE would not pass.
      for (;;) {
        const [row] = this.#sql
          .exec<{ key: number; data: ArrayBuffer }>(
            `SELECT key, data FROM packed_${dayName(day)}
             WHERE key BETWEEN ? AND ? ORDER BY key DESC LIMIT 1`,
            keyOf(vm, Math.max(first, dayStart)),
            end,
          )
          .toArray()
        if (!row) break
        for (const minute of unpackMinutes(new Uint8Array(row.data)).reverse())
          if (minute.start <= to && minute.start + MINUTE_MS > from) yield minute
        end = row.key - 1
      }
    }
  }

  /** Removes everything of one VM; inside a transaction. */
  deleteVm(vm: number): void {
    for (const day of this.#days)
      this.#sql.exec(
        `DELETE FROM packed_${dayName(day)} WHERE key BETWEEN ? AND ?`,
        vm * VM_KEYS,
        (vm + 1) * VM_KEYS - 1,
      )
  }

  /** Drops the days that ended before `before`, in ms since the epoch. */
  dropBefore(before: number): void {
    for (const day of this.#days) {
      if ((day + 1) * DAY_MS > before) continue
      this.#sql.exec(`DROP TABLE IF EXISTS packed_${dayName(day)}`)
      this.#sql.exec('DELETE FROM packed_days WHERE day = ?', day)
      this.#days.delete(day)
    }
  }
}
