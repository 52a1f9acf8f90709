import { z } from 'zod'
import { readBaseUrl } from './provider-address.ts'
import type { Provider, ProviderKey } from './provider-registry.ts'
import type { ProviderKind } from './providers/types.ts'
import {
  KEY_SCHEMES,
  WELL_KNOWN_PROVIDERS,
  type WellKnownProvider,
} from './well-known-providers.ts'

export const PROVIDERS_MAX = 64
export const KEYS_PER_PROVIDER_MAX = 32
const SECRET_LENGTH_MAX = 4_096
const WEIGHT_MAX = 1_000_000

/** Bindings that are the worker's own: their values never leave it as a key. */
const OWN_BINDINGS = new Set(['DATABASE_URL', 'NEON_PROXY', 'LOCAL_DEVELOPMENT_KEY', 'PROVIDERS'])
/** First parts of model names that have a meaning of their own. */
const RESERVED_IDS = new Set(['auto', 'gjallar'])

const binding = z
  .string()
  .regex(/^[A-Z][A-Z0-9_]{0,99}$/, 'must be the name of a binding, as OPENAI_API_KEY')
  .refine((name) => !OWN_BINDINGS.has(name), 'must not be a binding of the worker itself')

const entrySchema = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'must be 1 to 64 of a-z, 0-9, ".", "_" and "-"')
    .refine((id) => !RESERVED_IDS.has(id), 'has another meaning'),
  kind: z.enum(['openai', 'anthropic', 'gemini', 'workers-ai']).optional(),
  baseUrl: z.string().max(2_000).optional(),
  keys: z
    .array(
      z.strictObject({
        binding,
        weight: z.number().positive().max(WEIGHT_MAX).default(1),
        scheme: z.enum(['bearer', 'x-api-key', 'x-goog-api-key']).optional(),
      }),
    )
    .max(KEYS_PER_PROVIDER_MAX)
    .optional(),
  /** Answers are made up. */
  mock: z.boolean().default(false),
  /** Http to a private address. */
  private: z.boolean().default(false),
  /** `false` leaves out a well-known provider whose key is bound. */
  enabled: z.boolean().default(true),
})

const settingSchema = z.array(entrySchema).max(PROVIDERS_MAX)

type Bindings = Readonly<Record<string, unknown>>
type Entry = z.infer<typeof entrySchema>
/** A provider but for the code that speaks to it. */
export type ProviderSettings = Omit<Provider, 'protocol'>

const refuse = (detail: string): never => {
  throw new RangeError(`PROVIDERS: ${detail}`)
}

const isBound = (bindings: Bindings, name: string): boolean => {
  const value = bindings[name]
  return typeof value === 'string' && value.trim() !== ''
}

/** The secret of a binding; spaces around it, as a file's last line feed, are no part of it. */
const secretOf = (bindings: Bindings, name: string): string => {
  const value = bindings[name]
  if (typeof value !== 'string' || value.trim() === '')
    return refuse(`the binding ${name} is not set`)
  const secret = value.trim()
  if (secret.length > SECRET_LENGTH_MAX || !/^[\x21-\x7e]+$/.test(secret))
    return refuse(`the binding ${name} must be printable ASCII of at most ${SECRET_LENGTH_MAX}`)
  return secret
}

/** A base URL with the values of bindings put in. Throws RangeError. */
const addressOf = (bindings: Bindings, id: string, text: string, mayBePrivate: boolean): string => {
  const filled = text.replaceAll(/\{([A-Z][A-Z0-9_]{0,99})\}/g, (_, name: string) =>
    OWN_BINDINGS.has(name)
      ? refuse(`${id}: baseUrl must not hold ${name}`)
      : encodeURIComponent(secretOf(bindings, name)),
  )
  const read = readBaseUrl(filled, mayBePrivate)
  return 'url' in read ? read.url : refuse(`${id}: baseUrl ${read.fault}`)
}

const keysOf = (
  bindings: Bindings,
  kind: ProviderKind,
  keys: NonNullable<Entry['keys']>,
): readonly ProviderKey[] =>
  keys.length === 0
    ? [{ credential: { scheme: 'none', secret: '' }, weight: 1 }]
    : keys.map(({ binding: name, weight, scheme }) => ({
        credential: { scheme: scheme ?? KEY_SCHEMES[kind], secret: secretOf(bindings, name) },
        weight,
      }))

const readEntry = (bindings: Bindings, entry: Entry): ProviderSettings => {
  const known = WELL_KNOWN_PROVIDERS.find(({ id }) => id === entry.id)
  const { id } = entry
  const kind = entry.kind ?? known?.kind ?? refuse(`${id}: kind is missing`)
  const baseUrl = entry.baseUrl ?? known?.baseUrl ?? refuse(`${id}: baseUrl is missing`)
  // The key of a well-known provider does not follow its name to another address.
  const isOwnAddress = known !== undefined && entry.baseUrl === undefined
  const keys = entry.keys ?? (isOwnAddress ? [{ binding: known.binding, weight: 1 }] : undefined)
  return {
    id,
    kind,
    baseUrl: addressOf(bindings, id, baseUrl, entry.private),
    keys: keysOf(bindings, kind, keys ?? refuse(`${id}: keys are missing; [] for none`)),
    isMock: entry.mock,
  }
}

const entriesOf = (setting: unknown): readonly Entry[] => {
  if (setting === undefined || setting === '') return []
  let value: unknown
  try {
    value = typeof setting === 'string' ? JSON.parse(setting) : setting
  } catch {
    // SyntaxError; its message repeats the text, which may hold a key that belongs elsewhere.
    return refuse('is not JSON')
  }
  const checked = settingSchema.safeParse(value)
  if (checked.success) return checked.data
  const [issue] = checked.error.issues
  return refuse(
    `${issue?.path.join('.') || 'the list'}: ${issue?.message ?? 'is not as described'}`,
  )
}

const wellKnown = (bindings: Bindings, { id, kind, baseUrl, binding: name }: WellKnownProvider) => {
  const names = [name, ...[...baseUrl.matchAll(/\{([A-Z0-9_]+)\}/g)].map(([, inner = '']) => inner)]
  if (!names.every((one) => isBound(bindings, one))) return []
  const entry = { id, kind, mock: false, private: false, enabled: true }
  return [readEntry(bindings, entry)]
}

/**
 * Providers from the setting PROVIDERS, a JSON array, and the well-known ones whose key is bound. An
 * entry with the id of a well-known one replaces it; `"enabled": false` leaves it out.
 *
 * @throws RangeError naming entry, field and binding at fault, never a key or an address
 */
export const readProviders = (bindings: Bindings): readonly ProviderSettings[] => {
  const entries = entriesOf(bindings.PROVIDERS)
  const ids = new Set(entries.map(({ id }) => id))
  if (ids.size < entries.length) refuse('an id is in the list twice')
  return [
    ...entries.filter(({ enabled }) => enabled).map((entry) => readEntry(bindings, entry)),
    ...WELL_KNOWN_PROVIDERS.filter(({ id }) => !ids.has(id)).flatMap((known) =>
      wellKnown(bindings, known),
    ),
  ]
}
