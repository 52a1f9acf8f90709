import { err, ok, type Result } from '../result.ts'
import {
  BUCKETS,
  type Bucket,
  type Candidate,
  isAllowed,
  type RouterConfig,
} from '../routing/catalog.ts'
import { type Decision, decide, type RoutingState } from '../routing/decide.ts'
import type { ProvidedEmbedding } from '../routing/embedding-provider.ts'
import type { RoutingFault } from '../routing/faults.ts'
import type { OrganisationRouter } from '../routing/organisation-routers.ts'
import { type Dialect, isAutomatic } from '../routing/request.ts'
import type { CatalogModel } from './catalog-entry.ts'
import type { Usage } from './chat.ts'
import { costNanoUsdOf, type ModelPrices, pricesOver } from './cost.ts'
import type { Target } from './gateway-request.ts'
import type { ModelCatalog } from './model-catalog.ts'
import type { PassThrough } from './pass-through.ts'
import type { Provider, ProviderRegistry } from './provider-registry.ts'

/** Other providers of a named model that are asked when the first one fails. */
const SPARES_MAX = 4

export interface PlanContext {
  readonly organisation: OrganisationRouter
  readonly providers: ProviderRegistry
  readonly catalog: ModelCatalog
  readonly state: RoutingState
  /** The client's own credential of a provider; null without one. */
  readonly passThrough: Pick<PassThrough, 'mayUse'> | null
  readonly nowMs: number
  /** As `DecideOptions.embedding`. */
  readonly embedding?: ProvidedEmbedding | null
}

/** Who is asked, and why. */
export interface Plan {
  readonly targets: readonly Target[]
  /** Null where the client named the model. */
  readonly decision: Decision | null
}

const free = (): number => 0

const costBy = (prices: ModelPrices | null): ((usage: Usage) => number) =>
  prices === null ? free : (usage) => costNanoUsdOf(prices, usage)

/** The organisation's own prices of a candidate, completed by what the catalogue knows beside them. */
const pricesOf = (candidate: Candidate | null, known: CatalogModel | null): ModelPrices | null =>
  candidate === null
    ? (known?.usdPerMillionTokens ?? null)
    : pricesOver(candidate.usdPerMillionTokens, known?.usdPerMillionTokens ?? null)

const candidateOf = (config: RouterConfig, provider: string, model: string): Candidate | null =>
  config.candidates.find((one) => one.provider === provider && one.model === model) ?? null

const targetOf = (provider: Provider, model: string, context: PlanContext): Target => {
  const known = context.catalog.find(provider.id, model)
  const candidate = candidateOf(context.organisation.router.config, provider.id, model)
  return {
    id: `${provider.id}/${model}`,
    providerId: provider.id,
    provider,
    model,
    costNanoUsd: costBy(pricesOf(candidate, known)),
    isReasoning: known?.capabilities.reasoning ?? false,
  }
}

/** Providers and models that a name means, the best first. */
const named = (
  name: string,
  kind: CatalogModel['kind'],
  { organisation, providers, catalog }: PlanContext,
): { provider: Provider; model: string }[] => {
  const found = new Map<string, { provider: Provider; model: string }>()
  const add = (providerId: string, model: string): void => {
    const provider = providers.get(providerId)
    const id = `${providerId}/${model}`
    if (provider !== null && !found.has(id) && found.size <= SPARES_MAX)
      found.set(id, { provider, model })
  }
  const slash = name.indexOf('/')
  const isOfProvider = slash > 0 && providers.get(name.slice(0, slash)) !== null
  if (isOfProvider && slash + 1 < name.length) add(name.slice(0, slash), name.slice(slash + 1))
  // Behind a provider's name stands the model's; other providers' models may hold slashes, too.
  const model = isOfProvider ? name.slice(slash + 1) : name
  if (kind === 'chat')
    for (const one of organisation.router.config.candidates)
      if (one.model === model) add(one.provider, one.model)
  for (const one of catalog.named(model)) if (one.kind === kind) add(one.provider, one.model)
  return [...found.values()]
}

/** Who serves a model that the client names: itself, then other providers that have the same. */
export const planNamed = (
  name: string,
  kind: CatalogModel['kind'],
  context: PlanContext,
): Result<Plan, RoutingFault> => {
  const found = named(name, kind, context)
  if (found.length === 0) return err({ reason: 'model-unknown', model: name })
  const { allowedModels } = context.organisation.router.config
  const targets = found
    .filter(({ provider, model }) => isAllowed(allowedModels, { provider: provider.id, model }))
    .filter(({ provider }) => isOwn(provider, context))
    .map(({ provider, model }) => targetOf(provider, model, context))
  if (targets.length > 0) return ok({ targets, decision: null })
  const excluded = found.map(({ provider, model }) => ({
    id: `${provider.id}/${model}`,
    reason: 'not-allowed' as const,
  }))
  return err({ reason: 'no-candidate', excluded })
}

/** A credential goes to its own provider alone, never to another one that stands in for it. */
const isOwn = (provider: Provider, { passThrough }: PlanContext): boolean =>
  passThrough === null || passThrough.mayUse(provider)

/** Who serves a request that leaves the choice to the router. */
const planDecided = (
  bytes: Uint8Array,
  dialect: Dialect,
  context: PlanContext,
): Result<Plan, RoutingFault> => {
  const { organisation, providers, state, nowMs, embedding } = context
  const { router, artifact, canary } = organisation
  const options = {
    organisation: organisation.organisation,
    artifact,
    canary,
    nowMs,
    ...(embedding === undefined ? {} : { embedding }),
    hasProvider: (providerId: string): boolean => {
      const found = providers.get(providerId)
      return found !== null && isOwn(found, context)
    },
  }
  const decided = decide(bytes, dialect, router, state, options)
  if (!decided.ok) return decided
  const { provider, model, fallbacks } = decided.value
  const targets: Target[] = []
  for (const id of [`${provider}/${model}`, ...fallbacks]) {
    const slash = id.indexOf('/')
    const found = providers.get(id.slice(0, slash))
    if (found !== null) targets.push(targetOf(found, id.slice(slash + 1), context))
  }
  return ok({ targets, decision: decided.value })
}

/** @throws ArenaExhaustedError where the kernels have no memory left for the decision */
export const planChat = (
  bytes: Uint8Array,
  dialect: Dialect,
  model: string,
  context: PlanContext,
): Result<Plan, RoutingFault> =>
  isAutomatic(model) ? planDecided(bytes, dialect, context) : planNamed(model, 'chat', context)

const strongest = new WeakMap<RouterConfig, ModelPrices | null>()
const HARDEST: Bucket = BUCKETS[BUCKETS.length - 1] ?? 'hard'

/** What the dearest candidate of the hard bucket costs. */
export const strongCostOf = (config: RouterConfig): ((usage: Usage) => number) => {
  let prices = strongest.get(config)
  if (prices === undefined) {
    const priceOf = ({ usdPerMillionTokens: { input, output } }: Candidate): number =>
      input + output
    const [dearest] = config.candidates
      .filter(({ buckets }) => buckets.includes(HARDEST))
      .sort((a, b) => priceOf(b) - priceOf(a))
    prices = dearest?.usdPerMillionTokens ?? null
    strongest.set(config, prices)
  }
  return costBy(prices)
}
