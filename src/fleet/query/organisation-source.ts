import { connect } from '../../database/client.ts'
import { isUnavailable } from '../../database/faults.ts'
import { listVms } from '../../database/fleet-queries.ts'
import type { AppContext } from '../../http/context.ts'
import { shardAt, shardOfVm } from '../shards.ts'
import { compareLabels, keyOf } from './column.ts'
import {
  type SeriesCatalogue,
  type ShardReads,
  shardCatalogue,
  shardSource,
} from './shard-source.ts'
import type { SeriesSource } from './source.ts'
import { type VmReads, vmCatalogue, vmSource } from './vm-source.ts'

/** VMs of an organisation that are known by name here. */
const VMS_MAX = 10_000
/** How long their names are taken from the isolate's memory. */
const VMS_FRESH_MS = 10_000
/** Organisations whose VMs' names are kept. */
const ORGANISATIONS_MAX = 100

/** While the database is away, names are taken from memory for this long. */
const VMS_STALE_MS = 3_600_000

type Vms = Awaited<ReturnType<VmReads['vms']>>

/** What was answered, not promises: one request must not wait for what another one asked. */
const known = new Map<string, { readonly fetchedAt: number; readonly vms: Vms }>()

const vmsOf = async (c: AppContext): Promise<Vms> => {
  const { settings, principal } = c.var
  const { organisationId } = principal
  const now = Date.now()
  const before = known.get(organisationId)
  if (before && now - before.fetchedAt < VMS_FRESH_MS) return before.vms
  try {
    const database = connect(settings)
    const page = await listVms(database, organisationId, { sort: 'name', limit: VMS_MAX })
    const vms = page.ok ? page.value.vms : []
    if (known.size >= ORGANISATIONS_MAX) known.clear()
    known.set(organisationId, { fetchedAt: now, vms })
    return vms
  } catch (error) {
    if (before && isUnavailable(error) && now - before.fetchedAt < VMS_STALE_MS) return before.vms
    throw error
  }
}

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

const vmReadsOf = (c: AppContext): VmReads => {
  const { settings, principal } = c.var
  return {
    vms: () => vmsOf(c),
    points: (vmId, fromMs, toMs, limit) =>
      shardOfVm(c.env, settings, principal.organisationId, vmId).points(vmId, fromMs, toMs, limit),
  }
}

/** Every series of the organisation: those of labels, and the metrics of its VMs. */
export const sourceOf = (c: AppContext): SeriesSource => {
  const sources = [shardSource(shardsOf(c)), vmSource(vmReadsOf(c))]
  return {
    select: async (matchers, fromMs, toMs, call) => {
      const found = sources.map((source) => source.select(matchers, fromMs, toMs, call))
      return (await Promise.all(found)).flat()
    },
  }
}

const sortedTexts = (texts: readonly string[][], limit: number): string[] =>
  [...new Set(texts.flat())].sort().slice(0, limit)

/** The catalogue of every series of the organisation. */
export const catalogueOf = (c: AppContext): SeriesCatalogue => {
  const labelled = shardCatalogue(shardsOf(c))
  const vms = vmCatalogue(vmReadsOf(c))
  return {
    ...labelled,
    series: async (filters, limit) => {
      const found = [labelled.series(filters, limit), vms.series(filters, limit)]
      const bySeries = new Map((await Promise.all(found)).flat().map((one) => [keyOf(one), one]))
      return [...bySeries.values()].sort(compareLabels).slice(0, limit)
    },
    labelNames: async (filters, limit) => {
      const found = [labelled.labelNames(filters, limit), vms.labelNames(filters, limit)]
      return sortedTexts(await Promise.all(found), limit)
    },
    labelValues: async (name, filters, limit) => {
      const found = [labelled, vms].map((one) => one.labelValues(name, filters, limit))
      return sortedTexts(await Promise.all(found), limit)
    },
  }
}
