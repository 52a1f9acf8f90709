import { err, ok, type Result } from '../../result.ts'
import type { UpstreamFault } from '../faults.ts'
import { fieldsOf, isFields, listOf } from '../fields.ts'
import { chatBodyOf, embeddingTextsOf } from './call-body.ts'
import { GeminiStream, readGenerateContent } from './gemini-answer.ts'
import { faultInStream, readGeminiFault } from './gemini-fault.ts'
import { generateContentOf } from './gemini-request.ts'
import { requestFaultOf } from './request-fault.ts'
import type { EmbeddingsAnswer, ProviderProtocol } from './types.ts'
import { jsonOf, malformed, modelPath, postJson, tokensOf } from './wire.ts'

/** `models/NAME` as the list of models writes it, and `NAME`, are the same. */
const pathOf = (model: string): Result<string, UpstreamFault> => {
  const path = modelPath(model)
  if (!path.ok || /^(?:models|tunedModels)\//.test(model)) return path
  return ok(`models/${model}`)
}

const readVectors = (body: Uint8Array): Result<EmbeddingsAnswer, UpstreamFault> => {
  const answer = jsonOf(body)
  if (!isFields(answer)) return err(malformed('the answer is no JSON object'))
  const fault = faultInStream(answer)
  if (fault !== null) return err(fault)
  const embeddings = isFields(answer.embedding) ? [answer.embedding] : listOf(answer.embeddings)
  const vectors = embeddings.map((embedding) => listOf(fieldsOf(embedding).values))
  const isWhole = vectors.every(
    (vector): vector is number[] =>
      vector.length > 0 && vector.every((value) => typeof value === 'number'),
  )
  if (vectors.length === 0 || !isWhole) return err(malformed('the answer has no embeddings'))
  const inputTokens = tokensOf(fieldsOf(answer.usageMetadata).promptTokenCount)
  const none = { cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: 0 }
  return ok({ vectors, model: '', usage: inputTokens > 0 ? { inputTokens, ...none } : null })
}

/**
 * Google's Gemini: `generateContent` of the Gemini API (v1beta), and of Vertex AI, whose paths and bodies
 * are the same behind `…/publishers/google`. A bearer is a token of OAuth.
 *
 * Source: ai.google.dev/api/generate-content, ai.google.dev/api/embeddings
 */
export const gemini: ProviderProtocol = {
  kind: 'gemini',
  dialect: null,
  chatRequest(baseUrl, call, credential) {
    const path = pathOf(call.model)
    if (!path.ok) return path
    const body = chatBodyOf(call)
    if (!body.ok) return body
    const method = call.isStream ? 'streamGenerateContent?alt=sse' : 'generateContent'
    const url = `${baseUrl}/${path.value}:${method}`
    // OpenAI has no word for a budget of thoughts, nor for thoughts that are to be told.
    const { thinking } = call.body
    const chat = call.dialect === 'anthropic' ? { ...body.value, thinking } : body.value
    const content = generateContentOf(chat, call)
    return content.ok
      ? postJson(url, credential, content.value)
      : err(requestFaultOf(content.error))
  },
  readCompletion: readGenerateContent,
  openStream: () => new GeminiStream(),
  readFault: readGeminiFault,
  embeddingsRequest(baseUrl, call, credential) {
    const path = pathOf(call.model)
    if (!path.ok) return path
    const texts = embeddingTextsOf(call.body)
    if (!texts.ok) return texts
    const { dimensions } = call.body
    const requests = texts.value.map((text) => ({
      model: path.value,
      content: { parts: [{ text }] },
      ...(typeof dimensions === 'number' ? { outputDimensionality: dimensions } : {}),
    }))
    return postJson(`${baseUrl}/${path.value}:batchEmbedContents`, credential, { requests })
  },
  readEmbeddings: readVectors,
}
