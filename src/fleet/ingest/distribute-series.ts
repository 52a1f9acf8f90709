import { connect, type Database } from '../../database/client.ts'
import { isUnavailable } from '../../database/faults.ts'
import { resolveVms } from '../../database/vm-queries.ts'
import { registerHosts } from '../../database/vm-registration.ts'
import type { Env, Settings } from '../../env.ts'
import { ProblemError, problem } from '../../http/problem.ts'
import { logEvent } from '../../observability/log.ts'
import { LABEL_BYTES_PER_SHARD_MAX } from '../series/labels.ts'
import type {
  MetricMetadata,
  SeriesOutcome,
  SeriesRefusalReason,
  SeriesWrite,
} from '../series/series-write.ts'
import type { SeriesAppendResult } from '../series/shard-api.ts'
import { shardOf } from '../sharding.ts'
import { shardAt } from '../shards.ts'
import { forgetVms, resolve, vmsGeneration } from '../vm-directory.ts'
import { hostsOf, measureHosts } from './reporting-hosts.ts'
import { type Reference, SeriesOwners } from './series-owners.ts'
import { narrow, partsOf, Refusals, type ShardPart, wireOf } from './series-parts.ts'

/** Series whose owners an isolate remembers, of one organisation, and organisations: 40 bytes a series. */
const SERIES_REMEMBERED_MAX = 300_000
const ORGANISATIONS_REMEMBERED_MAX = 32
/** Metrics whose metadata was sent a short while ago. */
const METADATA_REMEMBERED_MAX = 20_000

interface Remembered {
  readonly owners: SeriesOwners
  generation: number
}

const remembered = new Map<string, Remembered>()
/** By organisation and metric: what its shard was told last. */
let metadataSent = new Map<string, string>()

const ownersFor = (organisationId: string, settings: Settings): SeriesOwners => {
  let known = remembered.get(organisationId)
  if (!known || known.owners.count >= SERIES_REMEMBERED_MAX) {
    remembered.delete(organisationId)
    const oldest = remembered.keys().next()
    if (remembered.size >= ORGANISATIONS_REMEMBERED_MAX && !oldest.done)
      remembered.delete(oldest.value)
    const owners = new SeriesOwners(settings.shardsPerOrganisation, settings.vmLabels)
    known = { owners, generation: vmsGeneration() }
    remembered.set(organisationId, known)
  }
  if (known.generation !== vmsGeneration()) {
    known.generation = vmsGeneration()
    known.owners.expire()
  }
  return known.owners
}

/** Forgets what this isolate remembers of an organisation's series; what is stored stays. */
export const forgetOwners = (organisationId: string): void => {
  remembered.delete(organisationId)
}

/** Position of the candidate that names a VM, and the VM; behind all and null where none does. */
const vmOf = (
  { candidates }: Reference,
  found: ReadonlyMap<string, string>,
): readonly [position: number, vmId: string | null] => {
  const position = candidates.findIndex((candidate) => found.has(candidate))
  return position < 0
    ? [candidates.length, null]
    : [position, found.get(candidates[position] ?? '') ?? null]
}

/** Makes VMs of hosts that have none, and tells those made a while ago what has become known of their size. */
const registerMissing = async (
  database: Database,
  owners: SeriesOwners,
  settings: Settings,
  organisationId: string,
  references: readonly Reference[],
  now: number,
): Promise<void> => {
  const hosts = hostsOf(references)
  if (hosts.length === 0) return
  for (const { size } of references) size.isUntold = false
  try {
    const made = await registerHosts(database, organisationId, hosts, settings.vmsMax)
    for (const reference of references) {
      const host = made.get(reference.name)
      if (host !== undefined) owners.settle(reference, host.id, now)
    }
    if ([...made.values()].some(({ isNew }) => isNew)) forgetVms(organisationId)
  } catch (error) {
    for (const { size } of references) size.isUntold = true
    throw error
  }
}

/**
 * Finds the VMs that references name, and makes those of hosts that are not there yet: also where a label
 * behind the one that would be its name finds another VM.
 *
 * @throws ProblemError 503 while the database is away, for a short time, when a host is new to this isolate
 */
const settleReferences = async (
  owners: SeriesOwners,
  settings: Settings,
  organisationId: string,
  references: readonly Reference[],
  write: SeriesWrite,
  entries: Int32Array,
  now: number,
): Promise<void> => {
  for (const reference of references) owners.asking(reference, now)
  const names = [...new Set(references.flatMap(({ candidates }) => candidates))]
  try {
    const database = connect(settings)
    const found = await resolve(organisationId, names, now, (asked) =>
      resolveVms(database, organisationId, asked),
    )
    const missing = new Set<Reference>()
    for (const reference of references) {
      const [position, vmId] = vmOf(reference, found)
      owners.settle(reference, vmId, now)
      if (!reference.isHost || position <= reference.candidates.indexOf(reference.name)) continue
      missing.add(reference)
      owners.startMeasuring(reference, now)
    }
    if (settings.vmsAutoCreate) {
      if (owners.isMeasuring(now)) measureHosts(write, entries, owners, now)
      for (const reference of owners.untold(entries)) missing.add(reference)
      await registerMissing(database, owners, settings, organisationId, [...missing], now)
    }
    for (const reference of references) owners.answered(reference)
  } catch (error) {
    if (!isUnavailable(error)) throw error
    // Series need no database. What is known of VMs stays, and is asked about again a little later.
    const awaited = references.filter((reference) => owners.postpone(reference, now))
    logEvent('ingest', 'warn', 'VMs of series cannot be looked up now', error)
    if (awaited.length > 0)
      throw unavailable(
        `which VM ${awaited[0]?.name} is cannot be looked up now; send the request again`,
        2,
        false,
      )
  }
}

const unavailable = (detail: string, retryAfterSeconds: number, isFull: boolean) =>
  new ProblemError(
    problem(503, isFull ? 'journal-full' : 'dependency-unavailable', detail, {
      retryAfterSeconds,
    }),
  )

type Stored = SeriesAppendResult & { readonly stored: true }

const append = async (
  env: Env,
  organisationId: string,
  shard: number,
  { batch, extras }: ReturnType<typeof wireOf>,
): Promise<Stored> => {
  let result: SeriesAppendResult
  try {
    result = await shardAt(env, organisationId, shard).appendSeries(organisationId, batch, extras)
  } catch (error) {
    logEvent('ingest', 'error', `shard ${shard} did not store a batch of series`, error)
    throw unavailable('a shard cannot store samples now; send the request again', 2, false)
  }
  if (result.stored) return result
  throw unavailable(
    `${result.unflushedSamples} samples wait for PostgreSQL, which is the bound; send the request again later`,
    result.retryAfterSeconds,
    true,
  )
}

/** Refuses all of some series. */
const refuseSeries = (
  series: ReadonlySet<number>,
  part: ShardPart,
  write: SeriesWrite,
  refusals: Refusals,
  reason: SeriesRefusalReason,
  detail: string,
): void => {
  const of = narrow(part, write, series)
  for (const sample of of.samples)
    refusals.add(write.sampleSeries[sample] as number, reason, detail, 'samples')
  for (const kind of ['histograms', 'exemplars'] as const)
    for (const at of of[kind]) refusals.add(write[kind][at]?.series ?? 0, reason, detail, kind)
}

const CONFLICT = 'another value is stored for this moment; the first one stays'

const metadataKey = (organisationId: string, { metric }: MetricMetadata) =>
  `${organisationId}\0${metric}`
const metadataText = ({ type, help, unit }: MetricMetadata) => JSON.stringify([type, help, unit])

/** The write without the metadata that this isolate sent last of its metrics. */
const withoutSent = (organisationId: string, write: SeriesWrite): SeriesWrite => {
  if (write.metadata.length === 0) return write
  const metadata = write.metadata.filter(
    (entry) => metadataSent.get(metadataKey(organisationId, entry)) !== metadataText(entry),
  )
  return { ...write, metadata, labelsOf: (series) => write.labelsOf(series) }
}

const rememberSent = (organisationId: string, { metadata }: SeriesWrite): void => {
  if (metadataSent.size + metadata.length > METADATA_REMEMBERED_MAX) metadataSent = new Map()
  for (const entry of metadata)
    metadataSent.set(metadataKey(organisationId, entry), metadataText(entry))
}

/**
 * Sends what a request wrote to the shards that own its series, and returns when each has stored its part.
 * All series of a VM go to the VM's shard.
 *
 * @param now ms since the epoch
 * @throws ProblemError 503 when a shard cannot store its part; parts may then be stored, and sending
 * the request again counts them as duplicates
 */
export const distributeSeries = async (
  env: Env,
  settings: Settings,
  organisationId: string,
  given: SeriesWrite,
  now: number,
): Promise<SeriesOutcome> => {
  const write = withoutSent(organisationId, given)
  const owners = ownersFor(organisationId, settings)
  const entries = owners.entriesOf(write)
  const stale = owners.stale(entries, now)
  if (stale.length > 0 || owners.isMeasuring(now))
    await settleReferences(owners, settings, organisationId, stale, write, entries, now)
  const refusals = new Refusals(write.positions)
  const entry = (series: number) => entries[series] as number
  const parts = partsOf(
    write,
    { now, ageMsMax: settings.rawRetentionMs },
    (series) => owners.shard(entry(series)),
    (metric) => shardOf(metric, settings.shardsPerOrganisation),
    refusals,
  )
  let duplicates = 0
  const send = async (part: ShardPart, isDescribed: (series: number) => boolean): Promise<void> => {
    // Behind a wait they may be another VM's, which is fed by a shard of its own alone.
    const isOwner = (series: number) => owners.shard(entry(series)) === part.shard
    const wire = wireOf(part, write, (series) => {
      if (!isDescribed(series)) return null
      const description = owners.describe(entry(series), write.labelsOf(series))
      return isOwner(series) ? description : { ...description, vm: null }
    })
    // Taken before the wait: another request may learn of another VM meanwhile.
    const told = part.series
      .filter((series) => isDescribed(series) && isOwner(series))
      .map((series) => owners.telling(entry(series)))
    const result = await append(env, organisationId, part.shard, wire)
    duplicates += result.duplicates
    for (const tell of told) tell()
    const refuseNew = (places: Uint32Array, detail: string) => {
      if (places.length === 0) return
      const over = new Set(Array.from(places, (place) => part.series[place] as number))
      const whole = `${detail}; series that are there go on`
      refuseSeries(over, part, write, refusals, 'series-limit', whole)
      for (const series of over) owners.untell(entry(series))
    }
    refuseNew(
      result.overLimit,
      `the organisation has as many series as it may (${settings.seriesMax}, ${result.seriesMax} in this shard)`,
    )
    refuseNew(
      result.overLabelBytes,
      `the labels of the series in this shard have as many bytes as they may (${LABEL_BYTES_PER_SHARD_MAX})`,
    )
    for (const position of result.conflicts) {
      const series = write.sampleSeries[part.samples[position] as number] as number
      refusals.add(series, 'duplicate-timestamp', CONFLICT, 'samples')
    }
    for (const position of result.histogramConflicts) {
      const histogram = write.histograms[part.histograms[position] as number]
      if (histogram) refusals.add(histogram.series, 'duplicate-timestamp', CONFLICT, 'histograms')
    }
    if (result.unknown.length === 0) return
    // The shard forgot them since: nothing was left of them.
    const forgotten = new Set(Array.from(result.unknown, (place) => part.series[place] as number))
    await send(narrow(part, write, forgotten), () => true)
  }
  await Promise.all(parts.map((part) => send(part, (series) => !owners.isTold(entry(series)))))
  rememberSent(organisationId, write)
  const refused = [...write.refused, ...refusals.list].sort((a, b) => a.index - b.index)
  const lost = (kind: 'samples' | 'histograms' | 'exemplars') =>
    refusals.list.reduce((sum, refusal) => sum + refusal[kind], 0)
  return {
    samplesWritten: write.timestamps.length - lost('samples'),
    histogramsWritten: write.histograms.length - lost('histograms'),
    exemplarsWritten: write.exemplars.length - lost('exemplars'),
    duplicates,
    refused,
  }
}
