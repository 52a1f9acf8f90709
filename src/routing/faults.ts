/** What keeps a request from being routed: the sender's fault, told with its place in the body. */
export type RoutingFault =
  /** Not UTF-8, or not JSON. */
  | { readonly reason: 'malformed'; readonly detail: string }
  /** A field of the wrong kind, range or combination; `pointer` is an RFC 6901 fragment. */
  | { readonly reason: 'invalid'; readonly pointer: string; readonly detail: string }
  | {
      readonly reason: 'too-large'
      readonly pointer: string
      readonly detail: string
      readonly max: number
    }
  /** A model by name that the organisation's catalogue does not have. */
  | { readonly reason: 'model-unknown'; readonly model: string }
  /** Every candidate is ruled out; `excluded` says why, one by one. */
  | { readonly reason: 'no-candidate'; readonly excluded: readonly Exclusion[] }

/** Why a candidate may not serve a request. */
export type ExclusionReason =
  | 'not-allowed'
  | 'context-too-small'
  | 'output-too-small'
  | 'lacks-vision'
  | 'lacks-tools'
  | 'lacks-json'
  | 'lacks-json-schema'
  | 'breaker-open'
  /** The deployment has no such provider, or not for this caller's credential. */
  | 'no-provider'
  /** The artifact has no measured quality for it. */
  | 'quality-unknown'

export interface Exclusion {
  /** `provider/model`. */
  readonly id: string
  readonly reason: ExclusionReason
}

export const invalid = (pointer: string, detail: string): RoutingFault => ({
  reason: 'invalid',
  pointer,
  detail,
})

/** OpenAI's name for a place in a body: `messages[0].content` of `#/messages/0/content`; null for the whole. */
export const paramOf = (pointer: string): string | null =>
  pointer
    .replace(/^#\/?/, '')
    .replaceAll(/\/(\d+)(?=\/|$)/g, '[$1]')
    .replaceAll('/', '.') || null
