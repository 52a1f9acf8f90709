import type { Env } from '../env.ts'
import { readProviders } from './provider-settings.ts'
import { PROTOCOLS } from './providers/index.ts'
import type { Credential, ProviderKind, ProviderProtocol } from './providers/types.ts'

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
  const byId = new Map<string, Provider>(providers.map((provider) => [provider.id, provider]))
  const registry: ProviderRegistry = {
    get: (id) => byId.get(id) ?? null,
    all: () => providers,
  }
  parsed.set(env, registry)
  return registry
}
