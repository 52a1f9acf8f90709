import { connect } from '../database/client.ts'
import { isUnavailable } from '../database/faults.ts'
import { maintainTiers, settleStopping } from '../database/flush-queries.ts'
import type { Settings } from '../env.ts'
import { logEvent } from '../observability/log.ts'
import { HOUR_MS } from './minute-buffer.ts'

/** A VM that was told to stop counts as stopped once it is silent this long. */
const SILENCE_MS = 75_000
const INTERVAL_MS = 60_000

/** What a shard does in PostgreSQL now and then: finishes stops of VMs that went silent, and keeps the day partitions. */
export class Upkeep {
  readonly #settings: Settings
  /** When it last succeeded, ms since the epoch. */
  #doneAt = 0
  #maintainedHour = 0
  /** No earlier than this, ms since the epoch. */
  nextAt = 0

  constructor(settings: Settings) {
    this.#settings = settings
  }

  /** When stops must be looked at, given the newest sample; null where that was done since. In ms since the epoch. */
  dueAt(lastSampleAt: number): number | null {
    const silentAt = lastSampleAt + SILENCE_MS
    return this.#doneAt < silentAt ? Math.max(silentAt, this.nextAt) : null
  }

  /** Never throws; a failed try is due again after the interval. @param now ms since the epoch */
  async run(now: number, organisationId: string, vmIds: readonly string[]): Promise<void> {
    this.nextAt = now + INTERVAL_MS
    if (organisationId === '') return
    try {
      const database = connect(this.#settings)
      await settleStopping(database, organisationId, vmIds)
      this.#doneAt = now
      const hour = Math.floor(now / HOUR_MS)
      if (hour === this.#maintainedHour) return
      await maintainTiers(database, this.#settings.retention)
      this.#maintainedHour = hour
    } catch (error) {
      if (!isUnavailable(error)) logEvent('series-shard', 'warn', 'upkeep failed', error)
    }
  }
}
