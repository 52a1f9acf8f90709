import type { Principal } from './context.ts'

interface Entry {
  readonly principal: Principal | null
  readonly fetchedAt: number
  /** When the database was asked in vain; null where it answered. */
  triedAt: number | null
}

/** A revoked key is refused everywhere after this long. */
export const KEY_FRESH_MS = 30_000
/** An unknown key is asked about again after this long, so that a new one works soon. */
const UNKNOWN_FRESH_MS = 5_000
/** While the database is away, a key verified this recently still counts, so that ingest goes on. */
const STALE_IF_ERROR_MS = 3_600_000
/**
 * A database that did not answer is asked by one request after this long, while the others go on with what
 * is held: longer than it is waited for (`answerTimeoutMs`), so that one that hangs holds up one at a time.
 */
const RETRY_MS = 20_000
const ENTRIES_MAX = 10_000

/**
 * Verified keys of this isolate by hash: bounded, least recently used out first. `principal` is null
 * for a key known not to exist.
 */
export class KeyCache {
  readonly #entries = new Map<string, Entry>()
  #generation = 0

  clear(): void {
    this.#generation++
    this.#entries.clear()
  }

  /**
   * @param hash SHA-256 of the key
   * @param now milliseconds since the epoch
   * @param lookUp asks the database; throws when it cannot tell
   * @param isUnavailable tells a dead database from a bug
   * @throws what `lookUp` throws, when no verdict recent enough is held
   */
  async find(
    hash: Uint8Array,
    now: number,
    lookUp: (hash: Uint8Array) => Promise<Principal | null>,
    isUnavailable: (error: unknown) => boolean,
  ): Promise<Principal | null> {
    const name = String.fromCharCode(...hash)
    const entry = this.#entries.get(name)
    // What was fetched by a clock that was set back since is as old as it was ahead.
    const ageMs = entry ? Math.abs(now - entry.fetchedAt) : Number.POSITIVE_INFINITY
    if (entry && ageMs < (entry.principal ? KEY_FRESH_MS : UNKNOWN_FRESH_MS))
      return this.#use(name, entry, now)
    const isHeld = entry?.principal != null && ageMs < STALE_IF_ERROR_MS
    if (isHeld && entry.triedAt !== null) {
      if (Math.abs(now - entry.triedAt) < RETRY_MS) return this.#use(name, entry, now)
      entry.triedAt = now
    }
    const generation = this.#generation
    try {
      const principal = await lookUp(hash)
      // Asked before a key ended, answered after: right for this request, but not to be kept.
      if (generation !== this.#generation) return principal
      return this.#use(name, { principal, fetchedAt: now, triedAt: null }, now)
    } catch (error) {
      if (!isHeld || !isUnavailable(error)) throw error
      entry.triedAt = now
      return this.#use(name, entry, now)
    }
  }

  #use(name: string, entry: Entry, now: number): Principal | null {
    this.#entries.delete(name)
    this.#entries.set(name, entry)
    if (this.#entries.size > ENTRIES_MAX) {
      const oldest = this.#entries.keys().next()
      if (!oldest.done) this.#entries.delete(oldest.value)
    }
    const { principal } = entry
    return principal?.expiresAt != null && principal.expiresAt <= now ? null : principal
  }
}
