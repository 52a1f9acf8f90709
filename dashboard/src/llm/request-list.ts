import type { LlmRequest, RequestPage } from './types.ts'

/** Requests that the page holds at once. */
export const REQUESTS_HELD_MAX = 2_000

/** What is shown, the newest first, and where it goes on. */
export interface RequestList {
  readonly requests: readonly LlmRequest[]
  readonly nextCursor: string | null
}

const newestFirst = (a: LlmRequest, b: LlmRequest): number =>
  b.atMs - a.atMs || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0)

const union = (held: readonly LlmRequest[], come: readonly LlmRequest[]): LlmRequest[] => {
  const byId = new Map(held.map((request) => [request.id, request]))
  for (const request of come) byId.set(request.id, request)
  return [...byId.values()].sort(newestFirst)
}

/**
 * The newest page put before what is held. Where more came in between than a page has, what is held
 * no longer joins it and is let go, so that the list never has a hole.
 */
export const withNewest = (held: RequestList | null, page: RequestPage): RequestList => {
  if (held === null || page.nextCursor === null) return page
  const known = new Set(held.requests.map(({ id }) => id))
  if (!page.requests.some(({ id }) => known.has(id))) return page
  return { requests: union(held.requests, page.requests), nextCursor: held.nextCursor }
}

/** The next page put behind what is held. */
export const withOlder = (held: RequestList, page: RequestPage): RequestList => ({
  requests: union(held.requests, page.requests),
  nextCursor:
    held.requests.length + page.requests.length >= REQUESTS_HELD_MAX ? null : page.nextCursor,
})
