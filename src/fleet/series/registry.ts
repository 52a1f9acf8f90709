import { IDENTITY_WORDS, IdentityTable } from './identity-table.ts'
import type { SeriesDescription } from './series-batch.ts'
import type { SeriesStore, StoredDescription } from './series-store.ts'

/**
 * The series of a shard: a slot each, dense, in the order of their numbers. Slots are of this
 * memory alone; numbers are stored and never used twice.
 */
export class SeriesRegistry {
  readonly #store: SeriesStore
  #table = new IdentityTable()
  #numbers = new Uint32Array(64)
  #roles = new Uint8Array(64)
  #labelBytes = 0
  /** VM ids of the series with a role, by slot. */
  readonly #vms = new Map<number, string>()
  /** Journal rows up to this one are about another VM; by slot, where there was one. */
  readonly #since = new Map<number, number>()

  constructor(store: SeriesStore) {
    this.#store = store
    this.reload()
  }

  /** Reads what is stored: slots are given anew. */
  reload(): void {
    this.#table = new IdentityTable()
    this.#vms.clear()
    this.#since.clear()
    this.#labelBytes = 0
    for (const series of this.#store.series()) this.#add(series)
  }

  get count(): number {
    return this.#table.count
  }

  /** Canonical bytes of the labels of all series. */
  get labelBytes(): number {
    return this.#labelBytes
  }

  #add({ identity, number, role, vm, since, labelBytes }: StoredDescription): number {
    this.#labelBytes += labelBytes
    const slot = this.#table.add(identity, 0)
    if (slot === this.#numbers.length) {
      const numbers = new Uint32Array(slot * 2)
      numbers.set(this.#numbers)
      this.#numbers = numbers
      const roles = new Uint8Array(slot * 2)
      roles.set(this.#roles)
      this.#roles = roles
    }
    this.#numbers[slot] = number
    this.#setRole(slot, role, vm, since)
    return slot
  }

  #setRole(slot: number, role: number, vm: string | null, since: number): void {
    if (since > 0) this.#since.set(slot, since)
    // Without a VM there is nobody that the samples could be about.
    this.#roles[slot] = vm === null ? 0 : role
    if (vm === null || role === 0) this.#vms.delete(slot)
    else this.#vms.set(slot, vm)
  }

  /** Slot of the identity at `words[at … at + 3]`; −1 where there is none. */
  find(words: Uint32Array, at: number): number {
    return this.#table.find(words, at)
  }

  number(slot: number): number {
    return this.#numbers[slot] as number
  }

  /** Numbers of all slots: a view, valid until the next series. */
  get numbers(): Uint32Array {
    return this.#numbers.subarray(0, this.count)
  }

  /** Role of the series for its VM; 0 where it has none. */
  role(slot: number): number {
    return this.#roles[slot] as number
  }

  /** Whether what a journal row holds of the series is about its VM. */
  isAbout(slot: number, sequence: number): boolean {
    return sequence > (this.#since.get(slot) ?? 0)
  }

  /** Null where the series has no role. */
  vm(slot: number): string | null {
    return this.#vms.get(slot) ?? null
  }

  /** Slot of a number; −1 where the series is gone. */
  slotOf(number: number): number {
    let low = 0
    let high = this.count - 1
    while (low <= high) {
      const middle = (low + high) >> 1
      const found = this.#numbers[middle] as number
      if (found === number) return middle
      if (found < number) low = middle + 1
      else high = middle - 1
    }
    return -1
  }

  /** Stores a new series and gives it the next slot. */
  create(words: Uint32Array, at: number, description: SeriesDescription): number {
    const identity = words.slice(at, at + IDENTITY_WORDS)
    const number = this.#store.create(identity, description)
    const { role, vm, labels } = description
    return this.#add({ identity, number, role, vm, since: 0, labelBytes: labels.length })
  }

  /** Takes over what a sender says of a known series now: its VM may be another one. */
  describe(slot: number, { role, vm }: SeriesDescription): void {
    const effective = vm === null ? 0 : role
    if (this.role(slot) === effective && this.vm(slot) === (effective === 0 ? null : vm)) return
    this.#setRole(slot, role, vm, this.#store.describe(this.number(slot), role, vm))
  }

  /** Series of a VM lose it; they stay as series. */
  forgetVm(vmId: string): void {
    for (const [slot, vm] of this.#vms)
      if (vm === vmId) {
        this.#setRole(slot, 0, null, this.#store.describe(this.number(slot), 0, null))
      }
  }
}
