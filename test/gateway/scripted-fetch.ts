import type { Fetch } from '../../src/gateway/attempt.ts'
import type { Clock } from '../../src/gateway/gateway-clock.ts'

/** One thing that a scripted body does: says a text, waits, is silent for ever, or breaks. */
export type Act = string | { readonly waitMs: number } | 'HANG' | 'BREAK'

/** What a scripted upstream does with one request. */
export type Reply =
  | { readonly kind: 'refused' }
  | { readonly kind: 'reset' }
  | { readonly kind: 'hang' }
  | {
      readonly kind: 'answer'
      readonly status?: number
      readonly headers?: Readonly<Record<string, string>>
      /** Until the headers. */
      readonly waitMs?: number
      readonly acts: readonly Act[]
    }

export interface SentRequest {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Record<string, unknown>
  readonly signal: AbortSignal
  /** Pieces of the answer that were taken. */
  read: number
  /** Whether the answer was given up by us. */
  isCancelled: boolean
}

const utf8 = new TextEncoder()
const text = new TextDecoder()

const aborted = (): Error => new DOMException('The operation was aborted', 'AbortError')

const wait = (clock: Clock, ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const cancel = clock.after(ms, resolve)
    signal.addEventListener('abort', () => {
      cancel()
      reject(aborted())
    })
  })

const never = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(aborted())))

const bodyOf = (acts: readonly Act[], sent: SentRequest, clock: Clock): ReadableStream => {
  const left = [...acts]
  return new ReadableStream(
    {
      async pull(controller) {
        for (;;) {
          const act = left.shift()
          if (act === undefined) return controller.close()
          if (act === 'HANG') await never(sent.signal)
          else if (act === 'BREAK') throw new TypeError('terminated')
          else if (typeof act === 'object') await wait(clock, act.waitMs, sent.signal)
          else {
            sent.read++
            return controller.enqueue(utf8.encode(act))
          }
        }
      },
      cancel() {
        sent.isCancelled = true
      },
    },
    { highWaterMark: 0 },
  )
}

/** A `fetch` that does as its script says, one reply for each request by its host. */
export const scriptedFetch = (
  clock: Clock,
  script: (host: string, sent: SentRequest) => Reply,
): { fetch: Fetch; sent: SentRequest[] } => {
  const sent: SentRequest[] = []
  const fetch: Fetch = async (url, init) => {
    const signal = init.signal as AbortSignal
    const raw = init.body as Uint8Array | string
    const request: SentRequest = {
      url,
      headers: init.headers as Record<string, string>,
      body: JSON.parse(typeof raw === 'string' ? raw : text.decode(raw)),
      signal,
      read: 0,
      isCancelled: false,
    }
    sent.push(request)
    const reply = script(new URL(url).host, request)
    if (reply.kind === 'refused')
      throw new TypeError('fetch failed', {
        cause: Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:443'), {
          code: 'ECONNREFUSED',
        }),
      })
    if (reply.kind === 'reset') throw new TypeError('fetch failed')
    if (reply.kind === 'hang') return never(signal)
    if (reply.waitMs !== undefined) await wait(clock, reply.waitMs, signal)
    return new Response(bodyOf(reply.acts, request, clock), {
      status: reply.status ?? 200,
      headers: reply.headers ?? {},
    })
  }
  return { fetch, sent }
}
