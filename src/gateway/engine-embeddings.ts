import { err, ok, type Result } from '../result.ts'
import type { Fields, Usage } from './chat.ts'
import { deliver, type EnginePorts, type Question } from './engine.ts'
import { type ChatFailure, failed } from './engine-chat.ts'
import type { UpstreamFault } from './faults.ts'
import type { GatewayRequest, Target } from './gateway-request.ts'
import { Settlement } from './gateway-settlement.ts'
import type { EmbeddingsAnswer } from './providers/types.ts'

type EmbeddingsRequest = GatewayRequest<{ readonly body: Fields }>

export interface EmbeddingsDelivery {
  readonly target: Target
  readonly attempts: number
  readonly answer: EmbeddingsAnswer
  readonly costNanoUsd: number
}

/** The provider has no embeddings at all. */
const NONE: UpstreamFault = { reason: 'model-unknown', status: 404 }

const questionOf = ({
  call,
  credential,
  signal,
}: EmbeddingsRequest): Question<EmbeddingsAnswer> => ({
  isStream: false,
  signal,
  credential,
  requestOf: ({ provider, model }, secret) =>
    provider.protocol.embeddingsRequest?.(provider.baseUrl, { body: call.body, model }, secret) ??
    err(NONE),
  readAnswer: ({ provider }, bytes) => provider.protocol.readEmbeddings?.(bytes) ?? err(NONE),
})

/** Serves one request for embeddings. The reservation is settled in every case. */
export const serveEmbeddings = async (
  request: EmbeddingsRequest,
  ports: EnginePorts,
): Promise<Result<EmbeddingsDelivery, ChatFailure>> => {
  const { base, inputTokens } = request
  const settlement = new Settlement(request)
  try {
    const delivered = await deliver(request, questionOf(request), base.atMs, ports)
    if (!delivered.ok) return err(failed(request, delivered.error, settlement, ports.clock.now()))
    const { target, served, attempts } = delivered.value
    if (served.kind === 'stream') throw new TypeError('embeddings are no stream')
    const answer = served.value
    const estimated: Usage = {
      inputTokens,
      cachedInputTokens: 0,
      cacheWriteTokens: 0,
      outputTokens: 0,
      reasoningTokens: 0,
    }
    const { costNanoUsd } = settlement.settle(
      {
        outcome: 'ok',
        fault: null,
        target,
        attempts,
        usage: answer.usage ?? estimated,
        usageSource: answer.usage === null ? 'estimated' : 'provider',
        timeToFirstTokenMs: null,
      },
      ports.clock.now(),
    )
    return ok({ target, attempts, answer, costNanoUsd })
  } catch (error) {
    settlement.abandon(ports.clock.now())
    throw error
  }
}
