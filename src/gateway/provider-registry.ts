import type { Env } from '../env.ts'
import type { PassThrough } from './pass-through.ts'
import { readProviders } from './provider-settings.ts'
import { PROTOCOLS } from './providers/index.ts'
import type { Credential, ProviderKind, ProviderProtocol } from './providers/types.ts'
import { WELL_KNOWN_PROVIDERS } from './well-known-providers.ts'

export interface ProviderKey {
  readonly credential: Credential
  /** Share of the requests among the keys of the pool; above 0. */
  readonly weight: number
}

export interface Provider {
  /** Unique, without slashes: the first part of `provider/model`. */
  readonly id: string
  readonly kind: ProviderKind
  readonly protocol: ProviderProtocol
  /** Without a slash at its end. */
  readonly baseUrl: string
  /** At least one; of a server that asks for none, one of the scheme `none`. Never logged. */
  readonly keys: readonly ProviderKey[]
  /** Answers are made up: shown wherever the provider is. */
  readonly isMock: boolean
}

export interface ProviderRegistry {
  get(id: string): Provider | null
  /** In the order of the settings, the well-known ones behind. */
  all(): readonly Provider[]
}

const registryOf = (providers: readonly Provider[]): ProviderRegistry => {
  const byId = new Map(providers.map((provider) => [provider.id, provider]))
  return { get: (id) => byId.get(id) ?? null, all: () => providers }
}

const parsed = new WeakMap<Env, ProviderRegistry>()

/**
 * The providers of one deployment, read once.
 *
 * @throws RangeError naming the setting and its fault, never a key or an address
 */
export const providersOf = (env: Env): ProviderRegistry => {
  const known = parsed.get(env)
  if (known !== undefined) return known
  // Bindings of keys have the names that the operator gives them.
  const bindings = env as unknown as Readonly<Record<string, unknown>>
  const providers = readProviders(bindings).map((settings) => ({
    ...settings,
    protocol: PROTOCOLS[settings.kind],
  }))
  const registry = registryOf(providers)
  parsed.set(env, registry)
  return registry
}

const NO_KEYS: readonly ProviderKey[] = [{ credential: { scheme: 'none', secret: '' }, weight: 1 }]

/** A provider as it is known without a key of the operator's. @throws RangeError for one that is not */
const wellKnown = (id: string): Provider => {
  const found = WELL_KNOWN_PROVIDERS.find((one) => one.id === id)
  if (found === undefined) throw new RangeError(`no address is known of the provider ${id}`)
  const { kind, baseUrl } = found
  return { id, kind, baseUrl, protocol: PROTOCOLS[kind], keys: NO_KEYS, isMock: false }
}

/**
 * The providers of one request: all, or for a caller's own credential its provider alone. No other one is
 * there to fall back to. The credential itself goes beside each call, never among the keys: what is known
 * of a provider outlives the request, its keys included.
 *
 * @throws RangeError as `providersOf`
 */
export const providersFor = (env: Env, passThrough: PassThrough | null): ProviderRegistry => {
  const registry = providersOf(env)
  if (passThrough === null) return registry
  const { providerId } = passThrough
  return registryOf([registry.get(providerId) ?? wellKnown(providerId)])
}
