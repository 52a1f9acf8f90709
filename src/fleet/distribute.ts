import type { Env, Settings } from '../env.ts'
import { ProblemError, problem } from '../http/problem.ts'
import { logEvent } from '../observability/log.ts'
import type { ParsedSamples, Refusal } from './ingest.ts'
import { MINUTE_SAMPLES_MAX } from './minute-buffer.ts'
import type { ShardBatch } from './shard-batch.ts'
import { shardOf } from './sharding.ts'
import { shardAt } from './shards.ts'
import { METRICS } from './types.ts'
import { forgetVms } from './vm-directory.ts'
import type { AppendResult } from './vm-recorder.ts'

export interface IngestOutcome {
  readonly accepted: number
  /** Samples that were stored before with the same values. */
  readonly duplicates: number
  readonly refused: readonly Refusal[]
}

interface ShardPart {
  readonly vmIds: string[]
  readonly vmOf: Map<string, number>
  readonly vm: number[]
  /** Positions in the parsed samples. */
  readonly positions: number[]
}

const partition = (
  parsed: ParsedSamples,
  ids: ReadonlyMap<string, string>,
  shards: number,
): { parts: Map<number, ShardPart>; unknown: number[] } => {
  const parts = new Map<number, ShardPart>()
  const unknown: number[] = []
  const owners = parsed.references.map((reference) => {
    const id = ids.get(reference)
    if (id === undefined) return null
    const shard = shardOf(id, shards)
    let part = parts.get(shard)
    if (!part) {
      part = { vmIds: [], vmOf: new Map(), vm: [], positions: [] }
      parts.set(shard, part)
    }
    let vm = part.vmOf.get(id)
    if (vm === undefined) {
      vm = part.vmIds.push(id) - 1
      part.vmOf.set(id, vm)
    }
    return { part, vm }
  })
  parsed.reference.forEach((reference, position) => {
    const owner = owners[reference]
    if (owner) {
      owner.part.vm.push(owner.vm)
      owner.part.positions.push(position)
    } else unknown.push(position)
  })
  return { parts, unknown }
}

const batchOf = (part: ShardPart, parsed: ParsedSamples): ShardBatch => {
  const columns = METRICS.length
  const values = new Float64Array(part.positions.length * columns)
  part.positions.forEach((position, row) => {
    for (let metric = 0; metric < columns; metric++)
      values[row * columns + metric] = parsed.values[position * columns + metric] as number
  })
  return {
    vmIds: part.vmIds,
    vm: Uint32Array.from(part.vm),
    timestamp: Float64Array.from(
      part.positions,
      (position) => parsed.timestamp[position] as number,
    ),
    values,
  }
}

const unavailable = (detail: string, retryAfterSeconds: number, full: boolean) =>
  new ProblemError(
    problem(503, full ? 'journal-full' : 'dependency-unavailable', detail, { retryAfterSeconds }),
  )

const append = async (
  env: Env,
  organisationId: string,
  shard: number,
  batch: ShardBatch,
): Promise<AppendResult & { stored: true }> => {
  let result: AppendResult
  try {
    result = await shardAt(env, organisationId, shard).append(organisationId, batch)
  } catch (error) {
    logEvent('ingest', 'error', `shard ${shard} did not store a batch`, error)
    throw unavailable('a shard cannot store samples now; send the batch again', 2, false)
  }
  if (!result.stored)
    throw unavailable(
      `${result.unflushedSamples} samples wait for PostgreSQL, which is the bound; send the batch again later`,
      result.retryAfterSeconds,
      true,
    )
  return result
}

/**
 * Sends each sample to the shard that owns its VM, and returns when every shard has stored its part.
 *
 * @param ids VM ids by reference; a sample whose reference is absent is refused
 * @throws ProblemError 503 when a shard cannot store its part; parts may then be stored, and sending
 * the whole batch again counts them as duplicates
 */
export const distribute = async (
  env: Env,
  settings: Pick<Settings, 'shardsPerOrganisation'>,
  organisationId: string,
  parsed: ParsedSamples,
  ids: ReadonlyMap<string, string>,
): Promise<IngestOutcome> => {
  const { parts, unknown } = partition(parsed, ids, settings.shardsPerOrganisation)
  const refused: Refusal[] = [...parsed.refused]
  const refuse = (position: number, reason: Refusal['reason'], detail: string) =>
    refused.push({ index: parsed.index[position] ?? position, reason, detail })
  for (const position of unknown) refuse(position, 'unknown-vm', 'no such VM; create it first')
  let accepted = 0
  let duplicates = 0
  await Promise.all(
    [...parts].map(async ([shard, part]) => {
      const result = await append(env, organisationId, shard, batchOf(part, parsed))
      accepted += result.accepted
      duplicates += result.duplicates
      const original = (position: number) => part.positions[position] ?? position
      for (const position of result.conflicts)
        refuse(
          original(position),
          'duplicate-timestamp',
          'the VM has other values at this time; the first ones stay',
        )
      for (const position of result.deleted)
        refuse(original(position), 'unknown-vm', 'the VM was deleted')
      // This isolate did not know; the name may belong to another VM by now.
      if (result.deleted.length > 0) forgetVms(organisationId)
      for (const position of result.overRate)
        refuse(
          original(position),
          'rate-exceeded',
          `at most ${MINUTE_SAMPLES_MAX} samples a VM and minute are kept`,
        )
    }),
  )
  refused.sort((a, b) => a.index - b.index)
  return { accepted, duplicates, refused }
}
