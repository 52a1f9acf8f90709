import type { StoredRouter } from '../database/router-queries.ts'
import { logEvent } from '../observability/log.ts'
import type { Artifact, ReadArtifactOptions } from './artifact.ts'
import { describeFault } from './artifact-fault.ts'
import { readArtifact } from './artifact-read.ts'
import { type RouterConfig, routerConfigSchema } from './catalog.ts'
import type { Outcome } from './outcomes.ts'

/** Where an organisation's choices are kept. */
export interface RouterStore {
  find(organisationId: string): Promise<StoredRouter>
  findArtifact(organisationId: string): Promise<Uint8Array | null>
  findCanary(organisationId: string): Promise<Uint8Array | null>
  /** By cluster for the artifacts of these versions, for all others together. */
  findOutcomes(organisationId: string, versions: readonly string[]): Promise<readonly Outcome[]>
}

/** An artifact as it was asked for. */
export interface Slot {
  /** The version that was asked for, also where it was refused. */
  readonly version: string | null
  /** What is used: the last good one. */
  readonly artifact: Artifact | null
}

type MaybeRead = Artifact | null | undefined

export const NO_SLOT: Slot = { version: null, artifact: null }

const refuse = (organisationId: string, what: string, reason: string): void =>
  logEvent('routing', 'error', `${what} is not used; the last good one stays`, reason, {
    organisationId,
  })

/** A stored configuration, or null with a logged reason. */
export const configOf = (organisationId: string, text: string): RouterConfig | null => {
  try {
    const parsed = routerConfigSchema.safeParse(JSON.parse(text))
    if (parsed.success) return parsed.data
    refuse(organisationId, 'a configuration', parsed.error.message)
  } catch (error) {
    // SyntaxError: the row was not written by this code.
    refuse(organisationId, 'a configuration', String(error))
  }
  return null
}

/**
 * The artifact of a version where the slot has another one.
 *
 * @param what as the log calls it        @param find its content
 * @returns null where there is none to read, or none that is sound: the reason is logged; undefined where there
 *   is no memory for it now
 */
export const readStored = async (
  organisationId: string,
  slot: Slot,
  version: string | null,
  what: string,
  find: (organisationId: string) => Promise<Uint8Array | null>,
  options: ReadArtifactOptions,
): Promise<MaybeRead> => {
  if (version === null || version === slot.version) return null
  const content = await find(organisationId)
  if (content === null) return null
  const read = await readArtifact(new Uint8Array(content), options)
  if (read.ok) return read.value
  refuse(organisationId, what, describeFault(read.error))
  return read.error.reason === 'no-memory' ? undefined : null
}

/** Both, or neither: where one cannot be had the other is closed. @throws what the first to fail throws */
export const bothRead = async (
  ...reads: readonly [Promise<MaybeRead>, Promise<MaybeRead>]
): Promise<readonly [MaybeRead, MaybeRead]> => {
  const [one, other] = await Promise.allSettled(reads)
  if (one.status === 'rejected') {
    if (other.status === 'fulfilled') other.value?.close()
    throw one.reason
  }
  if (other.status === 'rejected') {
    one.value?.close()
    throw other.reason
  }
  return [one.value, other.value]
}

/**
 * What a slot becomes. The artifact that goes is closed; of two requests that read the same version the second
 * one's is. Without memory it stays as it is, so that the version is read again.
 */
export const replaceSlot = (
  slot: Slot,
  version: string | null,
  read: MaybeRead,
  keepsLastGood: boolean,
): Slot => {
  if (read === undefined) return slot
  if (version === slot.version) {
    read?.close()
    return slot
  }
  const isKept = read === null && keepsLastGood && version !== null
  const artifact = isKept ? slot.artifact : read
  if (artifact !== slot.artifact) slot.artifact?.close()
  return { version, artifact }
}
