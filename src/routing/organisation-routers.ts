import type { StoredRouter } from '../database/router-queries.ts'
import { logEvent } from '../observability/log.ts'
import type { Artifact, ReadArtifactOptions } from './artifact.ts'
import { canarySeed } from './canary.ts'
import type { RouterConfig } from './catalog.ts'
import type { CanaryArm } from './decide.ts'
import { DEFAULT_CONFIG } from './default-config.ts'
import type { Outcome } from './outcomes.ts'
import { analysesAlike, makeRouter, type Router } from './router.ts'
import {
  bothRead,
  configOf,
  NO_SLOT,
  type RouterStore,
  readStored,
  replaceSlot,
  type Slot,
} from './stored-choices.ts'

/** A change made elsewhere is followed after this long. */
export const RELOAD_MS = 30_000
/** Outcomes are asked for this often: each change of theirs forgets analyses that are known. */
export const OUTCOMES_RELOAD_MS = 300_000
/** Organisations whose routers an isolate keeps. */
const ORGANISATIONS_MAX = 256
/** Organisations with artifacts of their own, two at most: each holds trees in the kernels' memory. */
const OWN_ARTIFACTS_MAX = 8

/** The router of an organisation as it is in this isolate. */
export interface OrganisationRouter {
  readonly router: Router
  /** Numbers of their own in this isolate. */
  readonly organisation: number
  readonly artifact: number
  readonly isConfigOwn: boolean
  readonly artifactSource: 'shipped' | 'url' | 'organisation'
  /** Null where nothing is tried. */
  readonly canary: CanaryArm | null
}

/** What an organisation's router is made of. */
interface Parts {
  readonly config: RouterConfig
  /** The stored text that the configuration was read from. */
  readonly configText: string | null
  readonly own: Slot
  readonly canary: Slot
  readonly share: number
  readonly outcomes: readonly Outcome[]
}

interface Entry {
  parts: Parts
  current: OrganisationRouter
  loadedAtMs: number
  /** Changed here: no request goes on with what was before. */
  isExpired: boolean
  outcomesAtMs: number
  /** The versions whose outcomes were asked for. */
  outcomesOf: string
  /** What began to be loaded with a lower number is older than this. */
  number: number
  /** Its artifacts are closed. */
  isForgotten: boolean
}

/** Where work goes that no request waits for. */
export type Background = (work: Promise<void>) => void

/**
 * Routers by organisation: its stored configuration, artifact and the one it tries, joined with what became of
 * its requests; else the deployment's. All is checked before it replaces what is there; what fails is logged
 * and the last good one stays.
 */
export class OrganisationRouters {
  readonly #entries = new Map<string, Entry>()
  readonly #shipped: Artifact
  readonly #options: ReadArtifactOptions
  #base: Artifact
  #organisations = 0
  #analyses = 0
  #loads = 0

  /** @param options what organisations' artifacts must satisfy */
  constructor(shipped: Artifact, options: ReadArtifactOptions = {}) {
    this.#shipped = shipped
    this.#base = shipped
    this.#options = options
  }

  /** Puts another artifact where organisations have none of their own; the one before is closed. */
  replaceBase(artifact: Artifact): void {
    const before = this.#base
    this.#base = artifact
    for (const entry of this.#entries.values())
      entry.current = this.#compose(entry.parts, entry.current)
    if (before !== this.#shipped) before.close()
  }

  /** An organisation's choices were changed here: that holds for every request from now on. */
  expire(organisationId: string): void {
    const entry = this.#entries.get(organisationId)
    if (entry === undefined) return
    entry.isExpired = true
    entry.number = ++this.#loads
  }

  /**
   * Runs `use` on the organisation's router. It must not wait for anything: the router may be replaced,
   * and its artifact closed, by another request in between.
   *
   * @param background takes what is loaded anew; without it this request waits for that
   * @throws what the store throws, where nothing was ever loaded
   */
  async use<T>(
    organisationId: string,
    store: RouterStore,
    nowMs: number,
    use: (router: OrganisationRouter) => T,
    background?: Background,
  ): Promise<T> {
    const entry = this.#entries.get(organisationId)
    if (entry?.isExpired) {
      // Each for itself: no request may wait for what another one asks.
      await this.#loadAnew(organisationId, entry, store, nowMs)
    } else if (entry !== undefined && Math.abs(nowMs - entry.loadedAtMs) >= RELOAD_MS) {
      // The others go on with what there is while this one asks.
      entry.loadedAtMs = nowMs
      const loading = this.#loadAnew(organisationId, entry, store, nowMs)
      if (background === undefined) await loading
      else background(loading)
    }
    let found = this.#entries.get(organisationId)
    // Forgotten while it was loaded, by as many others as are kept, it is loaded once more.
    while (found === undefined) {
      await this.#load(organisationId, this.#newEntry(), store, nowMs)
      found = this.#entries.get(organisationId)
    }
    return use(found.current)
  }

  #newEntry(): Entry {
    const parts: Parts = {
      config: DEFAULT_CONFIG,
      configText: null,
      own: NO_SLOT,
      canary: NO_SLOT,
      share: 0,
      outcomes: [],
    }
    const never = Number.NEGATIVE_INFINITY
    const current = this.#compose(parts, null)
    return {
      parts,
      current,
      loadedAtMs: never,
      isExpired: false,
      outcomesAtMs: never,
      outcomesOf: '',
      number: 0,
      isForgotten: false,
    }
  }

  /** The router of the parts; numbers stay where analyses do. */
  #compose(parts: Parts, before: OrganisationRouter | null): OrganisationRouter {
    const { config, own, canary, share, outcomes } = parts
    const router = makeRouter(config, own.artifact ?? this.#base, outcomes)
    const isAlike = before !== null && analysesAlike(before.router, router)
    const baseSource = this.#base === this.#shipped ? 'shipped' : 'url'
    return {
      router,
      organisation: before?.organisation ?? ++this.#organisations,
      artifact: isAlike ? before.artifact : ++this.#analyses,
      isConfigOwn: config !== DEFAULT_CONFIG,
      artifactSource: own.artifact === null ? baseSource : 'organisation',
      canary:
        canary.artifact === null
          ? null
          : this.#arm(makeRouter(config, canary.artifact, outcomes), share, before?.canary ?? null),
    }
  }

  #arm(router: Router, share: number, before: CanaryArm | null): CanaryArm {
    const isAlike = before !== null && analysesAlike(before.router, router)
    const seed = canarySeed(router.artifact.version)
    return { router, share, seed, artifact: isAlike ? before.artifact : ++this.#analyses }
  }

  async #loadAnew(organisationId: string, entry: Entry, store: RouterStore, nowMs: number) {
    try {
      await this.#load(organisationId, entry, store, nowMs)
    } catch (error) {
      // The last good one goes on, and is asked for again in its time.
      entry.isExpired = false
      entry.loadedAtMs = nowMs
      logEvent('routing', 'warn', 'a router could not be loaded anew', error, { organisationId })
    }
  }

  async #load(organisationId: string, before: Entry, store: RouterStore, nowMs: number) {
    const number = ++this.#loads
    const stored = await store.find(organisationId)
    const { parts } = before
    const version = stored.canary?.version ?? null
    const outcomes = await this.#findOutcomes(organisationId, before, stored, store, nowMs)
    const [own, canary] = await bothRead(
      readStored(
        organisationId,
        parts.own,
        stored.artifactVersion,
        'an artifact',
        store.findArtifact,
        this.#options,
      ),
      readStored(
        organisationId,
        parts.canary,
        version,
        'an artifact to be tried',
        store.findCanary,
        this.#options,
      ),
    )
    // Another request may have loaded in the meantime: what is there now is replaced, not `before`.
    const entry = this.#entries.get(organisationId) ?? before
    if (entry.isForgotten || entry.number > number) {
      own?.close()
      canary?.close()
      if (entry.isForgotten) await this.#load(organisationId, this.#newEntry(), store, nowMs)
      return
    }
    let { config } = entry.parts
    if (stored.config === null) config = DEFAULT_CONFIG
    else if (stored.config !== entry.parts.configText)
      config = configOf(organisationId, stored.config) ?? config
    const next: Parts = {
      config,
      configText: stored.config,
      own: replaceSlot(entry.parts.own, stored.artifactVersion, own, true),
      canary: replaceSlot(entry.parts.canary, version, canary, false),
      share: stored.canary?.share ?? 0,
      outcomes: outcomes ?? entry.parts.outcomes,
    }
    this.#entries.delete(organisationId)
    this.#entries.set(organisationId, {
      parts: next,
      current: this.#compose(next, entry.current),
      loadedAtMs: nowMs,
      isExpired: false,
      outcomesAtMs: before.outcomesAtMs,
      outcomesOf: before.outcomesOf,
      number,
      isForgotten: false,
    })
    this.#forgetOldest()
  }

  /** @returns null where it is not time to ask, or nobody answers: those that are known stay */
  async #findOutcomes(
    organisationId: string,
    entry: Entry,
    { artifactVersion, canary }: StoredRouter,
    store: RouterStore,
    nowMs: number,
  ): Promise<readonly Outcome[] | null> {
    const versions = [artifactVersion ?? this.#base.version, ...(canary ? [canary.version] : [])]
    const of = versions.join()
    const isFresh = Math.abs(nowMs - entry.outcomesAtMs) < OUTCOMES_RELOAD_MS
    if (isFresh && of === entry.outcomesOf) return null
    entry.outcomesAtMs = nowMs
    entry.outcomesOf = of
    try {
      return await store.findOutcomes(organisationId, versions)
    } catch (error) {
      // The database: the router is as good as before.
      logEvent('routing', 'warn', 'outcomes could not be loaded', error, { organisationId })
      return null
    }
  }

  #forgetOldest(): void {
    const owning = [...this.#entries].filter(
      ([, { parts }]) => parts.own.artifact !== null || parts.canary.artifact !== null,
    )
    const oldest =
      owning.length > OWN_ARTIFACTS_MAX
        ? owning[0]
        : this.#entries.size > ORGANISATIONS_MAX
          ? this.#entries.entries().next().value
          : undefined
    if (oldest === undefined) return
    const [organisationId, entry] = oldest
    entry.parts.own.artifact?.close()
    entry.parts.canary.artifact?.close()
    entry.isForgotten = true
    this.#entries.delete(organisationId)
  }
}
