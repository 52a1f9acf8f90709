import type { Decision } from '../routing/decide.ts'
import type { Dialect } from '../routing/request.ts'
import type { GatewayError } from './dialects/types.ts'
import { DIALECTS } from './gateway-dialects.ts'
import { usdText } from './gateway-settlement.ts'

/** What a client that reads no body learns of who served it. */
export interface Told {
  readonly id: string
  readonly decision: Decision | null
  readonly target: { readonly providerId: string; readonly model: string } | null
  readonly attempts: number
  readonly costNanoUsd: number | null
  readonly cache?: 'none' | 'exact' | 'semantic'
}

export const EVENT_STREAM = 'text/event-stream; charset=utf-8'

/** Names of models come from clients: only what may stand in a header does. */
const headerText = (text: string): string => text.replaceAll(/[^\x21-\x7e]/g, '_')

export const toldHeaders = (told: Told): Record<string, string> => {
  const { id, decision, target, attempts, costNanoUsd, cache = 'none' } = told
  const headers: Record<string, string> = {
    'x-gjallar-decision-id': id,
    'x-gjallar-attempts': String(attempts),
    'x-gjallar-cache': cache,
    'cache-control': 'no-store',
  }
  if (target !== null) {
    headers['x-gjallar-provider'] = headerText(target.providerId)
    headers['x-gjallar-model'] = headerText(target.model)
  }
  if (decision !== null) headers['x-gjallar-bucket'] = decision.bucket
  if (costNanoUsd !== null) headers['x-gjallar-cost-usd'] = usdText(costNanoUsd)
  return headers
}

/** An error in the client's dialect. */
export const errorResponse = (
  dialect: Dialect,
  error: GatewayError,
  headers: Readonly<Record<string, string>> = {},
): Response =>
  new Response(JSON.stringify(DIALECTS[dialect].error(error)), {
    status: error.status,
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      ...headers,
      ...(error.retryAfterSeconds === undefined
        ? {}
        : { 'retry-after': String(error.retryAfterSeconds) }),
    },
  })
