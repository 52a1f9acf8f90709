import { logEvent } from '../observability/log.ts'
import type { CatalogModel } from './catalog-entry.ts'
import { refreshCatalog } from './catalog-refresh.ts'
import { SHIPPED_MODELS } from './catalog-shipped.ts'

/** What failed, or never ended as its request did first, is tried again this much sooner. */
const RETRY_FRACTION = 0.1
/** Longer than a fetch may take, so that there is one at a time. */
const RETRY_MS_MIN = 60_000

/** Models by provider and name; what a deployment knows of them at one time. */
export class ModelCatalog {
  readonly #byId = new Map<string, CatalogModel>()
  readonly #byModel = new Map<string, CatalogModel[]>()

  /** @param models of equal names the last one stays */
  constructor(models: readonly CatalogModel[]) {
    for (const model of models) this.#byId.set(`${model.provider}/${model.model}`, model)
    for (const model of [...this.#byId.values()]) {
      for (const alias of model.aliases) {
        const id = `${model.provider}/${alias}`
        if (!this.#byId.has(id)) this.#byId.set(id, model)
      }
      for (const name of [model.model, ...model.aliases])
        this.#byModel.set(name, [...(this.#byModel.get(name) ?? []), model])
    }
  }

  /** By the provider's own name of the model, or an alias; null where it is not known. */
  find(provider: string, model: string): CatalogModel | null {
    return this.#byId.get(`${provider}/${model}`) ?? null
  }

  /** Every provider's model of that name. */
  named(model: string): readonly CatalogModel[] {
    return this.#byModel.get(model) ?? []
  }

  /** Each model once. */
  all(): readonly CatalogModel[] {
    return [...new Set(this.#byId.values())]
  }
}

interface State {
  catalog: ModelCatalog
  etag: string | null
  dueAtMs: number
}

/** One catalogue an isolate, as all its requests have the same settings. */
const state: State = {
  catalog: new ModelCatalog(SHIPPED_MODELS),
  etag: null,
  dueAtMs: 0,
}

export interface CatalogSettings {
  /** Null: the shipped catalogue alone. */
  readonly catalogUrl: string | null
  readonly catalogReloadMs: number
}

const refresh = async ({ catalogUrl, catalogReloadMs }: CatalogSettings, nowMs: number) => {
  if (catalogUrl === null) return
  const outcome = await refreshCatalog(catalogUrl, state.etag, fetch)
  switch (outcome.kind) {
    case 'unchanged':
      state.dueAtMs = nowMs + catalogReloadMs
      return
    case 'read': {
      // The shipped ones stay where the new one does not have them.
      state.catalog = new ModelCatalog([...SHIPPED_MODELS, ...outcome.models])
      state.etag = outcome.etag
      state.dueAtMs = nowMs + catalogReloadMs
      const { skipped, firstFault } = outcome
      if (skipped > 0)
        logEvent('gateway', 'warn', 'models left out of the catalogue', firstFault, { skipped })
      return
    }
    case 'failed':
      logEvent('gateway', 'warn', 'the catalogue of models stays as it is', outcome.reason, {})
  }
}

/**
 * The catalogue of now. Where a newer one is due, it is fetched beside the request and swapped in whole.
 *
 * @param defer keeps the isolate at it after the answer: `waitUntil`
 */
export const modelCatalog = (
  settings: CatalogSettings,
  nowMs: number,
  defer: (work: Promise<void>) => void,
): ModelCatalog => {
  if (settings.catalogUrl !== null && nowMs >= state.dueAtMs) {
    state.dueAtMs = nowMs + Math.max(RETRY_MS_MIN, RETRY_FRACTION * settings.catalogReloadMs)
    defer(refresh(settings, nowMs))
  }
  return state.catalog
}
