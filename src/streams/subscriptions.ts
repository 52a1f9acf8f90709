/**
 * Who listens to what: sockets by topic and topics by socket, both ways so that joining, leaving and
 * finding a topic's listeners never walk over the others. Memory only; a hub refills it from the
 * sockets' attachments. `S` is whatever stands for a socket.
 */
export class Subscriptions<S> {
  readonly #topics = new Map<S, Set<string>>()
  readonly #subscribers = new Map<string, Set<S>>()

  /** Connected sockets, those without a topic included. */
  get size(): number {
    return this.#topics.size
  }

  add(socket: S, topics: Iterable<string> = []): void {
    if (!this.#topics.has(socket)) this.#topics.set(socket, new Set())
    this.subscribe(socket, topics)
  }

  has(socket: S): boolean {
    return this.#topics.has(socket)
  }

  topicsOf(socket: S): ReadonlySet<string> {
    return this.#topics.get(socket) ?? new Set()
  }

  subscribersOf(topic: string): ReadonlySet<S> {
    return this.#subscribers.get(topic) ?? new Set()
  }

  hasSubscribers(topic: string): boolean {
    return this.#subscribers.has(topic)
  }

  subscribe(socket: S, topics: Iterable<string>): void {
    const own = this.#topics.get(socket)
    if (!own) return
    for (const topic of topics) {
      own.add(topic)
      const listeners = this.#subscribers.get(topic)
      if (listeners) listeners.add(socket)
      else this.#subscribers.set(topic, new Set([socket]))
    }
  }

  /** @returns the topics that nobody listens to any more */
  unsubscribe(socket: S, topics: Iterable<string>): string[] {
    const own = this.#topics.get(socket)
    if (!own) return []
    const deserted: string[] = []
    for (const topic of topics) {
      if (!own.delete(topic)) continue
      const listeners = this.#subscribers.get(topic)
      listeners?.delete(socket)
      if (listeners?.size === 0) {
        this.#subscribers.delete(topic)
        deserted.push(topic)
      }
    }
    return deserted
  }

  /** @returns the topics that nobody listens to any more */
  remove(socket: S): string[] {
    const deserted = this.unsubscribe(socket, [...this.topicsOf(socket)])
    this.#topics.delete(socket)
    return deserted
  }
}
