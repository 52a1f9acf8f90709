import { logEvent } from '../observability/log.ts'
import { HOUR_MS } from './minute-buffer.ts'
import type { MinuteStore } from './minute-store.ts'
import { packMinutes, type StoredMinute, unpackMinutes } from './packed-samples.ts'
import type { PackedPart } from './packed-store.ts'

/** Minutes are packed this long after their hour ended: samples that are late by less find them as they are. */
const PACK_AFTER_MS = 2 * HOUR_MS
/** A part ends with the minute that reaches this many samples. */
const PART_SAMPLES_MAX = 8_192
/** Steps of one round, each at most a part read and a few written. */
const ROUND_STEPS_MAX = 256
/** Between two steps. */
const STEP_PAUSE_MS = 2

const samplesOf = (minutes: readonly StoredMinute[]): number =>
  minutes.reduce((sum, { samples }) => sum + samples.count, 0)

/** Both in order of time; of a minute that is in both, the row's. */
const merged = (packed: readonly StoredMinute[], rows: readonly StoredMinute[]): StoredMinute[] => {
  const byStart = new Map(packed.map((minute) => [minute.start, minute]))
  for (const row of rows) byStart.set(row.start, row)
  return [...byStart.values()].sort((a, b) => a.start - b.start)
}

const partsOf = (minutes: readonly StoredMinute[]): PackedPart[] => {
  const parts: PackedPart[] = []
  let from = 0
  let count = 0
  minutes.forEach(({ samples }, index) => {
    count += samples.count
    if (count < PART_SAMPLES_MAX && index < minutes.length - 1) return
    const part = minutes.slice(from, index + 1)
    parts.push({ start: part[0]?.start ?? 0, chunk: packMinutes(part) })
    from = index + 1
    count = 0
  })
  return parts
}

/**
 * Packs the minutes of hours that are over into chunks, once PostgreSQL has (or refused) them. A row of a
 * minute stands in place of what is packed of it, so a late sample makes a row of the whole minute, which
 * is packed again.
 */
export class Packer {
  readonly #store: MinuteStore
  #isRunning = false
  /** Whether the last round left something to do. */
  hasMore = false

  constructor(store: MinuteStore) {
    this.#store = store
  }

  /** One part of one VM's hour, as one transaction. @returns whether there was something to do */
  step(now: number): boolean {
    const before = now - PACK_AFTER_MS
    const oldest = this.#store.oldestSettled(before - (before % HOUR_MS))
    if (!oldest) return false
    const { vm, minute } = oldest
    const { packed } = this.#store
    let part = packed.partOf(vm, minute)
    let known = part ? unpackMinutes(part.chunk) : []
    const isBehind = minute > (known.at(-1)?.start ?? Number.POSITIVE_INFINITY)
    if (isBehind && samplesOf(known) >= PART_SAMPLES_MAX) {
      part = null
      known = []
    }
    const rows = this.#store.settled(vm, minute, packed.nextStart(vm, minute), PART_SAMPLES_MAX)
    this.#store.replaceByParts(vm, rows, part, partsOf(merged(known, rows)))
    return true
  }

  /** A round, step by step, so that requests are served in between; one at a time. Never throws. */
  async run(now: number): Promise<void> {
    if (this.#isRunning) return
    this.#isRunning = true
    this.hasMore = false
    try {
      for (let steps = 0; this.step(now); steps++) {
        this.hasMore = steps === ROUND_STEPS_MAX
        if (this.hasMore) break
        await scheduler.wait(STEP_PAUSE_MS)
      }
    } catch (error) {
      logEvent('series-shard', 'error', 'minutes could not be packed; they stay as they are', error)
    }
    this.#isRunning = false
  }
}
