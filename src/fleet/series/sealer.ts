import { logEvent } from '../../observability/log.ts'
import { type ChunkStore, GROUPS_MAX } from './chunk-store.ts'
import { dayOf } from './day.ts'
import type { HostDerivation } from './host-derivation.ts'
import type { SeriesRegistry } from './registry.ts'
import { onFault, type SampleIntake } from './sample-intake.ts'
import { compactDay, sealHeads } from './sealing.ts'
import type { SeriesStore } from './series-store.ts'

/** Cuts of a day whose segments are merged into chunks by series; of a day that is over, one is enough. */
const COMPACTION_CUTS_MIN = 8
/** Between two steps of a compaction. */
const COMPACTION_PAUSE_MS = 2
/** Series that are sealed at one time: a few milliseconds. */
const SLICE_SERIES = 512
/** Between two slices. */
const SLICE_PAUSE_MS = 0

/** Moves samples from heads and journal into chunks, and chunks of cuts into larger ones, a step at a time. */
export class Sealer {
  readonly #storage: DurableObjectStorage
  readonly #store: SeriesStore
  readonly #chunks: ChunkStore
  readonly #registry: SeriesRegistry
  readonly #intake: SampleIntake
  readonly #hosts: HostDerivation
  #isCompacting = false
  #cut: Generator<void> | null = null
  /** When the oldest sample in the journal came, ms since the epoch; +Infinity where it is empty. */
  journalSince = Number.POSITIVE_INFINITY

  constructor(
    storage: DurableObjectStorage,
    store: SeriesStore,
    chunks: ChunkStore,
    registry: SeriesRegistry,
    intake: SampleIntake,
    hosts: HostDerivation,
  ) {
    this.#storage = storage
    this.#store = store
    this.#chunks = chunks
    this.#registry = registry
    this.#intake = intake
    this.#hosts = hosts
  }

  /**
   * Seals all heads, slice by slice, and then deletes the journal rows from before it began. Samples that
   * come meanwhile stay in the journal, sealed or not; so do all of them if the object is killed in between.
   * Read again, they repeat what is in chunks, which readers and compactions leave out.
   */
  *#sealing(now: number, alongside: () => void): Generator<void> {
    const journalEnd = this.#store.journalEnd()
    // As of these journal rows: later ones are read again, and host metrics must not count them twice.
    const tails = this.#intake.tails()
    const hosts = [...this.#hosts.states()]
    const { count } = this.#registry
    this.#intake.heads.watch()
    for (let first = 0; first < count; first += SLICE_SERIES) {
      const end = Math.min(count, first + SLICE_SERIES)
      this.#storage.transactionSync(() =>
        sealHeads(
          this.#intake.heads,
          first,
          end,
          (slot) => this.#registry.number(slot),
          this.#chunks,
          now,
        ),
      )
      this.#intake.sealed(first, end)
      yield
    }
    this.#storage.transactionSync(() => {
      alongside()
      this.#store.saveTails(tails)
      this.#store.saveHosts(hosts)
      this.journalSince = this.#store.trimJournal(journalEnd)
    })
  }

  /**
   * Seals the heads, unless that is going on. With the last slice everything else that the journal stood
   * for is stored (`alongside`: VM samples that were taken before), in one transaction.
   *
   * @param now ms since the epoch   @throws when a slice cannot be stored: the object must end
   */
  async seal(now: number, alongside: () => void): Promise<void> {
    if (this.#cut) return
    this.#cut = this.#sealing(now, alongside)
    while (this.step()) await scheduler.wait(SLICE_PAUSE_MS)
  }

  /**
   * One slice of what is being sealed. Who appends takes one too: timers stand behind the requests of
   * a busy sender. @returns whether there is more
   */
  step(): boolean {
    if (this.#cut?.next().done) this.#cut = null
    return this.#cut !== null
  }

  /** Seals what is being sealed, or all heads, at once. */
  sealNow(now: number, alongside: () => void): void {
    this.#cut ??= this.#sealing(now, alongside)
    while (this.step()) {
      // Slice after slice.
    }
  }

  get isSealing(): boolean {
    return this.#cut !== null
  }

  /**
   * Step by step, so that the requests that came meanwhile are served in between; one at a time. Never
   * throws.
   *
   * @param now ms since the epoch
   */
  async compact(now: number): Promise<void> {
    if (this.#isCompacting) return
    this.#isCompacting = true
    try {
      for (let steps = this.#nextCompaction(now); steps; steps = this.#nextCompaction(now))
        for (const _ of steps) await scheduler.wait(COMPACTION_PAUSE_MS)
    } catch (error) {
      logEvent('series-shard', 'error', 'a compaction failed; its segments stay', error)
    }
    this.#isCompacting = false
  }

  #nextCompaction(now: number): Generator<void> | null {
    const today = dayOf(now)
    for (const day of this.#chunks.days) {
      const { cuts, groups } = this.#chunks.waiting(day)
      const isDue = cuts >= (day < today ? 1 : COMPACTION_CUTS_MIN)
      if (isDue && groups < GROUPS_MAX)
        return compactDay(
          this.#chunks,
          day,
          (write) => this.#storage.transactionSync(write),
          onFault,
        )
    }
    return null
  }
}
