import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { MockUsage } from './answer.ts'

/** Models that are counted one by one; those beyond are counted together. */
const MODELS_MAX = 1_000
const RECORDED_BYTES_MAX = 256 * 1024

export interface ModelCounts {
  requests: number
  /** Answers that ended as the dialect ends them. */
  completed: number
  /** Answers whose tokens were told: what their sender bills. */
  told: number
  inputTokens: number
  cachedInputTokens: number
  cacheWriteTokens: number
  outputTokens: number
  reasoningTokens: number
}

/** A request as it came. */
export interface Recorded {
  provider: string
  path: string
  model: string
  /** SHA-256 of what the client proved itself with, in hexadecimal, by header; never the secret itself. */
  credentials: Record<string, string>
  /** All others. */
  headers: Record<string, string>
  /** Text; cut at 256 KiB. */
  body: string
}

const CREDENTIALS = new Set(['authorization', 'x-api-key', 'x-goog-api-key', 'cookie'])

/** What the mock has seen: the truth that a ledger is compared with. */
export class Counts {
  started = 0
  finished = 0
  /** The client left before the end. */
  aborted = 0
  readonly faults: Record<string, number> = {}
  readonly models = new Map<string, ModelCounts>()
  readonly recorded: Recorded[] = []
  readonly #recordedMax: number

  constructor(recordedMax: number) {
    this.#recordedMax = recordedMax
  }

  of(provider: string, model: string): ModelCounts {
    const name = this.models.size < MODELS_MAX ? `${provider}/${model}` : '*'
    let counts = this.models.get(name)
    if (counts === undefined) {
      counts = {
        requests: 0,
        completed: 0,
        told: 0,
        inputTokens: 0,
        cachedInputTokens: 0,
        cacheWriteTokens: 0,
        outputTokens: 0,
        reasoningTokens: 0,
      }
      this.models.set(name, counts)
    }
    return counts
  }

  tell(counts: ModelCounts, usage: MockUsage): void {
    counts.told++
    counts.inputTokens += usage.inputTokens
    counts.cachedInputTokens += usage.cachedInputTokens
    counts.cacheWriteTokens += usage.cacheWriteTokens
    counts.outputTokens += usage.outputTokens
    counts.reasoningTokens += usage.reasoningTokens
  }

  fault(kind: string): void {
    this.faults[kind] = (this.faults[kind] ?? 0) + 1
  }

  record(
    request: { provider: string; path: string; model: string; headers: IncomingHttpHeaders },
    body: Buffer,
  ): void {
    if (this.#recordedMax === 0) return
    const credentials: Record<string, string> = {}
    const headers: Record<string, string> = {}
    for (const [name, value] of Object.entries(request.headers)) {
      if (CREDENTIALS.has(name)) {
        credentials[name] = createHash('sha256').update(String(value)).digest('hex')
      } else headers[name] = String(value)
    }
    const { provider, path, model } = request
    this.recorded.push({
      provider,
      path,
      model,
      credentials,
      headers,
      body: body.toString('utf8', 0, RECORDED_BYTES_MAX),
    })
    if (this.recorded.length > this.#recordedMax) this.recorded.shift()
  }

  clear(): void {
    this.started = 0
    this.finished = 0
    this.aborted = 0
    for (const kind of Object.keys(this.faults)) delete this.faults[kind]
    this.models.clear()
    this.recorded.length = 0
  }

  toJSON() {
    const { started, finished, aborted, faults } = this
    return {
      mock: true,
      started,
      finished,
      aborted,
      active: started - finished - aborted,
      faults,
      models: Object.fromEntries(this.models),
    }
  }
}
