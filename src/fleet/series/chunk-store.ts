import { chunkSpan } from '../../kernels/chunk.ts'
import { BitSet, DAY_MS, dayName, dayOf } from './day.ts'
import { type Segment, SegmentReader } from './segment.ts'

/**
 * Key of a compacted chunk: series · group of its compaction · part. A series' chunks stand beside one
 * another, in the order in which they were written, within 53 bits.
 */
const GROUPS = 2_048
const PARTS = 1_024
const SERIES_KEYS = GROUPS * PARTS

/** Compactions that one day's table takes; what comes after stays in segments. */
export const GROUPS_MAX = GROUPS - 1
/** Chunks that one series may have in a compaction. */
export const PARTS_MAX = PARTS

interface Day {
  /** Which series have samples, by number. */
  readonly active: BitSet
  /** Finished compactions. */
  groups: number
}

/** The tables of sealed chunks, two a UTC day: fresh segments of cuts, and chunks by series. */
export class ChunkStore {
  readonly #sql: SqlStorage
  readonly #days = new Map<number, Day>()

  constructor(sql: SqlStorage) {
    this.#sql = sql
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS series_days (
         day INTEGER PRIMARY KEY, active BLOB NOT NULL, groups INTEGER NOT NULL)`,
    )
    for (const row of this.#sql.exec('SELECT day, active, groups FROM series_days'))
      this.#days.set(row.day as number, {
        active: new BitSet(new Uint8Array(row.active as ArrayBuffer)),
        groups: row.groups as number,
      })
  }

  /** Days that have tables, ascending. */
  get days(): number[] {
    return [...this.#days.keys()].sort((a, b) => a - b)
  }

  /** Whether a series has sealed samples in a day. */
  isActive(day: number, number: number): boolean {
    return this.#days.get(day)?.active.has(number) ?? false
  }

  #open(day: number): Day {
    const known = this.#days.get(day)
    if (known) return known
    const name = dayName(day)
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS segments_${name} (
         sequence INTEGER PRIMARY KEY AUTOINCREMENT, cut INTEGER NOT NULL,
         first INTEGER NOT NULL, last INTEGER NOT NULL, oldest INTEGER NOT NULL, newest INTEGER NOT NULL, data BLOB NOT NULL);
       CREATE TABLE IF NOT EXISTS chunks_${name} (key INTEGER PRIMARY KEY, data BLOB NOT NULL)`,
    )
    const added = { active: new BitSet(), groups: 0 }
    this.#days.set(day, added)
    return added
  }

  /** @param cut any number that the segments of one cut have in common */
  addSegment(day: number, cut: number, { first, last, from, to, bytes }: Segment): void {
    const { active } = this.#open(day)
    const reader = new SegmentReader(bytes.buffer)
    for (let entry = 0; entry < reader.count; entry++) active.add(reader.number(entry))
    this.#sql.exec(
      `INSERT INTO segments_${dayName(day)} (cut, first, last, oldest, newest, data)
       VALUES (?, ?, ?, ?, ?, ?)`,
      cut,
      first,
      last,
      from,
      to,
      bytes,
    )
  }

  /** Marks a series as having something in a day that is not in a chunk. */
  markActive(day: number, number: number): void {
    this.#open(day).active.add(number)
  }

  /** Stores what the days' rows say; inside the transaction that changed them. */
  saveDays(days: Iterable<number>): void {
    for (const day of days) {
      const { active, groups } = this.#open(day)
      this.#sql.exec(
        'INSERT OR REPLACE INTO series_days (day, active, groups) VALUES (?, ?, ?)',
        day,
        active.bytes,
        groups,
      )
    }
  }

  /** Compacted chunks of one day whose series are in [first, last], by series, the first written in front. */
  *compacted(
    day: number,
    first: number,
    last: number,
  ): Generator<{ number: number; chunk: Uint8Array }> {
    if (!this.#days.has(day)) return
    for (const row of this.#sql.exec(
      `SELECT key, data FROM chunks_${dayName(day)} WHERE key BETWEEN ? AND ? ORDER BY key`,
      first * SERIES_KEYS,
      (last + 1) * SERIES_KEYS - 1,
    ))
      yield {
        number: Math.floor((row.key as number) / SERIES_KEYS),
        chunk: new Uint8Array(row.data as ArrayBuffer),
      }
  }

  /** All chunks of one series that may have samples in [from, to], the first written in front. */
  chunksOf(number: number, from: number, to: number): Uint8Array[] {
    const chunks: Uint8Array[] = []
    const overlaps = (chunk: Uint8Array): boolean => {
      const span = chunkSpan(chunk)
      return !span.ok || (span.to >= from && span.from <= to)
    }
    for (const day of this.days) {
      if (day < dayOf(from) || day > dayOf(to) || !this.isActive(day, number)) continue
      for (const { chunk } of this.compacted(day, number, number))
        if (overlaps(chunk)) chunks.push(chunk)
      for (const { reader } of this.segments(day, number, number, undefined, from, to))
        for (const chunk of reader.chunksOf(number)) if (overlaps(chunk)) chunks.push(chunk)
    }
    return chunks
  }

  /** Segments up to a sequence that may hold series in [first, last] and samples in [from, to]. */
  *segments(
    day: number,
    first: number,
    last: number,
    upTo = Number.MAX_SAFE_INTEGER,
    from = Number.NEGATIVE_INFINITY,
    to = Number.POSITIVE_INFINITY,
  ): Generator<{ sequence: number; reader: SegmentReader }> {
    if (!this.#days.has(day)) return
    for (const row of this.#sql.exec(
      `SELECT sequence, data FROM segments_${dayName(day)}
       WHERE sequence <= ? AND last >= ? AND first <= ? AND newest >= ? AND oldest <= ?
       ORDER BY sequence`,
      upTo,
      first,
      last,
      Math.max(from, -Number.MAX_SAFE_INTEGER),
      Math.min(to, Number.MAX_SAFE_INTEGER),
    ))
      yield {
        sequence: row.sequence as number,
        reader: new SegmentReader(row.data as ArrayBuffer),
      }
  }

  /** What waits for compaction in a day. */
  waiting(day: number): { cuts: number; upTo: number; groups: number; highest: number } {
    const row = this.#sql
      .exec<{ cuts: number; upTo: number | null; highest: number | null }>(
        `SELECT count(DISTINCT cut) AS cuts, max(sequence) AS upTo, max(last) AS highest
         FROM segments_${dayName(day)}`,
      )
      .one()
    const groups = this.#days.get(day)?.groups ?? 0
    return { cuts: row.cuts, upTo: row.upTo ?? 0, highest: row.highest ?? 0, groups }
  }

  putChunk(day: number, number: number, group: number, part: number, chunk: Uint8Array): void {
    this.#sql.exec(
      `INSERT OR REPLACE INTO chunks_${dayName(day)} (key, data) VALUES (?, ?)`,
      number * SERIES_KEYS + group * PARTS + part,
      chunk,
    )
  }

  /** Ends a compaction: its chunks stand for the segments up to `upTo`. Inside a transaction. */
  endGroup(day: number, upTo: number): void {
    const state = this.#open(day)
    this.#sql.exec(`DELETE FROM segments_${dayName(day)} WHERE sequence <= ?`, upTo)
    this.#sql.exec('UPDATE series_days SET groups = ? WHERE day = ?', state.groups + 1, day)
    state.groups++
  }

  /** Drops days that ended before `before`, in ms since the epoch. @returns the days */
  dropBefore(before: number): number[] {
    const dropped = this.days.filter((day) => (day + 1) * DAY_MS <= before)
    for (const day of dropped) {
      this.#sql.exec(`DROP TABLE IF EXISTS segments_${dayName(day)}`)
      this.#sql.exec(`DROP TABLE IF EXISTS chunks_${dayName(day)}`)
      this.#sql.exec('DELETE FROM series_days WHERE day = ?', day)
      this.#days.delete(day)
    }
    return dropped
  }
}
