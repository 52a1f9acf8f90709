import type { SequenceStore } from './sequencer.ts'

/** Keys that ended a short while ago, until their connections were looked through once more. */
export interface EndedKeys {
  add(keyId: string, lookAgainAtMs: number): void
  /** Takes out and returns the keys that are due. */
  takeDue(nowMs: number): string[]
  /** When the next one is due; null where there is none. */
  nextAtMs(): number | null
}

export interface HubStore {
  readonly epoch: string
  readonly sequence: SequenceStore
  readonly endedKeys: EndedKeys
}

/**
 * The durable state of a hub: one row with the epoch, made with the object, and the reserved sequence;
 * a row for each key that ended lately. Synchronous, so that no request can come between.
 */
export const openStore = (sql: SqlStorage): HubStore => {
  sql.exec(
    `CREATE TABLE IF NOT EXISTS hub (
       id INTEGER PRIMARY KEY CHECK (id = 1), epoch TEXT NOT NULL, reserved INTEGER NOT NULL);
     CREATE TABLE IF NOT EXISTS ended_keys (
       key_id TEXT PRIMARY KEY, look_again_at INTEGER NOT NULL) WITHOUT ROWID`,
  )
  sql.exec('INSERT OR IGNORE INTO hub VALUES (1, ?, 0)', crypto.randomUUID())
  const row = sql.exec<{ epoch: string; reserved: number }>('SELECT epoch, reserved FROM hub').one()
  return { epoch: row.epoch, sequence: sequenceOf(sql, row.reserved), endedKeys: endedKeysOf(sql) }
}

const sequenceOf = (sql: SqlStorage, stored: number): SequenceStore => {
  let reserved = stored
  return {
    get reserved() {
      return reserved
    },
    reserve(upTo) {
      sql.exec('UPDATE hub SET reserved = ?', upTo)
      reserved = upTo
    },
  }
}

const endedKeysOf = (sql: SqlStorage): EndedKeys => ({
  add: (keyId, lookAgainAtMs) => {
    sql.exec('INSERT OR REPLACE INTO ended_keys VALUES (?, ?)', keyId, lookAgainAtMs)
  },
  takeDue: (nowMs) =>
    sql
      .exec<{ key_id: string }>(
        'DELETE FROM ended_keys WHERE look_again_at <= ? RETURNING key_id',
        nowMs,
      )
      .toArray()
      .map((row) => row.key_id),
  nextAtMs: () =>
    sql.exec<{ at: number | null }>('SELECT min(look_again_at) AS at FROM ended_keys').one().at,
})
