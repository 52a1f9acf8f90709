import { connect } from '../database/client.ts'
import { findOutcomes } from '../database/outcome-queries.ts'
import { findRouter, findRouterArtifact, findRouterCanary } from '../database/router-queries.ts'
import type { AppContext } from '../http/context.ts'
import { followAddress, organisationRouters, prepareExactTokens } from './isolate.ts'
import type { Background, OrganisationRouter } from './organisation-routers.ts'
import type { RouterStore } from './stored-choices.ts'

export const storeOf = (c: AppContext): RouterStore => {
  const db = connect(c.get('settings'))
  return {
    find: (organisationId) => findRouter(db, organisationId),
    findArtifact: (organisationId) => findRouterArtifact(db, organisationId),
    findCanary: (organisationId) => findRouterCanary(db, organisationId),
    findOutcomes: (organisationId, versions) => findOutcomes(db, organisationId, versions),
  }
}

/** Keeps the request's context alive for work that its answer does not wait for. */
const backgroundOf = (c: AppContext): Background | undefined => {
  try {
    const { executionCtx } = c
    return (work) => executionCtx.waitUntil(work)
  } catch {
    // Hono's, where there is no platform: the request waits.
    return undefined
  }
}

/**
 * Runs `use`, which must not wait for anything, on the router of the request's organisation.
 *
 * @throws what `faultOf` reads, where nothing was ever loaded
 */
export const withRouter = async <T>(
  c: AppContext,
  use: (router: OrganisationRouter) => T,
): Promise<T> => {
  const { routerArtifact } = c.get('settings')
  const routers = await organisationRouters(routerArtifact)
  const background = backgroundOf(c)
  const following = followAddress(routerArtifact, Date.now())
  if (following !== null) {
    if (background === undefined) await following
    else background(following)
  }
  const { organisationId } = c.get('principal')
  const withTokens = (found: OrganisationRouter): T => {
    if (found.router.config.tokens === 'exact') {
      const preparing = prepareExactTokens()
      if (preparing !== null) background?.(preparing)
    }
    return use(found)
  }
  return routers.use(organisationId, storeOf(c), Date.now(), withTokens, background)
}
