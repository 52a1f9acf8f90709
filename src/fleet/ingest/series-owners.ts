import { IDENTITY_WORDS, IdentityTable } from '../series/identity-table.ts'
import { decodeLabels, type Label } from '../series/labels.ts'
import type { SeriesDescription } from '../series/series-batch.ts'
import type { SeriesWrite } from '../series/series-write.ts'
import { shardOf } from '../sharding.ts'
import { hostRoleOf } from './host-roles.ts'
import { vmReferencesOf } from './label-mapping.ts'
import { type HostSize, unknownSize } from './reporting-hosts.ts'

/** What labels say about a VM is asked about again after this long. */
const FRESH_MS = 30_000
/** And after this long where the database did not answer: longer than it is waited for. */
const RETRY_MS = 20_000
/**
 * Samples of a host wait so long for the answer to which VM it is: of what is stored before, the VM gets
 * nothing. Then they are stored all the same, for the database may be away for long.
 */
const AWAITED_MS = 60_000
/** And such a host is asked about after this long. */
const UNKNOWN_RETRY_MS = 5_000
/** A new machine has told its size after this long: a few scrapes, in all their requests. */
const MEASURED_MS = 120_000
/** Series without a label that could name a VM. */
const NO_REFERENCE = -1

/** What the labels of some series say about their VM, and which VM that is now. */
export interface Reference {
  /** Ids or names, the most telling first. */
  readonly candidates: readonly string[]
  /** What a VM would be called. */
  readonly name: string
  /** Whether some series tells of the host itself. */
  isHost: boolean
  /** Whether the database has said which VM it is, or that there is none. */
  isAnswered: boolean
  /** Since when the answer is awaited, ms since the epoch; null before the first try. */
  awaitedSince: number | null
  vmId: string | null
  shard: number
  /** Grows when VM or shard change: series are described again. */
  version: number
  /** ms since the epoch. */
  checkedAt: number
  readonly size: HostSize
  /** ms since the epoch; −Infinity until its VM is missing. */
  measuredUntil: number
}

/** Labels of processes, which a machine is not called by. */
const isProcessLabel = (label: string): boolean => label.includes('instance')

const hexOf = (identity: Uint32Array, at: number): string =>
  Array.from(identity.subarray(at, at + IDENTITY_WORDS), (word) => word.toString(16)).join('-')

/**
 * Who owns the series that this isolate has seen of one organisation: the VM that the labels name, so
 * that all of a VM is in one shard; where they name none, the name itself; else the series.
 * Known series cost a look in a table and make no objects.
 */
export class SeriesOwners {
  readonly #shards: number
  readonly #vmLabels: readonly string[]
  readonly #table = new IdentityTable()
  readonly #references: Reference[] = []
  readonly #byCandidates = new Map<string, number>()
  #measuredUntil = Number.NEGATIVE_INFINITY
  #reference = new Int32Array(256)
  #shard = new Uint16Array(256)
  #role = new Uint8Array(256)
  /** Per series: version of its reference that its shard was told, + 1; 0 where it was told nothing. */
  #told = new Uint32Array(256)
  /** Per series: 1 once its host's size has what it tells. */
  #measured = new Uint8Array(256)

  constructor(shards: number, vmLabels: readonly string[]) {
    this.#shards = shards
    this.#vmLabels = vmLabels
  }

  get count(): number {
    return this.#table.count
  }

  /** Entries of the write's series, i32[n]; new ones are added. */
  entriesOf(write: Pick<SeriesWrite, 'seriesCount' | 'identity' | 'labelsOf'>): Int32Array {
    const entries = new Int32Array(write.seriesCount)
    for (let series = 0; series < entries.length; series++) {
      const at = series * IDENTITY_WORDS
      const entry = this.#table.find(write.identity, at)
      entries[series] =
        entry >= 0 ? entry : this.#add(write.identity, at, decodeLabels(write.labelsOf(series)))
    }
    return entries
  }

  #add(identity: Uint32Array, at: number, labels: readonly Label[]): number {
    const entry = this.#table.add(identity, at)
    if (entry === this.#reference.length) this.#grow()
    const role = hostRoleOf(labels)
    this.#role[entry] = role
    const candidates = vmReferencesOf(labels, this.#vmLabels)
    if (candidates.length === 0) {
      this.#reference[entry] = NO_REFERENCE
      this.#shard[entry] = shardOf(hexOf(identity, at), this.#shards)
      return entry
    }
    // Any character may stand in a label, so none can part them.
    const key = JSON.stringify(candidates)
    let reference = this.#byCandidates.get(key)
    if (reference === undefined) {
      const machine = this.#vmLabels.filter((label) => !isProcessLabel(label))
      const [name = candidates[0] ?? ''] = vmReferencesOf(labels, machine)
      const shard = shardOf(candidates[0] ?? '', this.#shards)
      reference =
        this.#references.push({
          candidates,
          name,
          isHost: false,
          isAnswered: false,
          awaitedSince: null,
          vmId: null,
          shard,
          version: 0,
          checkedAt: Number.NEGATIVE_INFINITY,
          size: unknownSize(),
          measuredUntil: Number.NEGATIVE_INFINITY,
        }) - 1
      this.#byCandidates.set(key, reference)
    }
    const found = this.#references[reference] as Reference
    if (role !== 0 && !found.isHost) {
      found.isHost = true
      found.isAnswered = false
      // Until now nobody asked for a VM.
      found.checkedAt = Number.NEGATIVE_INFINITY
    }
    this.#reference[entry] = reference
    return entry
  }

  #grow(): void {
    const size = this.#reference.length * 2
    const grown = <T extends Int32Array | Uint16Array | Uint8Array | Uint32Array>(
      array: T,
      larger: T,
    ): T => {
      larger.set(array)
      return larger
    }
    this.#reference = grown(this.#reference, new Int32Array(size))
    this.#shard = grown(this.#shard, new Uint16Array(size))
    this.#role = grown(this.#role, new Uint8Array(size))
    this.#told = grown(this.#told, new Uint32Array(size))
    this.#measured = grown(this.#measured, new Uint8Array(size))
  }

  /** References of the entries that were asked about too long ago. @param now ms since the epoch */
  stale(entries: Int32Array, now: number): Reference[] {
    const stale = new Set<Reference>()
    let last = NO_REFERENCE
    for (let series = 0; series < entries.length; series++) {
      const reference = this.#reference[entries[series] as number] as number
      // Neighbours mostly name the same VM.
      if (reference === last || reference === NO_REFERENCE) continue
      last = reference
      const found = this.#references[reference] as Reference
      // What was checked by a clock that was set back since is as old as it was ahead.
      if (Math.abs(now - found.checkedAt) >= FRESH_MS) stale.add(found)
    }
    return [...stale]
  }

  /** All references are asked about again before they are next used. */
  expire(): void {
    for (const reference of this.#references) reference.checkedAt = Number.NEGATIVE_INFINITY
  }

  /**
   * A reference is being asked about: meanwhile others go on with what is known, if anything is.
   * @param now ms since the epoch
   */
  asking(reference: Reference, now: number): void {
    if (Number.isFinite(reference.checkedAt)) this.postpone(reference, now)
  }

  /** What was settled of a reference is all that the database had to say. */
  answered(reference: Reference): void {
    reference.isAnswered = true
    reference.awaitedSince = null
  }

  /**
   * A reference could not be asked about: not for every request again.
   *
   * @param now ms since the epoch
   * @returns whether its samples have to wait for the answer
   */
  postpone(reference: Reference, now: number): boolean {
    const isUnknownHost = reference.isHost && reference.vmId === null
    reference.checkedAt = now - FRESH_MS + (isUnknownHost ? UNKNOWN_RETRY_MS : RETRY_MS)
    if (!isUnknownHost || reference.isAnswered) return false
    reference.awaitedSince ??= now
    if (Math.abs(now - reference.awaitedSince) >= AWAITED_MS) return false
    reference.checkedAt = Number.NEGATIVE_INFINITY
    return true
  }

  /** What is known of a reference now. @param now ms since the epoch */
  settle(reference: Reference, vmId: string | null, now: number): void {
    reference.checkedAt = now
    if (reference.vmId === vmId) return
    reference.vmId = vmId
    reference.shard = shardOf(vmId ?? reference.candidates[0] ?? '', this.#shards)
    reference.version++
  }

  /** From now on, and for a while, the host tells its size. @param now ms since the epoch */
  startMeasuring(reference: Reference, now: number): void {
    if (reference.measuredUntil !== Number.NEGATIVE_INFINITY) return
    reference.measuredUntil = now + MEASURED_MS
    this.#measuredUntil = reference.measuredUntil
  }

  /** Whether some host tells its size. @param now ms since the epoch */
  isMeasuring(now: number): boolean {
    return this.#measuredUntil > now
  }

  isMeasured(entry: number): boolean {
    return this.#measured[entry] === 1
  }

  /** The size of the entry's host has what the series tells. */
  measured(entry: number): void {
    this.#measured[entry] = 1
  }

  /** References of the entries whose size is not told yet. */
  untold(entries: Int32Array): Reference[] {
    const found = new Set<Reference>()
    for (const entry of entries) {
      const reference = this.reference(entry)
      if (reference?.size.isUntold) found.add(reference)
    }
    return [...found]
  }

  /** Null where no label names a VM. */
  reference(entry: number): Reference | null {
    return this.#references[this.#reference[entry] as number] ?? null
  }

  role(entry: number): number {
    return this.#role[entry] as number
  }

  shard(entry: number): number {
    const reference = this.#reference[entry] as number
    return reference === NO_REFERENCE
      ? (this.#shard[entry] as number)
      : (this.#references[reference] as Reference).shard
  }

  /** Whether the entry's shard was told of the series as it is now. */
  isTold(entry: number): boolean {
    const reference = this.#reference[entry] as number
    const version =
      reference === NO_REFERENCE ? 0 : (this.#references[reference] as Reference).version
    return this.#told[entry] === version + 1
  }

  /** @returns notes that the shard has the series as it is now, once it answered */
  telling(entry: number): () => void {
    const version = (this.reference(entry)?.version ?? 0) + 1
    return () => {
      this.#told[entry] = version
    }
  }

  /** The shard did not take the series: it is described anew with its next sample. */
  untell(entry: number): void {
    this.#told[entry] = 0
  }

  /** @param labels canonical bytes */
  describe(entry: number, labels: Uint8Array): SeriesDescription {
    return { labels, role: this.role(entry), vm: this.reference(entry)?.vmId ?? null }
  }
}
