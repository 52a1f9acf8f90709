import { isUnavailable } from '../database/faults.ts'

interface Entry {
  readonly id: string
  readonly fetchedAt: number
  /** When the database was asked in vain; null where it answered. */
  triedAt: number | null
}

/** A VM that was deleted or renamed elsewhere is noticed after this long. */
const FRESH_MS = 30_000
/** While the database is away, a VM seen this recently still takes samples. */
const STALE_IF_ERROR_MS = 3_600_000
/** A database that did not answer is asked by one request after this long, as `KeyCache` does. */
const RETRY_MS = 20_000
/** References kept per isolate, over all organisations; the oldest go first. */
const ENTRIES_MAX = 100_000

const entries = new Map<string, Entry>()
/** Counts changes that this isolate made, over all organisations. */
let generation = 0

/** Changes with every change to VMs that this isolate made: what was derived from names may be old. */
export const vmsGeneration = (): number => generation

const keyOf = (organisationId: string, reference: string) => `${organisationId}/${reference}`

/** Forgets an organisation's VMs in this isolate after a change to them. */
export const forgetVms = (organisationId: string): void => {
  generation++
  for (const key of entries.keys()) if (key.startsWith(`${organisationId}/`)) entries.delete(key)
}

/** Whether the database was asked in vain a moment ago; where that is longer ago, the caller asks again. */
const isTried = (entry: Entry, now: number): boolean => {
  if (entry.triedAt === null || now - entry.fetchedAt > STALE_IF_ERROR_MS) return false
  if (Math.abs(now - entry.triedAt) < RETRY_MS) return true
  entry.triedAt = now
  return false
}

/**
 * Ids of VMs by reference (id or name), from this isolate's memory where it is fresh. References that
 * name no VM are absent and are asked about again next time.
 *
 * @param now milliseconds since the epoch
 * @param lookUp asks the database for all references given, in one round trip
 * @throws what `lookUp` throws, when some reference was not seen recently enough
 */
export const resolve = async (
  organisationId: string,
  references: readonly string[],
  now: number,
  lookUp: (references: readonly string[]) => Promise<ReadonlyMap<string, string>>,
): Promise<ReadonlyMap<string, string>> => {
  const found = new Map<string, string>()
  const unsure: string[] = []
  for (const reference of references) {
    const entry = entries.get(keyOf(organisationId, reference))
    // What was fetched by a clock that was set back since is as old as it was ahead.
    const isFresh = entry && Math.abs(now - entry.fetchedAt) < FRESH_MS
    if (isFresh || (entry && isTried(entry, now))) found.set(reference, entry.id)
    else unsure.push(reference)
  }
  if (unsure.length === 0) return found
  const asked = generation
  try {
    for (const [reference, id] of await lookUp(unsure)) {
      found.set(reference, id)
      // Asked before a change, answered after: right for this batch, but not to be kept.
      if (asked === generation)
        remember(keyOf(organisationId, reference), { id, fetchedAt: now, triedAt: null })
    }
  } catch (error) {
    if (!isUnavailable(error)) throw error
    for (const reference of unsure) {
      const entry = entries.get(keyOf(organisationId, reference))
      if (!entry || now - entry.fetchedAt > STALE_IF_ERROR_MS) throw error
      entry.triedAt = now
      found.set(reference, entry.id)
    }
  }
  return found
}

const remember = (key: string, entry: Entry): void => {
  entries.delete(key)
  entries.set(key, entry)
  if (entries.size <= ENTRIES_MAX) return
  const oldest = entries.keys().next()
  if (!oldest.done) entries.delete(oldest.value)
}
