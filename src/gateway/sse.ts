/** One server-sent event. */
export interface SseEvent {
  /** The `event:` field; null where it has none. */
  readonly event: string | null
  /** The `data:` lines, joined by line feeds. */
  readonly data: string
}
