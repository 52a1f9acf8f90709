import type { Faults, Script } from '../../local/mock-llm/behaviour.ts'
import type { Counts, ModelCounts, Recorded } from '../../local/mock-llm/counts.ts'

export interface MockCounts extends Pick<Counts, 'started' | 'finished' | 'aborted' | 'faults'> {
  /** Answers on their way. */
  active: number
  models: Record<string, ModelCounts>
  /** Scripted behaviours that no request took yet. */
  queued: number
}

/** What tests tell the mock upstream, and ask it. */
export interface MockControl {
  readonly url: string
  script(script: Script): Promise<void>
  faults(faults: Faults): Promise<void>
  counts(): Promise<MockCounts>
  /** The requests that it got, the oldest first. */
  requests(): Promise<Recorded[]>
  /** Forgets all that was said and seen. */
  reset(): Promise<void>
}

/** @throws Error with the mock's own words where it refuses */
export const createMockControl = (url: string): MockControl => {
  const ask = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const response = await fetch(`${url}/control${path}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`the mock answered ${response.status}: ${text}`)
    return JSON.parse(text) as T
  }
  return {
    url,
    script: (script) => ask('PUT', '/script', script),
    faults: (faults) => ask('PUT', '/faults', faults),
    counts: () => ask('GET', '/counts'),
    requests: async () => (await ask<{ requests: Recorded[] }>('GET', '/requests')).requests,
    reset: () => ask('DELETE', ''),
  }
}
