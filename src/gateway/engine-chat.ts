import { err, ok, type Result } from '../result.ts'
import type { ServedStream } from './attempt.ts'
import type { Completion, Usage } from './chat.ts'
import { CompletionCollector } from './completion-events.ts'
import type { GatewayError } from './dialects/types.ts'
import {
  type Delivery,
  deliver,
  type EnginePorts,
  type Question,
  type Undelivered,
} from './engine.ts'
import type { UpstreamFault } from './faults.ts'
import { faultError, mostTelling } from './gateway-errors.ts'
import type { ChatTemplate, GatewayRequest, Target } from './gateway-request.ts'
import { NOBODY, Settlement, usdText } from './gateway-settlement.ts'
import { ANSWER_CHARACTERS_MAX } from './response-cache.ts'
import { pump, type StreamEnd } from './stream-pump.ts'
import { UsageMeter } from './stream-usage.ts'
import { passingWriter, type StreamWriter, translatingWriter } from './stream-writer.ts'

/** Who served a chat, and what the client is given. */
export interface ChatAnswer {
  readonly target: Target
  readonly attempts: number
  readonly body: Uint8Array | string | ReadableStream<Uint8Array>
  /** Null of a stream, whose cost is known at its end. */
  readonly costNanoUsd: number | null
  /** Of a whole answer. */
  readonly completion: Completion | null
  /** Until nothing of a stream is left to do; null of a whole answer. */
  readonly finished: Promise<void> | null
}

/** Nobody served it. */
export interface ChatFailure {
  readonly error: GatewayError
  readonly fault: UpstreamFault
  readonly target: Target | null
  readonly attempts: number
}

type ChatRequest = GatewayRequest<ChatTemplate>

/** What calls that lost cost at least: their providers had the prompt. */
const wastedOf = (losers: readonly Target[], inputTokens: number): number => {
  const usage: Usage = {
    inputTokens,
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
    outputTokens: 0,
    reasoningTokens: 0,
  }
  return losers.reduce((sum, loser) => sum + loser.costNanoUsd(usage), 0)
}

/** Not every provider says which of its models answered. */
const named = (completion: Completion, { model }: Target): Completion =>
  completion.model === '' ? { ...completion, model } : completion

const questionOf = ({ call, credential, signal }: ChatRequest): Question<Completion> => ({
  isStream: call.isStream,
  signal,
  credential,
  requestOf: ({ provider, model, isReasoning }, secret) => {
    const reasoningEffort = isReasoning ? call.reasoningEffort : null
    const asked = { ...call, model, reasoningEffort }
    return provider.protocol.chatRequest(provider.baseUrl, asked, secret)
  },
  readAnswer: ({ provider }, bytes, nowMs) => provider.protocol.readCompletion(bytes, nowMs),
})

const writerOf = (request: ChatRequest, { provider, model }: Target): StreamWriter => {
  const { codec, dialect, call, base, inputTokens } = request
  const open = () =>
    codec.openStream({
      id: base.id,
      model,
      createdAtMs: base.atMs,
      includeUsage: call.includeUsage,
      inputTokensEstimated: inputTokens,
    })
  return provider.protocol.dialect === dialect
    ? passingWriter(dialect, call.includeUsage, (error) => open().fault(error))
    : translatingWriter(open())
}

/** The answer of a stream that has begun; whatever becomes of it, it is settled once. */
const streamed = (
  request: ChatRequest,
  delivery: Delivery<Completion>,
  served: ServedStream,
  settlement: Settlement,
  ports: EnginePorts,
): ChatAnswer => {
  const { target, admission, attempts, losers, sentAtMs } = delivery
  const { base, dialect, inputTokens } = request
  const { clock } = ports
  const meter = new UsageMeter()
  const collector =
    request.keep === undefined ? null : new CompletionCollector(ANSWER_CHARACTERS_MAX)
  let firstContentAtMs = served.firstContentAtMs
  const ended = ({ outcome, fault }: StreamEnd): string => {
    const nowMs = clock.now()
    const firstTokenMs = firstContentAtMs === null ? null : firstContentAtMs - sentAtMs
    if (fault === null) admission.succeeded(nowMs, firstTokenMs)
    else admission.failed(nowMs, fault)
    ports.counted(target, fault)
    const { usage, source } = meter.measured(outcome === 'ok', inputTokens)
    const completion = outcome === 'ok' ? (collector?.completion(nowMs) ?? null) : null
    if (completion !== null) request.keep?.(named(completion, target), target)
    const record = settlement.settle(
      {
        outcome,
        fault,
        target,
        attempts,
        usage,
        usageSource: source,
        timeToFirstTokenMs: firstContentAtMs === null ? null : firstContentAtMs - base.atMs,
        wastedNanoUsd: wastedOf(losers, inputTokens),
      },
      nowMs,
    )
    return `: gjallar cost-usd=${usdText(record.costNanoUsd)}\n\n`
  }
  const { body, finished } = pump({
    served,
    writer: writerOf(request, target),
    observe: (event) => {
      meter.observe(event)
      collector?.add(event)
    },
    idleMs: ports.deadlines.idleMs,
    ended,
    errorOf: (fault) => faultError(dialect, fault),
    began: () => {
      firstContentAtMs = clock.now()
      ports.measured(target, firstContentAtMs - sentAtMs, true)
    },
  })
  return { target, attempts, body, costNanoUsd: null, completion: null, finished }
}

const utf8 = new TextEncoder()

/**
 * Serves one chat request: the answer in the client's dialect, or why there is none. The reservation is
 * settled in every case, for a stream when it ends.
 */
export const serveChat = async (
  request: ChatRequest,
  ports: EnginePorts,
): Promise<Result<ChatAnswer, ChatFailure>> => {
  const { base, codec, dialect, inputTokens } = request
  const settlement = new Settlement(request)
  try {
    const delivered = await deliver(request, questionOf(request), base.atMs, ports)
    if (!delivered.ok) return err(failed(request, delivered.error, settlement, ports.clock.now()))
    const delivery = delivered.value
    const { target, served, attempts, losers } = delivery
    if (served.kind === 'stream') return ok(streamed(request, delivery, served, settlement, ports))
    const completion = named(served.value, target)
    const meter = new UsageMeter()
    meter.observeCompletion(completion)
    const { usage, source } = meter.measured(true, inputTokens)
    const { costNanoUsd } = settlement.settle(
      {
        outcome: 'ok',
        fault: null,
        target,
        attempts,
        usage,
        usageSource: source,
        timeToFirstTokenMs: null,
        wastedNanoUsd: wastedOf(losers, inputTokens),
      },
      ports.clock.now(),
    )
    request.keep?.(completion, target)
    const body =
      target.provider.protocol.dialect === dialect
        ? served.bytes
        : utf8.encode(JSON.stringify(codec.completion(completion, base.id)))
    return ok({ target, attempts, body, costNanoUsd, completion, finished: null })
  } catch (error) {
    settlement.abandon(ports.clock.now())
    throw error
  }
}

/** Ends a request that nobody served. */
export const failed = (
  { dialect }: Pick<GatewayRequest<unknown>, 'dialect'>,
  { attempts, failures }: Undelivered,
  settlement: Settlement,
  nowMs: number,
): ChatFailure => {
  const fault = mostTelling(failures.map((failure) => failure.fault))
  const target = failures.at(-1)?.server ?? null
  const outcome = fault.reason === 'cancelled' ? 'cancelled' : 'error'
  settlement.settle({ ...NOBODY, outcome, fault, target, attempts }, nowMs)
  return { error: faultError(dialect, fault), fault, target, attempts }
}
