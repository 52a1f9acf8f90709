import type { AppContext } from '../../http/context.ts'
import { shardAt } from '../shards.ts'
import {
  type SeriesCatalogue,
  type ShardReads,
  shardCatalogue,
  shardSource,
} from './shard-source.ts'
import type { SeriesSource } from './source.ts'

/**
 * The shards of the organisation that the request's key belongs to. The platform's type of a stub makes
 * every array that it returns disposable too, which nothing here is concerned with.
 */
const shardsOf = (c: AppContext): ShardReads[] => {
  const { settings, principal } = c.var
  return Array.from(
    { length: settings.shardsPerOrganisation },
    (_, shard) => shardAt(c.env, principal.organisationId, shard) as unknown as ShardReads,
  )
}

export const sourceOf = (c: AppContext): SeriesSource => shardSource(shardsOf(c))

export const catalogueOf = (c: AppContext): SeriesCatalogue => shardCatalogue(shardsOf(c))
