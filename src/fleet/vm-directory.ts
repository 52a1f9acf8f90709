import { isUnavailable } from '../database/faults.ts'

interface Entry {
  readonly id: string
  readonly fetchedAt: number
}

/** A VM that was deleted or renamed elsewhere is noticed after this long. */
const FRESH_MS = 30_000
/** While the database is away, a VM seen this recently still takes samples. */
const STALE_IF_ERROR_MS = 3_600_000
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
    if (entry && Math.abs(now - entry.fetchedAt) < FRESH_MS) found.set(reference, entry.id)
    else unsure.push(reference)
  }
  if (unsure.length === 0) return found
  const asked = generation
  try {
    for (const [reference, id] of await lookUp(unsure)) {
      found.set(reference, id)
      // Asked before a change, answered after: right for this batch, but not to be kept.
      if (asked === generation) remember(keyOf(organisationId, reference), { id, fetchedAt: now })
    }
  } catch (error) {
    if (!isUnavailable(error)) throw error
    for (const reference of unsure) {
      const entry = entries.get(keyOf(organisationId, reference))
      if (!entry || now - entry.fetchedAt > STALE_IF_ERROR_MS) throw error
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
