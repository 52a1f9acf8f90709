import type { AppContext } from '../http/context.ts'
import { logEvent } from '../observability/log.ts'
import { routingState } from '../routing/isolate.ts'
import type { OrganisationRouter } from '../routing/organisation-routers.ts'
import type { EnginePorts } from './engine.ts'
import { SYSTEM_CLOCK } from './gateway-clock.ts'
import type { PlanContext } from './gateway-plan.ts'
import { gatewayMetrics, healthOf, healthRegistry, hedgeOf, measured } from './gateway-state.ts'
import { modelCatalog } from './model-catalog.ts'
import { providersFor } from './provider-registry.ts'
import type { Credential } from './providers/types.ts'

/** Keeps the request's context alive for work behind its answer. */
export const backgroundOf =
  (c: AppContext) =>
  (work: Promise<void>): void => {
    try {
      c.executionCtx.waitUntil(work)
    } catch {
      // Hono's, where there is no platform: the process lives on by itself.
    }
  }

const nothing = (): void => undefined

/** A request whose client has left is ended and settled, too. */
export const seeThrough = (c: AppContext, work: Promise<unknown>): void =>
  backgroundOf(c)(work.then(nothing, nothing))

// Variables are read by `c.get` on this path: Hono makes an object of all of them for each `c.var`.

/** What requests are planned with. */
export const planContextOf = (
  c: AppContext,
  organisation: OrganisationRouter,
  nowMs: number,
): PlanContext => ({
  organisation,
  providers: providersFor(c.env, c.get('passThrough')),
  catalog: modelCatalog(c.get('settings'), nowMs, backgroundOf(c)),
  state: routingState(),
  passThrough: c.get('passThrough'),
  nowMs,
})

/** The client's own credential, in place of the provider's. */
export const ownCredentialOf = (c: AppContext): Credential | null =>
  c.get('passThrough')?.credential ?? null

/** Tells other isolates of breakers that opened here, and opens those that opened there. */
const exchangeHealth = (c: AppContext): void => {
  const registry = healthRegistry()
  if (c.env.HEALTH_BOARD === undefined || !registry.isExchangeDue(Date.now())) return
  const board = c.env.HEALTH_BOARD.get(c.env.HEALTH_BOARD.idFromName('providers'))
  const exchange = registry
    .exchange(board, Date.now)
    .catch((error: unknown) => logEvent('gateway', 'warn', 'no word of other isolates', error))
  backgroundOf(c)(exchange)
}

const counted: EnginePorts['counted'] = ({ providerId }, fault) =>
  gatewayMetrics.counted(providerId, fault)

const send: EnginePorts['fetch'] = (url, init) => fetch(url, init)

/** The world as the engine reaches it in one request. */
export const enginePortsOf = (c: AppContext): EnginePorts => {
  exchangeHealth(c)
  const { totalMs, deadlines, hedgeShare } = c.get('settings').gateway
  return {
    fetch: send,
    clock: SYSTEM_CLOCK,
    deadlines,
    random: Math.random,
    totalMs,
    healthOf,
    measured,
    counted,
    hedgeOf: hedgeShare > 0 ? hedgeOf(hedgeShare) : null,
  }
}
