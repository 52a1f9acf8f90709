import type { LimitFault } from '../ledger/types.ts'
import { paramOf, type RoutingFault } from '../routing/faults.ts'
import type { Dialect } from '../routing/request.ts'
import type { GatewayError } from './dialects/types.ts'
import type { UpstreamFault } from './faults.ts'
import { DIALECTS } from './gateway-dialects.ts'
import { usdText } from './gateway-settlement.ts'

/** OpenAI's codes, by status; null in Anthropic's errors, which have none. */
const CODES: Readonly<Record<number, string>> = {
  401: 'invalid_api_key',
  403: 'insufficient_permissions',
  404: 'model_not_found',
  413: 'request_too_large',
  422: 'no_candidate',
  429: 'rate_limit_exceeded',
}

interface Told {
  readonly type?: string
  readonly code?: string | null
  readonly param?: string | null
  readonly retryAfterMs?: number | null
}

/** An error in a dialect's words for its status. */
export const gatewayError = (
  dialect: Dialect,
  status: number,
  message: string,
  { type, code, param, retryAfterMs }: Told = {},
): GatewayError => ({
  status,
  type: type ?? DIALECTS[dialect].errorType(status),
  message,
  code: code === undefined ? (CODES[status] ?? null) : code,
  param: param ?? null,
  // At least a second: clients that round down would ask at once.
  ...(retryAfterMs == null
    ? {}
    : { retryAfterSeconds: Math.max(1, Math.ceil(retryAfterMs / 1_000)) }),
})

/** A request that no candidate is asked for. */
export const routingError = (dialect: Dialect, fault: RoutingFault): GatewayError => {
  switch (fault.reason) {
    case 'malformed':
      return gatewayError(dialect, 400, fault.detail)
    case 'invalid': {
      const { pointer, detail } = fault
      return gatewayError(dialect, 400, `${pointer} ${detail}`, { param: paramOf(pointer) })
    }
    case 'too-large':
      return gatewayError(dialect, 413, fault.detail, { param: paramOf(fault.pointer) })
    case 'model-unknown':
      return gatewayError(dialect, 404, `there is no model ${JSON.stringify(fault.model)}`, {
        param: 'model',
      })
    case 'no-candidate': {
      const reasons = fault.excluded.map(({ id, reason }) => `${id}: ${reason}`).join(', ')
      const able = fault.excluded.filter(({ reason }) => reason !== 'no-provider')
      const isOpen = able.every(({ reason }) => reason === 'breaker-open')
      return isOpen && able.length > 0
        ? gatewayError(dialect, 503, 'no provider is available', { retryAfterMs: 1_000 })
        : gatewayError(dialect, 422, `no candidate can serve this: ${reasons}`)
    }
  }
}

/** Dollars and cents, and as much behind them as there is. */
const usd = (nanoUsd: number): string => `$${usdText(nanoUsd).replace(/(\.\d\d\d*?)0+$/, '$1')}`

/** A key that may not send this now. */
export const limitError = (dialect: Dialect, fault: LimitFault, nowMs: number): GatewayError => {
  switch (fault.reason) {
    case 'budget-exceeded': {
      const { spentNanoUsd, budgetNanoUsd, resetsAtMs } = fault
      return gatewayError(
        dialect,
        429,
        `the key's budget of ${usd(budgetNanoUsd)} has no room for this: ${usd(spentNanoUsd)} is spent or reserved`,
        {
          ...(dialect === 'openai' ? { type: 'insufficient_quota' } : {}),
          code: 'insufficient_quota',
          retryAfterMs: resetsAtMs === null ? null : resetsAtMs - nowMs,
        },
      )
    }
    case 'rate-exceeded':
      return gatewayError(
        dialect,
        429,
        `the key's limit is ${fault.limitPerMinute} ${fault.of} a minute`,
        {
          ...(dialect === 'openai' ? { type: fault.of } : {}),
          retryAfterMs: fault.retryAfterMs,
        },
      )
    case 'request-too-large':
      return gatewayError(
        dialect,
        429,
        `the request takes up to ${fault.tokens} tokens; the key has ${fault.tokensPerMinute} a minute`,
        dialect === 'openai' ? { type: 'tokens' } : {},
      )
    case 'ledger-unavailable':
      return gatewayError(dialect, 503, 'the ledger does not answer; try again soon', {
        retryAfterMs: fault.retryAfterMs,
      })
  }
}

/** The fault of an attempt as a client is told it: what is the operator's matter is told in general. */
export const faultError = (dialect: Dialect, fault: UpstreamFault): GatewayError => {
  switch (fault.reason) {
    case 'request': {
      const { status, detail, type, code, param } = fault
      const told = dialect === 'openai' && type !== null ? { type } : {}
      // A status that no client expects of a refusal would be retried.
      const own = status >= 400 && status < 500 ? status : 400
      return gatewayError(dialect, own, detail, { ...told, code, param })
    }
    case 'context-exceeded':
      return gatewayError(
        dialect,
        400,
        fault.detail || 'the prompt is longer than the model reads',
        {
          code: 'context_length_exceeded',
          param: 'messages',
        },
      )
    case 'model-unknown':
      return gatewayError(dialect, 404, 'the provider does not have this model', { param: 'model' })
    case 'rate-limited':
      return gatewayError(dialect, 429, 'the provider takes no more requests now', {
        retryAfterMs: fault.retryAfterMs ?? 1_000,
      })
    case 'credential':
      return gatewayError(dialect, 502, 'the provider does not accept the credential or its quota')
    case 'connection':
      return gatewayError(dialect, 502, 'the provider cannot be reached')
    case 'server':
      return gatewayError(dialect, 502, 'the provider failed')
    case 'malformed':
      return gatewayError(dialect, 502, 'the provider gave an answer that is none')
    case 'interrupted':
      return gatewayError(dialect, 502, 'the provider broke off in the middle of its answer')
    case 'timeout':
      return gatewayError(dialect, 504, `the provider took too long (${fault.stage})`)
    case 'unavailable':
      return gatewayError(dialect, 503, 'no provider is available', {
        retryAfterMs: fault.retryAfterMs ?? 1_000,
      })
    case 'cancelled':
      return gatewayError(dialect, 499, 'the client left')
  }
}

/** What says most to a client, of several candidates' faults. */
const TELLING: readonly UpstreamFault['reason'][] = [
  'cancelled',
  'request',
  'context-exceeded',
  'rate-limited',
  'timeout',
  'server',
  'interrupted',
  'malformed',
  'connection',
  'unavailable',
  'credential',
  'model-unknown',
]

/** The one fault that a client is told where all candidates failed. */
export const mostTelling = (faults: readonly UpstreamFault[]): UpstreamFault => {
  // What one provider has no words for is nobody's fault where another was asked.
  const isUnsayable = (fault: UpstreamFault): boolean =>
    fault.reason === 'request' && fault.isUnsayable === true
  const asked = faults.filter((fault) => !isUnsayable(fault))
  const telling = TELLING.flatMap((reason) => asked.filter((fault) => fault.reason === reason))
  return telling[0] ?? faults[0] ?? { reason: 'unavailable', detail: 'no candidate' }
}
