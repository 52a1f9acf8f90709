/** What went wrong at a provider. Details never hold keys, nor addresses of upstreams. */
export type UpstreamFault =
  /** No connection, or one that broke before an answer. */
  | { readonly reason: 'connection'; readonly detail: string }
  | {
      readonly reason: 'timeout'
      readonly stage: 'headers' | 'first-token' | 'idle' | 'total'
      readonly afterMs: number
    }
  | {
      readonly reason: 'rate-limited'
      readonly status: number
      readonly retryAfterMs: number | null
    }
  /** 5xx, 529, or an error event that says as much. */
  | {
      readonly reason: 'server'
      readonly status: number
      readonly detail: string
      readonly retryAfterMs: number | null
    }
  /** The provider refuses our credential or its quota is used up: the operator's matter, not the client's. */
  | { readonly reason: 'credential'; readonly status: number }
  /** The provider has no such model. */
  | { readonly reason: 'model-unknown'; readonly status: number }
  /** The prompt is longer than the model reads. */
  | { readonly reason: 'context-exceeded'; readonly status: number; readonly detail: string }
  /** The provider refuses the request itself: every one would. Told to the client. */
  | {
      readonly reason: 'request'
      readonly status: number
      readonly detail: string
      readonly type: string | null
      readonly code: string | null
      readonly param: string | null
      /** Nothing was sent: this provider's protocol has no words for it, another's may have. */
      readonly isUnsayable?: true
    }
  /** Not what the provider's protocol says. */
  | { readonly reason: 'malformed'; readonly detail: string }
  /** The stream ended before its end. */
  | { readonly reason: 'interrupted'; readonly detail: string }
  /** The limiter or breaker in front of the provider let nothing through. */
  | {
      readonly reason: 'unavailable'
      readonly detail: string
      /** When a breaker lets something through again; absent where it is a matter of moments. */
      readonly retryAfterMs?: number
    }
  /** The client left. */
  | { readonly reason: 'cancelled' }
