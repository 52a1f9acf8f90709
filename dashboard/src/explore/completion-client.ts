import type { PrometheusClient } from '@prometheus-io/codemirror-promql'
import { EqlRegex, EqlSingle, Neq, NeqRegex } from '@prometheus-io/lezer-promql'

type Matcher = NonNullable<Parameters<PrometheusClient['labelValues']>[2]>[number]
type Metadata = Awaited<ReturnType<PrometheusClient['metricMetadata']>>

/** Names and values offered at once; more than that nobody reads. */
const OFFERED_MAX = 2_000
/** Answers kept for the next keystrokes. */
const KEPT_MAX = 100
const KEPT_MS = 30_000

const OPERATORS: Readonly<Record<number, string>> = {
  [EqlSingle]: '=',
  [Neq]: '!=',
  [EqlRegex]: '=~',
  [NeqRegex]: '!~',
}

/** The selector of `match[]`: a metric and the finished matchers of other labels than the one asked for. */
export const selectorText = (
  metric: string,
  matchers: readonly Matcher[] = [],
  except = '',
): string => {
  const parts = matchers.flatMap(({ type, name, value }) => {
    const operator = OPERATORS[type]
    const isUsable = operator !== undefined && name !== '' && name !== except && value !== ''
    return isUsable ? [`${name}${operator}${JSON.stringify(value)}`] : []
  })
  return `${metric}${parts.length > 0 ? `{${parts.join(',')}}` : ''}`
}

/** Names for completion from the service's catalogue. What fails offers nothing. */
export class CompletionClient implements PrometheusClient {
  readonly #read: (path: string) => Promise<unknown>
  readonly #now: () => number
  readonly #kept = new Map<string, { atMs: number; answer: Promise<unknown> }>()

  /** @param read `data` of an address of the service */
  constructor(read: (path: string) => Promise<unknown>, now: () => number = Date.now) {
    this.#read = read
    this.#now = now
  }

  labelNames(metric = ''): Promise<string[]> {
    return this.#ask('/api/v1/labels', selectorText(metric), [])
  }

  labelValues(label: string, metric = '', matchers: readonly Matcher[] = []): Promise<string[]> {
    const path = `/api/v1/label/${encodeURIComponent(label)}/values`
    return this.#ask(path, selectorText(metric, matchers, label), [])
  }

  metricNames(): Promise<string[]> {
    return this.labelValues('__name__')
  }

  metricMetadata(): Promise<Metadata> {
    return this.#ask('/api/v1/metadata', '', {})
  }

  async series(metric: string, matchers: readonly Matcher[] = [], label = '') {
    const found = await this.#ask<Record<string, string>[]>(
      '/api/v1/series',
      selectorText(metric, matchers, label),
      [],
    )
    return found.map((labels) => new Map(Object.entries(labels)))
  }

  /** The service has no command line. */
  flags(): Promise<Record<string, string>> {
    return Promise.resolve({})
  }

  #ask<T>(path: string, selector: string, nothing: T): Promise<T> {
    const parameters = new URLSearchParams({ limit: String(OFFERED_MAX) })
    if (selector !== '') parameters.set('match[]', selector)
    const address = `${path}?${parameters}`
    const kept = this.#kept.get(address)
    if (kept !== undefined && this.#now() - kept.atMs < KEPT_MS) return kept.answer as Promise<T>
    const answer = this.#read(address).catch(() => {
      // The service is away, or the selector is half typed: the next keystroke asks again.
      this.#kept.delete(address)
      return nothing
    })
    this.#kept.delete(address)
    this.#kept.set(address, { atMs: this.#now(), answer })
    const oldest = this.#kept.keys().next()
    if (this.#kept.size > KEPT_MAX && !oldest.done) this.#kept.delete(oldest.value)
    return answer as Promise<T>
  }
}
