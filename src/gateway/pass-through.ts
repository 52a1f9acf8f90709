import { err, ok, type Result } from '../result.ts'
import type { Credential } from './providers/types.ts'

/** Credentials of providers that callers may come with, where the operator allows it. */
export const PASS_THROUGH_ADAPTERS = [
  'openai-key',
  'anthropic-oauth',
  'anthropic-key',
  'google-oauth',
  'gemini-key',
] as const
export type PassThroughAdapter = (typeof PASS_THROUGH_ADAPTERS)[number]

/** The one provider that each credential is for, by id. */
const PROVIDER_IDS: Readonly<Record<PassThroughAdapter, string>> = {
  'openai-key': 'openai',
  'anthropic-oauth': 'anthropic',
  'anthropic-key': 'anthropic',
  'google-oauth': 'google',
  'gemini-key': 'google',
}

/** A caller's own credential of a provider. Never logged, never sent elsewhere. */
export interface PassThrough {
  readonly adapter: PassThroughAdapter
  readonly providerId: string
  readonly credential: Credential
  /** Whether it may be sent to that provider. */
  mayUse(provider: { readonly id: string }): boolean
}

/** What a request brings along. */
export interface CallerCredentials {
  /** A key of ours; null without. */
  readonly key: string | null
  readonly passThrough: PassThrough | null
}

export type CredentialFault =
  | { readonly reason: 'absent' }
  /** Not printable ASCII, or too long. */
  | { readonly reason: 'malformed'; readonly header: string }
  /** Two keys of ours, or credentials of two providers. */
  | { readonly reason: 'ambiguous' }
  /** A credential of a provider that none of the adapters is for. */
  | { readonly reason: 'not-passed-on' }
  | { readonly reason: 'disabled'; readonly adapter: PassThroughAdapter }

const CREDENTIAL_LENGTH_MAX = 4_096
const CREDENTIAL = /^[\x21-\x7e]+$/

const isSound = (text: string): boolean =>
  text.length <= CREDENTIAL_LENGTH_MAX && CREDENTIAL.test(text)

type Kind = { readonly kind: 'key' } | { readonly kind: 'foreign'; readonly is: PassThroughAdapter }

/** What an `Authorization` or `x-api-key` holds, by its prefix; null for keys that go nowhere. */
const kindOf = (text: string, isBearer: boolean): Kind | null => {
  if (isBearer && text.startsWith('ya29.')) return { kind: 'foreign', is: 'google-oauth' }
  if (isBearer && text.startsWith('sk-ant-oat')) return { kind: 'foreign', is: 'anthropic-oauth' }
  if (text.startsWith('sk-ant-')) return { kind: 'foreign', is: 'anthropic-key' }
  // OpenRouter's keys begin as OpenAI's do.
  if (text.startsWith('sk-or-')) return null
  if (text.startsWith('sk-')) return isBearer ? { kind: 'foreign', is: 'openai-key' } : null
  // Whatever else it is, it is looked for among our own keys.
  return { kind: 'key' }
}

const SCHEMES: Readonly<Record<PassThroughAdapter, Credential['scheme']>> = {
  'openai-key': 'bearer',
  'anthropic-oauth': 'bearer',
  'anthropic-key': 'x-api-key',
  'google-oauth': 'bearer',
  'gemini-key': 'x-goog-api-key',
}

const passThroughOf = (adapter: PassThroughAdapter, secret: string): PassThrough => {
  const providerId = PROVIDER_IDS[adapter]
  return {
    adapter,
    providerId,
    credential: { scheme: SCHEMES[adapter], secret },
    mayUse: ({ id }) => id === providerId,
  }
}

/** The secrets of a request by header, and what each is. */
const secretsOf = (
  headers: Headers,
): readonly [header: string, text: string, isBearer: boolean][] => {
  const authorization = headers.get('authorization')
  const bearer = authorization === null ? null : /^(?:Bearer|Token) +(.*?) *$/i.exec(authorization)
  const found: [string, string | null | undefined, boolean][] = [
    ['authorization', authorization === null ? null : (bearer?.[1] ?? ''), true],
    ['x-api-key', headers.get('x-api-key'), false],
  ]
  return found.flatMap(([header, text, isBearer]) =>
    typeof text === 'string' ? [[header, text, isBearer] as [string, string, boolean]] : [],
  )
}

/**
 * A request's credentials: a key of ours in `x-gjallar-key`, `Authorization: Bearer` or `x-api-key`, as
 * the SDKs of OpenAI and Anthropic send theirs, and a provider's own where its adapter is enabled.
 */
export const readCredentials = (
  headers: Headers,
  enabled: ReadonlySet<PassThroughAdapter>,
): Result<CallerCredentials, CredentialFault> => {
  const keys = new Set<string>()
  const foreign: PassThrough[] = []
  const own = headers.get('x-gjallar-key')
  if (own !== null) {
    if (!isSound(own)) return err({ reason: 'malformed', header: 'x-gjallar-key' })
    keys.add(own)
  }
  for (const [header, text, isBearer] of secretsOf(headers)) {
    if (!isSound(text)) return err({ reason: 'malformed', header })
    const kind = kindOf(text, isBearer)
    if (kind === null) return err({ reason: 'not-passed-on' })
    if (kind.kind === 'key') keys.add(text)
    else foreign.push(passThroughOf(kind.is, text))
  }
  const google = headers.get('x-goog-api-key')
  if (google !== null) {
    if (!isSound(google)) return err({ reason: 'malformed', header: 'x-goog-api-key' })
    foreign.push(passThroughOf('gemini-key', google))
  }
  if (keys.size > 1 || foreign.length > 1) return err({ reason: 'ambiguous' })
  const [key = null] = keys
  const [passThrough = null] = foreign
  if (passThrough !== null && !enabled.has(passThrough.adapter))
    return err({ reason: 'disabled', adapter: passThrough.adapter })
  return key === null && passThrough === null ? err({ reason: 'absent' }) : ok({ key, passThrough })
}

/** The setting PASS_THROUGH: names with commas between them. @throws RangeError naming it */
export const parsePassThrough = (text: string): ReadonlySet<PassThroughAdapter> => {
  const names = text.split(',').map((name) => name.trim())
  const known: readonly string[] = PASS_THROUGH_ADAPTERS
  const wrong = names.find((name) => name !== '' && !known.includes(name))
  if (wrong !== undefined)
    throw new RangeError(`PASS_THROUGH must be of ${PASS_THROUGH_ADAPTERS.join(', ')}`)
  return new Set(PASS_THROUGH_ADAPTERS.filter((name) => names.includes(name)))
}
