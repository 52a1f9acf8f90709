import type { AppContext } from '../http/context.ts'
import { isMadeFor, type ProvidedEmbedding } from './embedding-provider.ts'
import { embeddingProvider } from './isolate.ts'
import type { OrganisationRouter } from './organisation-routers.ts'
import { parseRoutingRequest } from './parse-request.ts'
import type { Dialect } from './request.ts'
import { withRouter } from './with-router.ts'

/**
 * The place of a request's question in the embedding of the deployment's server, where the organisation asks
 * for it and an artifact of its was made for it. Waits at most as long as the settings allow.
 *
 * @returns `DecideOptions.embedding`: undefined where nobody asks, null where it is not to be had
 */
export const embedQuestion = async (
  c: AppContext,
  body: Uint8Array,
  dialect: Dialect,
): Promise<ProvidedEmbedding | null | undefined> => {
  const provider = embeddingProvider(c.get('settings').routerEmbedding)
  if (provider === null) return undefined
  const isAsked = await withRouter(
    c,
    ({ router, canary }: OrganisationRouter) =>
      router.config.embedding === 'provider' &&
      (isMadeFor(router.artifact, provider.settings) ||
        (canary !== null && isMadeFor(canary.router.artifact, provider.settings))),
  )
  if (!isAsked) return undefined
  const request = parseRoutingRequest(body, dialect)
  // Whoever decides tells what is wrong with it.
  if (!request.ok) return undefined
  const { lastUserText, text } = request.value
  const question = lastUserText.length > 0 ? lastUserText : text
  return provider.find(c.get('principal').organisationId, question, Date.now())
}
