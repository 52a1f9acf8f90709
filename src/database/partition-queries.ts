import type { Database } from './client.ts'

/** Days of partitions that stand ready: two missed daily runs and a day to spare. */
export const PARTITIONS_AHEAD_DAYS = 3

/** How long each tier stays, in days. */
export interface TierRetention {
  readonly minuteDays: number
  readonly fiveMinuteDays: number
  readonly hourDays: number
  /** Requests to language models one by one, and feedback on them. */
  readonly requestDays: number
}

/**
 * Makes the partitions of the retention and of the days ahead, and drops older ones, in every tier. Safe to
 * run at any time, by several callers at once.
 *
 * @returns how many partitions were made and dropped
 */
export const maintainTiers = async (
  db: Database,
  { minuteDays, fiveMinuteDays, hourDays, requestDays }: TierRetention,
): Promise<{ readonly made: number; readonly dropped: number }> => {
  const [row] = await db.query<{ made: number; dropped: number }>({
    text: `SELECT made, dropped
      FROM maintain_tiers($1::integer, $2::integer, $3::integer, $4::integer, $5::integer)`,
    params: [minuteDays, fiveMinuteDays, hourDays, PARTITIONS_AHEAD_DAYS, requestDays].map(String),
  })
  return row ?? { made: 0, dropped: 0 }
}
