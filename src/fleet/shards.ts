import type { Env, Settings } from '../env.ts'
import type { SeriesShard } from './series-shard.ts'
import { shardName, shardOf } from './sharding.ts'

/** The shard of one organisation by its number. */
export const shardAt = (
  env: Env,
  organisationId: string,
  shard: number,
): DurableObjectStub<SeriesShard> =>
  env.SERIES_SHARD.get(env.SERIES_SHARD.idFromName(shardName(organisationId, shard)))

/** The shard that owns a VM's samples. */
export const shardOfVm = (
  env: Env,
  settings: Pick<Settings, 'shardsPerOrganisation'>,
  organisationId: string,
  vmId: string,
): DurableObjectStub<SeriesShard> =>
  shardAt(env, organisationId, shardOf(vmId, settings.shardsPerOrganisation))
