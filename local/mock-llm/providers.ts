import { WELL_KNOWN_PROVIDERS } from '../../src/gateway/well-known-providers.ts'

/** Providers that the mock stands in for, with the path of their base URL behind `/{id}`. */
const PATHS: Readonly<Record<string, string>> = {
  openai: '/v1',
  anthropic: '/v1',
  google: '/v1beta',
  together: '/v1',
  'workers-ai': '',
}

/** Bindings that a well-known provider needs: its key, and what its address has to name. */
const bindingsOf = (provider: (typeof WELL_KNOWN_PROVIDERS)[number]): string[] => [
  provider.binding,
  ...[...provider.baseUrl.matchAll(/\{([A-Z0-9_]+)\}/g)].map(([, name = '']) => name),
]

export type Environment = Readonly<Record<string, string | undefined>>

/** Names of all bindings by which well-known providers are reached. */
export const PROVIDER_BINDINGS: readonly string[] = WELL_KNOWN_PROVIDERS.flatMap(bindingsOf)

/** Keys of providers in the environment of the person who starts the stack. */
export const providerKeysOf = (environment: Environment): Record<string, string> =>
  Object.fromEntries(
    PROVIDER_BINDINGS.flatMap((name) => {
      const value = environment[name]?.trim()
      return value ? [[name, value]] : []
    }),
  )

export interface MockedProvider {
  readonly id: string
  /** The variable that would bring the real one. */
  readonly binding: string
}

/** Those that the mock stands in for: the others' keys are there. */
export const mockedProviders = (keys: Environment): MockedProvider[] =>
  WELL_KNOWN_PROVIDERS.filter(
    (provider) => provider.id in PATHS && bindingsOf(provider).some((name) => !keys[name]),
  ).map(({ id, binding }) => ({ id, binding }))

/** The setting PROVIDERS of a worker whose missing providers a mock stands in for. @param port of the mock */
export const mockProviders = (mocked: readonly MockedProvider[], port: number): string =>
  JSON.stringify(
    mocked.map(({ id }) => ({
      id,
      baseUrl: `http://127.0.0.1:${port}/${id}${PATHS[id] ?? ''}`,
      keys: [{ binding: 'MOCK_LLM_KEY' }],
      mock: true,
    })),
  )

/** Not a secret: the mock takes any. */
export const MOCK_LLM_KEY = 'key-of-the-mock'
