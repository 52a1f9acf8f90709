import { eq } from 'drizzle-orm'
import type { Database } from './client.ts'
import { routerArtifacts, routerCanaries, routerConfigs } from './schema.ts'

/** What an organisation keeps of its router, without the artifacts' content. */
export interface StoredRouter {
  /** JSON text; null where the organisation has chosen nothing. */
  readonly config: string | null
  readonly configUpdatedAt: Date | null
  /** SHA-256 of the artifact's content, hex; null where the organisation has none. */
  readonly artifactVersion: string | null
  readonly artifactUpdatedAt: Date | null
  /** What is tried on a share of conversations; null where nothing is. */
  readonly canary: {
    readonly version: string
    readonly share: number
    readonly updatedAt: Date
  } | null
}

const dateOf = (ms: number | null | undefined) => (ms == null ? null : new Date(ms))

/** One round trip for all. */
export const findRouter = async (db: Database, organisationId: string): Promise<StoredRouter> => {
  const text = `SELECT config, round(date_part('epoch', router_configs.updated_at) * 1000) AS config_ms,
      router_artifacts.version, round(date_part('epoch', router_artifacts.updated_at) * 1000) AS artifact_ms,
      router_canaries.version AS canary, share,
      round(date_part('epoch', router_canaries.updated_at) * 1000) AS canary_ms
    FROM (SELECT $1::uuid AS organisation_id) AS asked
    LEFT JOIN router_configs USING (organisation_id)
    LEFT JOIN router_artifacts USING (organisation_id)
    LEFT JOIN router_canaries USING (organisation_id)`
  const [row] = await db.query<{
    config: string | null
    config_ms: number | null
    version: string | null
    artifact_ms: number | null
    canary: string | null
    share: number | null
    canary_ms: number | null
  }>({ text, params: [organisationId] })
  return {
    config: row?.config ?? null,
    configUpdatedAt: dateOf(row?.config_ms),
    artifactVersion: row?.version ?? null,
    artifactUpdatedAt: dateOf(row?.artifact_ms),
    canary:
      row?.canary == null
        ? null
        : {
            version: row.canary,
            share: row.share ?? 0,
            updatedAt: dateOf(row.canary_ms) ?? new Date(0),
          },
  }
}

/** @param config JSON text */
export const saveRouterConfig = async (
  db: Database,
  organisationId: string,
  config: string,
): Promise<void> => {
  const updatedAt = new Date()
  await db.orm
    .insert(routerConfigs)
    .values({ organisationId, config, updatedAt })
    .onConflictDoUpdate({ target: routerConfigs.organisationId, set: { config, updatedAt } })
}

/** @returns null where the organisation has none */
export const findRouterArtifact = async (
  db: Database,
  organisationId: string,
): Promise<Uint8Array | null> => {
  const [row] = await db.orm
    .select({ content: routerArtifacts.content })
    .from(routerArtifacts)
    .where(eq(routerArtifacts.organisationId, organisationId))
  return row?.content ?? null
}

/** @param version SHA-256 of the content, hex        @param content at most 2 MiB */
export const saveRouterArtifact = async (
  db: Database,
  organisationId: string,
  version: string,
  content: Uint8Array,
): Promise<void> => {
  const updatedAt = new Date()
  await db.orm
    .insert(routerArtifacts)
    .values({ organisationId, version, content, updatedAt })
    .onConflictDoUpdate({
      target: routerArtifacts.organisationId,
      set: { version, content, updatedAt },
    })
}

/** The organisation's artifact is no longer its own. */
export const deleteRouterArtifact = async (db: Database, organisationId: string): Promise<void> => {
  await db.orm.delete(routerArtifacts).where(eq(routerArtifacts.organisationId, organisationId))
}

/** @returns null where the organisation tries none */
export const findRouterCanary = async (
  db: Database,
  organisationId: string,
): Promise<Uint8Array | null> => {
  const [row] = await db.orm
    .select({ content: routerCanaries.content })
    .from(routerCanaries)
    .where(eq(routerCanaries.organisationId, organisationId))
  return row?.content ?? null
}

/** @param share of conversations, [0, 1] */
export const saveRouterCanary = async (
  db: Database,
  organisationId: string,
  canary: { readonly version: string; readonly content: Uint8Array; readonly share: number },
): Promise<void> => {
  const set = { ...canary, updatedAt: new Date() }
  await db.orm
    .insert(routerCanaries)
    .values({ organisationId, ...set })
    .onConflictDoUpdate({ target: routerCanaries.organisationId, set })
}

/** @returns whether there is one whose share could change */
export const setCanaryShare = async (
  db: Database,
  organisationId: string,
  share: number,
): Promise<boolean> => {
  const changed = await db.orm
    .update(routerCanaries)
    .set({ share, updatedAt: new Date() })
    .where(eq(routerCanaries.organisationId, organisationId))
    .returning({ version: routerCanaries.version })
  return changed.length > 0
}

/** @returns whether there was one */
export const discardRouterCanary = async (
  db: Database,
  organisationId: string,
): Promise<boolean> => {
  const gone = await db.orm
    .delete(routerCanaries)
    .where(eq(routerCanaries.organisationId, organisationId))
    .returning({ version: routerCanaries.version })
  return gone.length > 0
}

/**
 * What is tried becomes the organisation's artifact, in one statement.
 *
 * @returns its version; null where nothing is tried
 */
export const promoteRouterCanary = async (
  db: Database,
  organisationId: string,
): Promise<string | null> => {
  const text = `WITH tried AS (
      DELETE FROM router_canaries WHERE organisation_id = $1::uuid RETURNING organisation_id, version, content
    )
    INSERT INTO router_artifacts (organisation_id, version, content, updated_at)
    SELECT organisation_id, version, content, now() FROM tried
    ON CONFLICT (organisation_id) DO UPDATE
      SET version = excluded.version, content = excluded.content, updated_at = excluded.updated_at
    RETURNING version`
  const [row] = await db.query<{ version: string }>({ text, params: [organisationId] })
  return row?.version ?? null
}
