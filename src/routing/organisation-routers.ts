import type { StoredRouter } from '../database/router-queries.ts'
import { logEvent } from '../observability/log.ts'
import type { Artifact } from './artifact.ts'
import { describeFault } from './artifact-fault.ts'
import { readArtifact } from './artifact-read.ts'
import { type RouterConfig, routerConfigSchema } from './catalog.ts'
import { DEFAULT_CONFIG } from './default-config.ts'
import { makeRouter, type Router } from './router.ts'

/** A change made elsewhere is followed after this long. */
export const RELOAD_MS = 30_000
/** Organisations whose routers an isolate keeps. */
const ORGANISATIONS_MAX = 256
/** Artifacts beside the shipped one: each holds trees in the kernels' memory. */
const OWN_ARTIFACTS_MAX = 8

/** Where an organisation's choices are kept. */
export interface RouterStore {
  find(organisationId: string): Promise<StoredRouter>
  findArtifact(organisationId: string): Promise<Uint8Array | null>
}

/** The router of an organisation as it is in this isolate. */
export interface OrganisationRouter {
  readonly router: Router
  /** Numbers of their own in this isolate. */
  readonly organisation: number
  readonly artifact: number
  readonly isConfigOwn: boolean
  readonly isArtifactOwn: boolean
}

interface Entry {
  current: OrganisationRouter
  /** The stored text that the configuration was read from. */
  configText: string | null
  /** The version that was asked for, also where it was refused. */
  artifactVersion: string | null
  loadedAtMs: number
}

const refuse = (organisationId: string, what: string, reason: string): void =>
  logEvent('routing', 'error', `${what} is not used; the last good one stays`, reason, {
    organisationId,
  })

/** A stored configuration, or null with a logged reason. */
const configOf = (organisationId: string, text: string): RouterConfig | null => {
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
 * Routers by organisation: its stored configuration and artifact, else the shipped ones. Both are checked
 * before they replace what is there; what fails is logged and the last good one stays.
 */
export class OrganisationRouters {
  readonly #entries = new Map<string, Entry>()
  readonly #shipped: Artifact
  #organisations = 0
  #artifacts = 0

  constructor(shipped: Artifact) {
    this.#shipped = shipped
  }

  /** Forgets when an organisation's choices were loaded, so that a change here holds at once. */
  expire(organisationId: string): void {
    const entry = this.#entries.get(organisationId)
    if (entry !== undefined) entry.loadedAtMs = Number.NEGATIVE_INFINITY
  }

  /**
   * Runs `use` on the organisation's router. It must not wait for anything: the router may be replaced,
   * and its artifact closed, by another request in between.
   *
   * @throws what the store throws, where nothing was ever loaded
   */
  async use<T>(
    organisationId: string,
    store: RouterStore,
    nowMs: number,
    use: (router: OrganisationRouter) => T,
  ): Promise<T> {
    const entry = this.#entries.get(organisationId)
    if (entry === undefined) {
      await this.#load(organisationId, this.#shippedEntry(), store, nowMs)
    } else if (Math.abs(nowMs - entry.loadedAtMs) >= RELOAD_MS) {
      // The others go on with what there is while this one asks.
      entry.loadedAtMs = nowMs
      try {
        await this.#load(organisationId, entry, store, nowMs)
      } catch (error) {
        logEvent('routing', 'warn', 'a router could not be loaded anew', error, { organisationId })
      }
    }
    const found = this.#entries.get(organisationId) ?? entry
    // Forgotten again while it was loaded, by as many others as are kept.
    return use((found ?? this.#shippedEntry()).current)
  }

  #shippedEntry(): Entry {
    return {
      current: {
        router: makeRouter(DEFAULT_CONFIG, this.#shipped),
        organisation: ++this.#organisations,
        artifact: 0,
        isConfigOwn: false,
        isArtifactOwn: false,
      },
      configText: null,
      artifactVersion: null,
      loadedAtMs: Number.NEGATIVE_INFINITY,
    }
  }

  async #load(organisationId: string, before: Entry, store: RouterStore, nowMs: number) {
    const stored = await store.find(organisationId)
    const isSameArtifact = stored.artifactVersion === before.artifactVersion
    const own =
      isSameArtifact || stored.artifactVersion === null
        ? null
        : await this.#readOwn(organisationId, store)
    // Another request may have loaded in the meantime: what is there now is replaced, not `before`.
    const entry = this.#entries.get(organisationId) ?? before
    const { current } = entry
    const isBackToShipped = !isSameArtifact && stored.artifactVersion === null
    const artifact = own ?? (isBackToShipped ? this.#shipped : current.router.artifact)
    let config = current.router.config
    if (stored.config === null) config = DEFAULT_CONFIG
    else if (stored.config !== entry.configText)
      config = configOf(organisationId, stored.config) ?? config
    const next: Entry = {
      current: {
        router: makeRouter(config, artifact),
        organisation: current.organisation,
        artifact:
          artifact === this.#shipped ? 0 : own === null ? current.artifact : ++this.#artifacts,
        isConfigOwn: config !== DEFAULT_CONFIG,
        isArtifactOwn: artifact !== this.#shipped,
      },
      configText: stored.config,
      artifactVersion: stored.artifactVersion,
      loadedAtMs: nowMs,
    }
    if (current.router.artifact !== artifact) this.#close(current)
    this.#entries.delete(organisationId)
    this.#entries.set(organisationId, next)
    this.#forgetOldest()
  }

  async #readOwn(organisationId: string, store: RouterStore): Promise<Artifact | null> {
    const content = await store.findArtifact(organisationId)
    if (content === null) return null
    const read = await readArtifact(new Uint8Array(content))
    if (read.ok) return read.value
    refuse(organisationId, 'an artifact', describeFault(read.error))
    return null
  }

  #close({ router }: OrganisationRouter): void {
    if (router.artifact !== this.#shipped) router.artifact.close()
  }

  #forgetOldest(): void {
    const owning = [...this.#entries].filter(([, { current }]) => current.isArtifactOwn)
    const oldest =
      owning.length > OWN_ARTIFACTS_MAX
        ? owning[0]
        : this.#entries.size > ORGANISATIONS_MAX
          ? this.#entries.entries().next().value
          : undefined
    if (oldest === undefined) return
    this.#close(oldest[1].current)
    this.#entries.delete(oldest[0])
  }
}
