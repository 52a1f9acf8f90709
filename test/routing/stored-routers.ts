import type { ArtifactCounts, StoredOutcome } from '../../src/database/outcome-queries.ts'
import type { StoredRouter } from '../../src/database/router-queries.ts'

const NOTHING: StoredRouter = {
  config: null,
  configUpdatedAt: null,
  artifactVersion: null,
  artifactUpdatedAt: null,
  canary: null,
}
const AT = new Date(1_000)

/** What stands in for PostgreSQL's tables of routers, by organisation. */
export const stored = {
  routers: new Map<string, Partial<StoredRouter>>(),
  artifacts: new Map<string, Uint8Array>(),
  canaries: new Map<string, Uint8Array>(),
  outcomes: new Map<string, readonly StoredOutcome[]>(),
  counts: new Map<string, Partial<ArtifactCounts>>(),
}

const change = (id: string, fields: Partial<StoredRouter>): void => {
  stored.routers.set(id, { ...stored.routers.get(id), ...fields })
}
const canaryOf = (id: string) => stored.routers.get(id)?.canary ?? null

/** As src/database/router-queries.ts. */
export const routerQueries = {
  findRouter: async (_: unknown, id: string): Promise<StoredRouter> => ({
    ...NOTHING,
    ...stored.routers.get(id),
  }),
  findRouterArtifact: async (_: unknown, id: string) => stored.artifacts.get(id) ?? null,
  findRouterCanary: async (_: unknown, id: string) => stored.canaries.get(id) ?? null,
  saveRouterConfig: async (_: unknown, id: string, config: string) => change(id, { config }),
  saveRouterArtifact: async (_: unknown, id: string, version: string, content: Uint8Array) => {
    change(id, { artifactVersion: version, artifactUpdatedAt: AT })
    stored.artifacts.set(id, content)
  },
  deleteRouterArtifact: async (_: unknown, id: string) =>
    change(id, { artifactVersion: null, artifactUpdatedAt: null }),
  saveRouterCanary: async (
    _: unknown,
    id: string,
    { version, share, content }: { version: string; share: number; content: Uint8Array },
  ) => {
    change(id, { canary: { version, share, updatedAt: AT } })
    stored.canaries.set(id, content)
  },
  setCanaryShare: async (_: unknown, id: string, share: number) => {
    const canary = canaryOf(id)
    if (canary !== null) change(id, { canary: { ...canary, share } })
    return canary !== null
  },
  discardRouterCanary: async (_: unknown, id: string) => {
    const canary = canaryOf(id)
    change(id, { canary: null })
    return canary !== null
  },
  promoteRouterCanary: async (_: unknown, id: string) => {
    const canary = canaryOf(id)
    if (canary === null) return null
    change(id, { artifactVersion: canary.version, artifactUpdatedAt: AT, canary: null })
    stored.artifacts.set(id, stored.canaries.get(id) ?? new Uint8Array(0))
    return canary.version
  },
}

/** As src/database/outcome-queries.ts. */
export const outcomeQueries = {
  findOutcomes: async (_: unknown, id: string) => stored.outcomes.get(id) ?? [],
  countArtifacts: async (_: unknown, __: string, versions: readonly string[]) =>
    versions.flatMap((artifactVersion) => {
      const counts = stored.counts.get(artifactVersion)
      return counts === undefined ? [] : [{ artifactVersion, ...counts }]
    }),
}
