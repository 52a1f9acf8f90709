import type { OpenAPIHono } from '@hono/zod-openapi'
import { connect } from '../database/client.ts'
import { type ArtifactCounts, countArtifacts } from '../database/outcome-queries.ts'
import {
  deleteRouterArtifact,
  discardRouterCanary,
  findRouter,
  promoteRouterCanary,
  saveRouterArtifact,
  saveRouterCanary,
  setCanaryShare,
} from '../database/router-queries.ts'
import { requireScope } from '../http/auth.ts'
import { decodeText, parseJson, readBody, requireMediaType } from '../http/body.ts'
import { matches } from '../http/conditional.ts'
import type { AppContext, AppEnv } from '../http/context.ts'
import { JSON_BODY_BYTES_MAX } from '../http/json-body.ts'
import { ProblemError, problem } from '../http/problem.ts'
import { parseWith } from '../http/validate.ts'
import type { Artifact } from './artifact.ts'
import { describeFault } from './artifact-fault.ts'
import { ARTIFACT_BYTES_MAX } from './artifact-format.ts'
import { shareBody } from './artifact-openapi.ts'
import { readArtifact } from './artifact-read.ts'
import { isMadeFor } from './embedding-provider.ts'
import { addressState, organisationRouters, shippedArtifact, trustOf } from './isolate.ts'
import type { OrganisationRouter } from './organisation-routers.ts'
import { storeOf, withRouter } from './with-router.ts'

const PATH = '/api/v1/router/artifact'
const PRIVATE = { 'cache-control': 'private, no-cache' }

const instantOf = (ms: number | null): string | null =>
  ms === null ? null : new Date(ms).toISOString()

const describe = ({
  version,
  features,
  thresholds,
  alpha,
  clusters,
  models,
  report,
}: Artifact) => ({
  version,
  features,
  thresholds,
  alpha,
  clusters,
  models,
  report,
})

const describeAddress = () => {
  const state = addressState()
  if (state === null) return null
  const { etag, loadedAtMs, checkedAtMs, lastFailure } = state
  return {
    etag,
    loadedAt: instantOf(loadedAtMs),
    checkedAt: instantOf(checkedAtMs),
    lastFailure:
      lastFailure === null ? null : { at: instantOf(lastFailure.atMs), reason: lastFailure.reason },
  }
}

const toldOf = ({ router, artifactSource, canary }: OrganisationRouter) => ({
  artifact: describe(router.artifact),
  source: artifactSource,
  tried: canary === null ? null : canary.router.artifact.version,
})

/** The answer of all these routes: what decides, what is tried, and what both did. */
const tell = async (c: AppContext): Promise<Response> => {
  const { organisationId } = c.var.principal
  const db = connect(c.var.settings)
  const { artifact, source, tried } = await withRouter(c, toldOf)
  const stored = await findRouter(db, organisationId)
  const versions = [artifact.version, ...(stored.canary ? [stored.canary.version] : [])]
  const counted = await countArtifacts(db, organisationId, versions)
  const countsOf = (version: string) => {
    const { artifactVersion: _, ...counts } =
      counted.find((counts) => counts.artifactVersion === version) ?? noCounts(version)
    return counts
  }
  const loadedAtMs = source === 'url' ? (addressState()?.loadedAtMs ?? null) : null
  const ownAtMs = stored.artifactUpdatedAt?.getTime() ?? null
  return c.json(
    {
      ...artifact,
      source,
      updatedAt: instantOf(source === 'organisation' ? ownAtMs : loadedAtMs),
      counts: countsOf(artifact.version),
      address: describeAddress(),
      canary: stored.canary && {
        version: stored.canary.version,
        share: stored.canary.share,
        updatedAt: stored.canary.updatedAt.toISOString(),
        isUsed: tried === stored.canary.version,
        counts: countsOf(stored.canary.version),
      },
    },
    200,
    PRIVATE,
  )
}

const noCounts = (artifactVersion: string): ArtifactCounts => ({
  artifactVersion,
  decisions: { cheap: 0, mid: 0, hard: 0 },
  errors: 0,
  costNanoUsd: 0,
  trials: 0,
  successRate: null,
  latencyCount: 0,
  latencyMeanMs: null,
})

/** The file of the artifact that decides. */
const sendFile = async (c: AppContext): Promise<Response> => {
  const { artifact, source } = await withRouter(c, toldOf)
  const etag = `"${artifact.version}"`
  const headers = { ...PRIVATE, etag, vary: 'accept' }
  if (matches(c.req.header('if-none-match'), etag)) return c.body(null, 304, headers)
  const stored =
    source === 'organisation'
      ? await storeOf(c).findArtifact(c.var.principal.organisationId)
      : source === 'url'
        ? (addressState()?.file ?? null)
        : null
  return c.body(new Uint8Array(stored ?? shippedArtifact()), 200, {
    ...headers,
    'content-type': 'application/octet-stream',
  })
}

/** Makes a change hold at once in this isolate, and tells what is there then. */
const tellAnew = async (c: AppContext): Promise<Response> => {
  const routers = await organisationRouters(c.var.settings.routerArtifact)
  routers.expire(c.var.principal.organisationId)
  return tell(c)
}

const CANARY_FAULT = { pointer: '#/canary', detail: 'must be a number from 0 to 1' }

/** The share that a query asks for; null where nothing is to be tried. Throws ProblemError 400. */
const canaryShareOf = (c: AppContext): number | null => {
  const text = c.req.query('canary')
  if (text === undefined) return null
  const share = /^[0-9.eE-]+$/.test(text) ? Number(text) : Number.NaN
  if (share >= 0 && share <= 1) return share
  throw new ProblemError(
    problem(400, 'bad-request', `canary ${CANARY_FAULT.detail}`, { errors: [CANARY_FAULT] }),
  )
}

const nothingTried = () => new ProblemError(problem(404, 'not-found', 'no artifact is tried'))

/** What decides, what is tried beside it, and their files. */
export const addArtifactRoutes = (app: OpenAPIHono<AppEnv>): void => {
  app.get(PATH, requireScope('read'), (c) => {
    c.header('vary', 'accept')
    return c.req.header('accept') === 'application/octet-stream' ? sendFile(c) : tell(c)
  })

  app.put(PATH, requireScope('admin'), async (c) => {
    requireMediaType(c.req.raw, ['application/octet-stream'])
    const share = canaryShareOf(c)
    const content = new Uint8Array(await readBody(c.req.raw, ARTIFACT_BYTES_MAX))
    const { candidates, embedding } = await withRouter(c, ({ router }) => ({
      candidates: router.config.candidates.flatMap(({ measuredAs }) => measuredAs ?? []),
      embedding: router.config.embedding,
    }))
    const read = await readArtifact(content, {
      ...trustOf(c.var.settings.routerArtifact),
      candidates,
    })
    if (!read.ok)
      throw new ProblemError(
        problem(422, 'validation-failed', `body: ${describeFault(read.error)}`),
      )
    const { version } = read.value
    const server = embedding === 'provider' ? c.var.settings.routerEmbedding : null
    const isUnfit = server !== null && !isMadeFor(read.value, server)
    read.value.close()
    if (isUnfit)
      throw new ProblemError(
        problem(422, 'validation-failed', `body: no centroids of the embedding ${server.model}`),
      )
    const db = connect(c.var.settings)
    const { organisationId } = c.var.principal
    if (share === null) await saveRouterArtifact(db, organisationId, version, content)
    else await saveRouterCanary(db, organisationId, { version, content, share })
    return tellAnew(c)
  })

  app.delete(PATH, requireScope('admin'), async (c) => {
    await deleteRouterArtifact(connect(c.var.settings), c.var.principal.organisationId)
    return tellAnew(c)
  })

  app.patch(`${PATH}/canary`, requireScope('admin'), async (c) => {
    requireMediaType(c.req.raw, ['application/json'])
    const body = parseJson(decodeText(await readBody(c.req.raw, JSON_BODY_BYTES_MAX)))
    const { share } = parseWith(shareBody, body)
    const db = connect(c.var.settings)
    if (!(await setCanaryShare(db, c.var.principal.organisationId, share))) throw nothingTried()
    return tellAnew(c)
  })

  app.post(`${PATH}/promote`, requireScope('admin'), async (c) => {
    const version = await promoteRouterCanary(
      connect(c.var.settings),
      c.var.principal.organisationId,
    )
    if (version === null) throw nothingTried()
    return tellAnew(c)
  })

  app.post(`${PATH}/discard`, requireScope('admin'), async (c) => {
    const wasThere = await discardRouterCanary(
      connect(c.var.settings),
      c.var.principal.organisationId,
    )
    if (!wasThere) throw nothingTried()
    return tellAnew(c)
  })
}
