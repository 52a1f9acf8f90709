/** The members of a server frame that tell where a listener stands. */
export interface ServerFrame {
  readonly kind: string
  readonly epoch?: string
  readonly topic?: string
  readonly topics?: readonly string[]
  readonly sequence?: number
  readonly previous?: number
}

/** `apply` the frame · `ignore` it, it is known · `reread` by HTTP, then apply: something was missed. */
export type Verdict = 'apply' | 'ignore' | 'reread'

/**
 * The listener's half of the sequence rules, for the page and every other client.
 * One tracker lives as long as the client, over all its connections.
 */
export class SequenceTracker {
  #epoch: string | null = null
  #last = 0
  #seen = new Map<string, number>()

  read(frame: ServerFrame): Verdict {
    const { sequence = 0, previous = 0 } = frame
    switch (frame.kind) {
      case 'hello': {
        const missed =
          this.#epoch !== null && (frame.epoch !== this.#epoch || sequence !== this.#last)
        this.#epoch = frame.epoch ?? null
        this.#last = sequence
        this.#seen.clear()
        return missed ? 'reread' : 'apply'
      }
      case 'subscribed':
        for (const topic of frame.topics ?? []) this.#seen.set(topic, sequence)
        this.#last = Math.max(this.#last, sequence)
        return 'apply'
      case 'update':
      case 'vm-changed': {
        const seen = this.#seen.get(frame.topic ?? '') ?? 0
        if (sequence <= seen) return 'ignore'
        this.#seen.set(frame.topic ?? '', sequence)
        this.#last = Math.max(this.#last, sequence)
        return previous > seen ? 'reread' : 'apply'
      }
      default:
        return 'apply'
    }
  }
}
