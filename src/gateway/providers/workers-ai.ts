import { err, ok } from '../../result.ts'
import { chatBodyOf, embeddingTextsOf } from './call-body.ts'
import { requestFaultOf } from './request-fault.ts'
import type { ProviderProtocol } from './types.ts'
import { modelPath, postJson } from './wire.ts'
import { readRun, readVectors, WorkersAiStream } from './workers-ai-answer.ts'
import { readWorkersAiFault } from './workers-ai-fault.ts'
import { runBodyOf } from './workers-ai-request.ts'

const ONE_CHOICE = {
  reason: 'invalid',
  pointer: '#/n',
  detail: 'must be 1: the model is of Workers AI',
} as const

/**
 * Cloudflare Workers AI over its REST API: `ai/run/{model}` in the envelope `{ result, success, errors }`.
 * Newer models answer there as OpenAI does, with and without a stream.
 *
 * Source: developers.cloudflare.com/api/resources/ai/methods/run
 */
export const workersAi: ProviderProtocol = {
  kind: 'workers-ai',
  dialect: null,
  chatRequest(baseUrl, call, credential) {
    const path = modelPath(call.model)
    if (!path.ok) return path
    const body = chatBodyOf(call)
    if (!body.ok) return body
    if (Number(body.value.n ?? 1) > 1) return err(requestFaultOf(ONE_CHOICE))
    return postJson(`${baseUrl}/ai/run/${path.value}`, credential, runBodyOf(body.value, call))
  },
  readCompletion: readRun,
  openStream: () => new WorkersAiStream(),
  readFault: readWorkersAiFault,
  embeddingsRequest(baseUrl, call, credential) {
    const path = modelPath(call.model)
    if (!path.ok) return path
    const texts = embeddingTextsOf(call.body)
    if (!texts.ok) return texts
    return postJson(`${baseUrl}/ai/run/${path.value}`, credential, { text: texts.value })
  },
  readEmbeddings(body) {
    const read = readVectors(body)
    return read.ok ? ok({ ...read.value, model: '' }) : read
  },
}
