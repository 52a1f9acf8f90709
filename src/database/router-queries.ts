import { eq } from 'drizzle-orm'
import type { Database } from './client.ts'
import { routerArtifacts, routerConfigs } from './schema.ts'

/** What an organisation keeps of its router, without the artifact's content. */
export interface StoredRouter {
  /** JSON text; null where the organisation has chosen nothing. */
  readonly config: string | null
  readonly configUpdatedAt: Date | null
  /** SHA-256 of the artifact's content, hex; null where the organisation has none. */
  readonly artifactVersion: string | null
  readonly artifactUpdatedAt: Date | null
}

/** One round trip for both. */
export const findRouter = async (db: Database, organisationId: string): Promise<StoredRouter> => {
  const text = `SELECT config, round(date_part('epoch', router_configs.updated_at) * 1000) AS config_ms,
      version, round(date_part('epoch', router_artifacts.updated_at) * 1000) AS artifact_ms
    FROM (SELECT $1::uuid AS organisation_id) AS asked
    LEFT JOIN router_configs USING (organisation_id)
    LEFT JOIN router_artifacts USING (organisation_id)`
  const [row] = await db.query<{
    config: string | null
    config_ms: number | null
    version: string | null
    artifact_ms: number | null
  }>({ text, params: [organisationId] })
  const dateOf = (ms: number | null | undefined) => (ms == null ? null : new Date(ms))
  return {
    config: row?.config ?? null,
    configUpdatedAt: dateOf(row?.config_ms),
    artifactVersion: row?.version ?? null,
    artifactUpdatedAt: dateOf(row?.artifact_ms),
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
