import type { Database } from './client.ts'

/** Days of partitions that stand ready: two missed daily runs and a day to spare. */
export const PARTITIONS_AHEAD_DAYS = 3

/**
 * Makes the partitions of the retention and of the days ahead, and drops older ones. Safe to run at any
 * time, by several callers at once.
 *
 * @returns how many partitions were made and dropped
 */
export const maintainPartitions = async (
  db: Database,
  retentionDays: number,
): Promise<{ readonly made: number; readonly dropped: number }> => {
  const [row] = await db.query<{ made: number; dropped: number }>({
    text: 'SELECT made, dropped FROM maintain_partitions($1::integer, $2::integer)',
    params: [String(retentionDays), String(PARTITIONS_AHEAD_DAYS)],
  })
  return row ?? { made: 0, dropped: 0 }
}
