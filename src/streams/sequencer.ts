import type { Position } from './protocol.ts'

/** Numbers handed out for one durable write. */
export const SEQUENCE_BLOCK = 1_000

/** The durable half of a sequencer; survives eviction, hibernation and a killed process. */
export interface SequenceStore {
  /** Every number up to this one may have been handed out. */
  readonly reserved: number
  /** Durable before anything that was sent after the call leaves the object (output gate). */
  reserve(upTo: number): void
}

/**
 * Numbers the update frames of one epoch: each has its own number, whatever its topic, strictly
 * ascending for as long as the store lives.
 *
 * A number is durable before it is used, but only one write is made in `SEQUENCE_BLOCK`: a block is
 * reserved ahead, and an object that wakes up goes on behind the last reserved block. So numbers are
 * never repeated, and the sequence may jump. A listener hears only its own topics anyway, so what tells
 * it of a loss is not a jump but `previous`, the number of the frame before on the same topic. It is 0 for the first frame
 * of a topic after the object woke up, which is true: sockets outlive only a hibernation in which every
 * frame was handed to them, and they are closed by anything harder. It stays true while a hub closes a
 * slow reader rather than leaving frames out.
 */
export class Sequencer {
  readonly #store: SequenceStore
  #last: number
  /** By topic with listeners; forgetting a deserted topic is safe, since nobody could compare with it. */
  readonly #lastOfTopic = new Map<string, number>()

  constructor(store: SequenceStore) {
    this.#store = store
    this.#last = store.reserved
  }

  /** The newest number that may have been used. */
  get last(): number {
    return this.#last
  }

  /** The place of the next frame, which goes to the listeners of `topic`. */
  next(topic: string): Position {
    const sequence = this.skip()
    const previous = this.#lastOfTopic.get(topic) ?? 0
    this.#lastOfTopic.set(topic, sequence)
    return { sequence, previous }
  }

  /** Uses a number for what nobody listened to, so that a listener that comes back sees that it missed it. */
  skip(): number {
    if (this.#last + 1 > this.#store.reserved) this.#store.reserve(this.#last + SEQUENCE_BLOCK)
    this.#last += 1
    return this.#last
  }

  forget(topics: Iterable<string>): void {
    for (const topic of topics) this.#lastOfTopic.delete(topic)
  }
}
