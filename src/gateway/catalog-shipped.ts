import shipped from '../../models/catalog.json' with { type: 'json' }
import { type CatalogModel, readCatalog } from './catalog-entry.ts'

/** What the worker is shipped with; prices and their sources are in the file. */
export const SHIPPED_MODELS: readonly CatalogModel[] = readCatalog(shipped)

/** @throws RangeError where the shipped catalogue does not have it */
export const shippedModel = (provider: string, model: string): CatalogModel => {
  const found = SHIPPED_MODELS.find((one) => one.provider === provider && one.model === model)
  if (found === undefined) throw new RangeError(`no ${provider}/${model} in models/catalog.json`)
  return found
}
