import type { SequenceStore } from './sequencer.ts'

/**
 * The durable state of a hub: one row with the epoch, made with the object, and the reserved sequence.
 * Synchronous, so a constructor may call it and no request can come between.
 */
export const openStore = (sql: SqlStorage): { epoch: string; store: SequenceStore } => {
  sql.exec(
    `CREATE TABLE IF NOT EXISTS hub (
       id INTEGER PRIMARY KEY CHECK (id = 1), epoch TEXT NOT NULL, reserved INTEGER NOT NULL)`,
  )
  sql.exec(`INSERT OR IGNORE INTO hub VALUES (1, ?, 0)`, crypto.randomUUID())
  const row = sql.exec<{ epoch: string; reserved: number }>('SELECT epoch, reserved FROM hub').one()
  let reserved = row.reserved
  const store: SequenceStore = {
    get reserved() {
      return reserved
    },
    reserve(upTo) {
      sql.exec('UPDATE hub SET reserved = ?', upTo)
      reserved = upTo
    },
  }
  return { epoch: row.epoch, store }
}
