import type { Candidate } from '../routing/catalog.ts'
import type { CatalogModel } from './catalog-entry.ts'
import type { Fields } from './chat.ts'
import { type ModelPrices, pricesOver } from './cost.ts'
import type { ModelCatalog } from './model-catalog.ts'
import type { Provider, ProviderRegistry } from './provider-registry.ts'

/** A name that a request may have for its model. */
export interface ListedModel {
  readonly id: string
  /** The provider's id; `gjallar` for names that leave the choice to the router. */
  readonly ownedBy: string
  readonly displayName: string
  /** What is known of it; null for names that the router stands behind. */
  readonly facts: {
    readonly kind: CatalogModel['kind']
    readonly contextTokens: number
    readonly outputTokensMax: number
    /** What requests are charged by. */
    readonly usdPerMillionTokens: ModelPrices
    readonly capabilities: Fields
  } | null
  /** Answers are made up. */
  readonly isMock: boolean
}

const ROUTED: readonly (readonly [id: string, displayName: string])[] = [
  ['auto', 'Chosen for each request'],
  ['gjallar/cheap', 'Chosen among the candidates for easy requests'],
  ['gjallar/mid', 'Chosen among the candidates for middling requests'],
  ['gjallar/hard', 'Chosen among the candidates for hard requests'],
]

const listed = (
  provider: Provider,
  model: string,
  known: CatalogModel | null,
  candidate: Candidate | null,
): ListedModel => {
  const facts = candidate ?? known
  const knownPrices = known?.usdPerMillionTokens ?? null
  return {
    id: `${provider.id}/${model}`,
    ownedBy: provider.id,
    displayName: model,
    facts: facts && {
      kind: known?.kind ?? 'chat',
      contextTokens: facts.contextTokens,
      outputTokensMax: facts.outputTokensMax,
      usdPerMillionTokens: pricesOver(facts.usdPerMillionTokens, knownPrices),
      capabilities: facts.capabilities,
    },
    isMock: provider.isMock,
  }
}

/**
 * What may stand in a request's `model`: the router's names, the organisation's candidates, and the models
 * of the catalogue, as far as their providers are there and the organisation allows them. A provider's
 * other models may be asked for, too; nobody knows them all.
 */
export const listModels = (
  candidates: readonly Candidate[],
  providers: ProviderRegistry,
  catalog: ModelCatalog,
  allows: (model: { provider: string; model: string }) => boolean,
): readonly ListedModel[] => {
  const models = new Map<string, ListedModel>()
  for (const candidate of candidates) {
    const provider = providers.get(candidate.provider)
    if (provider === null || !allows(candidate)) continue
    const known = catalog.find(provider.id, candidate.model)
    const model = listed(provider, candidate.model, known, candidate)
    models.set(model.id, model)
  }
  const routed = models.size > 0 ? ROUTED : []
  for (const known of catalog.all()) {
    const provider = providers.get(known.provider)
    if (provider === null || !allows(known)) continue
    const model = listed(provider, known.model, known, null)
    if (!models.has(model.id)) models.set(model.id, model)
  }
  return [
    ...routed.map(([id, displayName]) => ({
      id,
      ownedBy: 'gjallar',
      displayName,
      facts: null,
      isMock: false,
    })),
    ...models.values(),
  ]
}

/** By its id, else the first of that name without a provider; null where there is none. */
export const findModel = (models: readonly ListedModel[], name: string): ListedModel | null =>
  models.find(({ id }) => id === name) ??
  models.find(({ id, ownedBy }) => id === `${ownedBy}/${name}`) ??
  null

/** Nobody tells when a model was made; clients expect a time. */
const CREATED_SECONDS = 0

const more = ({ facts, isMock }: ListedModel): Fields => ({
  ...(facts === null
    ? {}
    : {
        kind: facts.kind,
        context_tokens: facts.contextTokens,
        output_tokens_max: facts.outputTokensMax,
        usd_per_million_tokens: facts.usdPerMillionTokens,
        capabilities: facts.capabilities,
      }),
  ...(isMock ? { mock: true } : {}),
})

/** A model as OpenAI's list has it, with what else is known of it. */
export const openAiModel = (model: ListedModel): Fields => ({
  id: model.id,
  object: 'model',
  created: CREATED_SECONDS,
  owned_by: model.ownedBy,
  ...more(model),
})

/** A model as Anthropic's list has it, with what else is known of it. */
export const anthropicModel = (model: ListedModel): Fields => ({
  type: 'model',
  id: model.id,
  display_name: model.displayName,
  created_at: new Date(CREATED_SECONDS * 1_000).toISOString(),
  ...more(model),
})

export const openAiList = (models: readonly ListedModel[]): Fields => ({
  object: 'list',
  data: models.map(openAiModel),
})

export interface PageOptions {
  readonly limit: number
  readonly afterId: string | null
  readonly beforeId: string | null
}

/**
 * A page of Anthropic's list: those behind `afterId`, or before `beforeId`; all from the start or to the
 * end where there is no such model.
 */
export const anthropicList = (models: readonly ListedModel[], page: PageOptions): Fields => {
  const at = (id: string | null): number => models.findIndex((model) => model.id === id)
  const before = at(page.beforeId)
  const start = before < 0 ? at(page.afterId) + 1 : Math.max(0, before - page.limit)
  const end = before < 0 ? start + page.limit : before
  const shown = models.slice(start, end)
  return {
    data: shown.map(anthropicModel),
    first_id: shown[0]?.id ?? null,
    last_id: shown[shown.length - 1]?.id ?? null,
    has_more: before < 0 ? end < models.length : start > 0,
  }
}
