import type { ChunkStore } from './chunk-store.ts'
import { dayName, dayOf } from './day.ts'
import type { Label } from './labels.ts'
import type { MetricMetadata } from './series-write.ts'

/** Exemplars a shard keeps: the newest. */
export const EXEMPLARS_MAX = 10_000
/** Metrics that a shard keeps metadata of; of others none is taken. */
export const METADATA_MAX = 10_000

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS exemplars (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, series INTEGER NOT NULL, timestamp INTEGER NOT NULL,
    value BLOB NOT NULL, labels TEXT NOT NULL, UNIQUE (series, timestamp));
  CREATE TABLE IF NOT EXISTS metadata (
    metric TEXT PRIMARY KEY, type TEXT NOT NULL, help TEXT NOT NULL, unit TEXT NOT NULL) WITHOUT ROWID;
`

const isSame = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, index) => byte === b[index])

export interface StoredExemplar {
  readonly series: number
  readonly timestamp: number
  readonly value: number
  readonly labels: readonly Label[]
}

/** Native histograms by day, the newest exemplars, and metadata of metrics. */
export class ExtrasStore {
  readonly #sql: SqlStorage
  readonly #chunks: ChunkStore
  readonly #histogramDays = new Set<number>()

  constructor(sql: SqlStorage, chunks: ChunkStore) {
    this.#sql = sql
    this.#chunks = chunks
    this.#sql.exec(SCHEMA)
    for (const row of this.#sql.exec(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB 'histograms_[0-9]*'",
    )) {
      const name = (row.name as string).slice('histograms_'.length)
      const iso = `${name.slice(0, 4)}-${name.slice(4, 6)}-${name.slice(6)}`
      this.#histogramDays.add(dayOf(Date.parse(iso)))
    }
  }

  #openDay(day: number): void {
    if (this.#histogramDays.has(day)) return
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS histograms_${dayName(day)} (
         series INTEGER NOT NULL, timestamp INTEGER NOT NULL, data BLOB NOT NULL,
         PRIMARY KEY (series, timestamp)) WITHOUT ROWID`,
    )
    this.#histogramDays.add(day)
  }

  /** The first histogram of a moment stays. */
  addHistogram(
    series: number,
    timestamp: number,
    bytes: Uint8Array,
  ): 'inserted' | 'duplicate' | 'conflict' {
    const day = dayOf(timestamp)
    this.#openDay(day)
    const table = `histograms_${dayName(day)}`
    const [row] = this.#sql
      .exec(`SELECT data FROM ${table} WHERE series = ? AND timestamp = ?`, series, timestamp)
      .toArray()
    if (row)
      return isSame(new Uint8Array(row.data as ArrayBuffer), bytes) ? 'duplicate' : 'conflict'
    this.#sql.exec(
      `INSERT INTO ${table} (series, timestamp, data) VALUES (?, ?, ?)`,
      series,
      timestamp,
      bytes.slice().buffer,
    )
    if (!this.#chunks.isActive(day, series)) {
      this.#chunks.markActive(day, series)
      this.#chunks.saveDays([day])
    }
    return 'inserted'
  }

  /** Histograms of a series in [from, to], ascending. */
  histograms(series: number, from: number, to: number): { timestamp: number; bytes: Uint8Array }[] {
    const found: { timestamp: number; bytes: Uint8Array }[] = []
    for (const day of [...this.#histogramDays].sort((a, b) => a - b)) {
      if (day < dayOf(from) || day > dayOf(to)) continue
      for (const row of this.#sql.exec(
        `SELECT timestamp, data FROM histograms_${dayName(day)}
         WHERE series = ? AND timestamp BETWEEN ? AND ? ORDER BY timestamp`,
        series,
        from,
        to,
      ))
        found.push({
          timestamp: row.timestamp as number,
          bytes: new Uint8Array(row.data as ArrayBuffer),
        })
    }
    return found
  }

  /** One exemplar of a series and moment; the oldest go when there are too many. */
  addExemplar({ series, timestamp, value, labels }: StoredExemplar): void {
    this.#sql.exec(
      'INSERT OR IGNORE INTO exemplars (series, timestamp, value, labels) VALUES (?, ?, ?, ?)',
      series,
      timestamp,
      Float64Array.of(value).buffer,
      JSON.stringify(labels),
    )
  }

  trimExemplars(): void {
    this.#sql.exec(
      `DELETE FROM exemplars WHERE sequence <= (SELECT max(sequence) FROM exemplars) - ${EXEMPLARS_MAX}`,
    )
  }

  /** Exemplars of a series in [from, to], ascending by time. */
  exemplars(series: number, from: number, to: number): StoredExemplar[] {
    return this.#sql
      .exec(
        `SELECT timestamp, value, labels FROM exemplars
         WHERE series = ? AND timestamp BETWEEN ? AND ? ORDER BY timestamp`,
        series,
        from,
        to,
      )
      .toArray()
      .map((row) => ({
        series,
        timestamp: row.timestamp as number,
        value: new Float64Array(row.value as ArrayBuffer)[0] as number,
        labels: JSON.parse(row.labels as string) as Label[],
      }))
  }

  putMetadata({ metric, type, help, unit }: MetricMetadata): void {
    this.#sql.exec(
      `INSERT INTO metadata (metric, type, help, unit)
       SELECT ?1, ?2, ?3, ?4 WHERE (SELECT count(*) FROM metadata) < ${METADATA_MAX}
         OR EXISTS (SELECT 1 FROM metadata WHERE metric = ?1)
       ON CONFLICT (metric) DO UPDATE SET type = ?2, help = ?3, unit = ?4`,
      metric,
      type,
      help,
      unit,
    )
  }

  /** @param metric one metric, or null for all  @param limit rows at most */
  metadata(metric: string | null, limit: number): MetricMetadata[] {
    return this.#sql
      .exec(
        'SELECT metric, type, help, unit FROM metadata WHERE ?1 IS NULL OR metric = ?1 ORDER BY metric LIMIT ?2',
        metric,
        limit,
      )
      .toArray()
      .map((row) => ({
        metric: row.metric as string,
        type: row.type as MetricMetadata['type'],
        help: row.help as string,
        unit: row.unit as string,
      }))
  }

  /** Drops the histograms of the given days, and exemplars before a time in ms. */
  dropDays(days: readonly number[], before: number): void {
    for (const day of days) {
      this.#sql.exec(`DROP TABLE IF EXISTS histograms_${dayName(day)}`)
      this.#histogramDays.delete(day)
    }
    this.#sql.exec('DELETE FROM exemplars WHERE timestamp < ?', before)
  }
}
