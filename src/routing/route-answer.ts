import { type Problem, problem } from '../http/problem.ts'
import type { ProtocolBody, ProtocolError } from '../http/protocol-errors.ts'
import type { Decision } from './decide.ts'
import { paramOf, type RoutingFault } from './faults.ts'

/** Codes that OpenAI's clients tell apart, by status. */
const CODES: Readonly<Record<number, string>> = {
  401: 'invalid_api_key',
  403: 'insufficient_permissions',
  404: 'model_not_found',
  413: 'request_too_large',
  422: 'no_candidate',
}

/** A problem as OpenAI's clients read errors. */
export const openAiError = ({ status, message, pointer }: ProtocolError): ProtocolBody => ({
  contentType: 'application/json',
  body: JSON.stringify({
    error: {
      message,
      type: status >= 500 ? 'server_error' : 'invalid_request_error',
      param: pointer === undefined ? null : paramOf(pointer),
      code: CODES[status] ?? null,
    },
  }),
})

export const routingProblem = (fault: RoutingFault): Problem => {
  switch (fault.reason) {
    case 'malformed':
      return problem(400, 'bad-request', fault.detail)
    case 'invalid': {
      const { pointer, detail } = fault
      return problem(400, 'bad-request', `${pointer} ${detail}`, { errors: [{ pointer, detail }] })
    }
    case 'too-large': {
      const { pointer, detail, max } = fault
      return problem(413, 'body-too-large', detail, {
        errors: [{ pointer, detail }],
        extensions: { sizeBytesMax: max },
      })
    }
    case 'model-unknown':
      return problem(404, 'not-found', `no candidate is called ${fault.model}`, {
        errors: [{ pointer: '#/model', detail: 'names no candidate of the configuration' }],
      })
    case 'no-candidate': {
      const reasons = fault.excluded.map(({ id, reason }) => `${id}: ${reason}`)
      return problem(422, 'validation-failed', `no candidate can serve this: ${reasons.join(', ')}`)
    }
  }
}

/** What a candidate's quality is made of: the artifact's near the request, and the organisation's trials. */
const measuredOf = ({ byId, analysis }: Decision, id: string) => {
  const { prior = null, trials = 0 } = byId.get(id) ?? {}
  return { priorQuality: prior === null ? null : (analysis.quality[prior] ?? null), trials }
}

/** The answer of `POST /v1/route`. @param spentMs by a clock that stands still in production */
export const routeAnswer = (decisionId: string, decision: Decision, spentMs: number) => {
  const { provider, model, fallbacks, analysis } = decision
  return {
    decisionId,
    decision: { provider, model, params: { model }, fallbacks },
    bucket: decision.bucket,
    bucketServed: decision.bucketServed,
    bucketProbabilities: analysis.probabilities,
    difficulty: analysis.difficulty,
    cluster: analysis.clusters[0] ?? null,
    clusters: analysis.clusters.map((cluster, i) => ({
      cluster,
      weight: analysis.clusterWeights[i] ?? 0,
    })),
    embedding: analysis.embedding,
    alpha: decision.alpha,
    inputTokens: decision.inputTokens,
    tokensSource: analysis.tokensSource,
    candidates: decision.candidates.map((candidate) => ({
      ...candidate,
      ...measuredOf(decision, candidate.id),
    })),
    excluded: decision.excluded,
    affinity: decision.affinity,
    cache: decision.cache,
    artifactVersion: decision.artifactVersion,
    isCanary: decision.isCanary,
    spentMs,
  }
}

/** What a client that reads no body learns of a decision. */
export const decisionHeaders = (decisionId: string, decision: Decision) => {
  const { provider, model, bucket, analysis, alpha, cache, artifactVersion } = decision
  const score = decision.candidates.find(({ id }) => id === `${provider}/${model}`)?.score ?? 0
  return {
    'x-gjallar-decision-id': decisionId,
    'x-gjallar-provider': provider,
    'x-gjallar-model': model,
    'x-gjallar-bucket': bucket,
    'x-gjallar-cluster': String(analysis.clusters[0] ?? ''),
    'x-gjallar-alpha': String(alpha),
    'x-gjallar-score': score.toFixed(6),
    'x-gjallar-cache': cache,
    'x-gjallar-artifact': artifactVersion,
    ...(decision.isCanary ? { 'x-gjallar-canary': 'true' } : {}),
  }
}
