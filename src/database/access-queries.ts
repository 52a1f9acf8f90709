import { and, asc, eq, isNull, sql } from 'drizzle-orm'
import type { KeyLimits } from '../ledger/types.ts'
import { err, ok, type Result } from '../result.ts'
import type { Database } from './client.ts'
import { violatedConstraint } from './faults.ts'
import { apiKeys, organisations } from './schema.ts'
import { isUuid } from './vm-rows.ts'

export const SCOPES = ['read', 'write', 'admin'] as const
export type Scope = (typeof SCOPES)[number]

/** Who a valid key speaks for. */
export interface KeyIdentity {
  readonly keyId: string
  readonly organisationId: string
  /** Slug. */
  readonly organisation: string
  readonly scopes: readonly Scope[]
  readonly platformAdmin: boolean
  readonly expiresAt: Date | null
  /** Null where nothing is limited. */
  readonly limits: KeyLimits | null
}

export interface Organisation {
  readonly id: string
  readonly slug: string
  readonly name: string
  readonly createdAt: Date
}

/** A key as its owner may see it: never the key or its hash. */
export interface ApiKey {
  readonly id: string
  readonly name: string
  readonly prefix: string
  readonly scopes: readonly Scope[]
  readonly platformAdmin: boolean
  readonly createdAt: Date
  readonly expiresAt: Date | null
  /** Null where nothing is limited. */
  readonly limits: KeyLimits | null
}

export interface NewKey {
  readonly name: string
  /** SHA-256 of the key, 32 bytes. */
  readonly hash: Uint8Array
  readonly prefix: string
  readonly scopes: readonly Scope[]
  readonly platformAdmin?: boolean
  readonly expiresAt?: Date | null
  readonly limits?: KeyLimits | null
}

/** Most rows that a list returns; beyond that a list is not what a person needs. */
const LIST_ROWS_MAX = 1000

/** The identity behind a key's hash, or null where it is unknown, expired or revoked. */
export const findKeyByHash = async (
  db: Database,
  hash: Uint8Array,
): Promise<KeyIdentity | null> => {
  const [row] = await db.orm
    .select({
      keyId: apiKeys.id,
      organisationId: apiKeys.organisationId,
      organisation: organisations.slug,
      scopes: apiKeys.scopes,
      platformAdmin: apiKeys.platformAdmin,
      expiresAt: apiKeys.expiresAt,
      ...LIMIT_FIELDS,
    })
    .from(apiKeys)
    .innerJoin(organisations, eq(organisations.id, apiKeys.organisationId))
    .where(and(eq(apiKeys.hash, hash), IS_VALID))
  return row === undefined ? null : withLimits(row)
}

/** Every organisation, by slug: for platform admins only. */
export const listOrganisations = (db: Database): Promise<Organisation[]> =>
  db.orm.select().from(organisations).orderBy(asc(organisations.slug)).limit(LIST_ROWS_MAX)

export const createOrganisation = async (
  db: Database,
  organisation: { readonly slug: string; readonly name: string },
): Promise<Result<Organisation, { readonly reason: 'organisation-slug-taken' }>> => {
  try {
    const [row] = await db.orm.insert(organisations).values(organisation).returning()
    if (row === undefined) throw new Error('INSERT … RETURNING gave no row')
    return ok(row)
  } catch (error) {
    if (violatedConstraint(error) === 'organisations_slug') {
      return err({ reason: 'organisation-slug-taken' })
    }
    throw error
  }
}

export const findOrganisation = async (
  db: Database,
  slug: string,
): Promise<Organisation | null> => {
  const [row] = await db.orm.select().from(organisations).where(eq(organisations.slug, slug))
  return row ?? null
}

/** The organisation's keys that are not revoked, oldest first; expired ones stay in the list. */
export const listKeys = async (db: Database, organisationId: string): Promise<ApiKey[]> => {
  const rows = await db.orm
    .select(KEY_FIELDS)
    .from(apiKeys)
    .where(and(eq(apiKeys.organisationId, organisationId), isNull(apiKeys.revokedAt)))
    .orderBy(asc(apiKeys.createdAt), asc(apiKeys.id))
    .limit(LIST_ROWS_MAX)
  return rows.map(keyOf)
}

/** @returns null where the organisation has no such key, or it was revoked */
export const findKey = async (
  db: Database,
  organisationId: string,
  keyId: string,
): Promise<ApiKey | null> => {
  if (!isUuid(keyId)) return null
  const [row] = await db.orm
    .select(KEY_FIELDS)
    .from(apiKeys)
    .where(
      and(
        eq(apiKeys.organisationId, organisationId),
        eq(apiKeys.id, keyId),
        isNull(apiKeys.revokedAt),
      ),
    )
  return row === undefined ? null : keyOf(row)
}

export const createKey = async (
  db: Database,
  organisationId: string,
  key: NewKey,
): Promise<ApiKey> => {
  const { name, hash, prefix, scopes, platformAdmin = false, expiresAt = null, limits = null } = key
  const [row] = await db.orm
    .insert(apiKeys)
    .values({
      organisationId,
      name,
      hash,
      prefix,
      scopes: [...scopes],
      platformAdmin,
      expiresAt,
      ...(limits ?? NO_LIMITS),
    })
    .returning(KEY_FIELDS)
  if (row === undefined) throw new Error('INSERT … RETURNING gave no row')
  return keyOf(row)
}

/**
 * Puts a new secret behind a key; the old one ends with the statement.
 * @returns null where the organisation has no such valid key
 */
export const rotateKey = async (
  db: Database,
  organisationId: string,
  keyId: string,
  secret: { readonly hash: Uint8Array; readonly prefix: string },
): Promise<ApiKey | null> => {
  if (!isUuid(keyId)) return null
  const [row] = await db.orm
    .update(apiKeys)
    .set({ hash: secret.hash, prefix: secret.prefix })
    .where(and(eq(apiKeys.organisationId, organisationId), eq(apiKeys.id, keyId), IS_VALID))
    .returning(KEY_FIELDS)
  return row === undefined ? null : keyOf(row)
}

/**
 * Changes what a key may spend; null lifts all limits.
 * @returns null where the organisation has no such key, or it was revoked
 */
export const limitKey = async (
  db: Database,
  organisationId: string,
  keyId: string,
  limits: KeyLimits | null,
): Promise<ApiKey | null> => {
  if (!isUuid(keyId)) return null
  const [row] = await db.orm
    .update(apiKeys)
    .set(limits ?? NO_LIMITS)
    .where(
      and(
        eq(apiKeys.organisationId, organisationId),
        eq(apiKeys.id, keyId),
        isNull(apiKeys.revokedAt),
      ),
    )
    .returning(KEY_FIELDS)
  return row === undefined ? null : keyOf(row)
}

/** @returns false where the organisation has no such key, or it was revoked before */
export const revokeKey = async (
  db: Database,
  organisationId: string,
  keyId: string,
): Promise<boolean> => {
  if (!isUuid(keyId)) return false
  const rows = await db.orm
    .update(apiKeys)
    .set({ revokedAt: sql`now()` })
    .where(
      and(
        eq(apiKeys.organisationId, organisationId),
        eq(apiKeys.id, keyId),
        isNull(apiKeys.revokedAt),
      ),
    )
    .returning({ id: apiKeys.id })
  return rows.length === 1
}

const IS_VALID = sql`${apiKeys.revokedAt} IS NULL
  AND (${apiKeys.expiresAt} IS NULL OR ${apiKeys.expiresAt} > now())`

const LIMIT_FIELDS = {
  budgetNanoUsd: apiKeys.budgetNanoUsd,
  budgetPeriod: apiKeys.budgetPeriod,
  requestsPerMinute: apiKeys.requestsPerMinute,
  tokensPerMinute: apiKeys.tokensPerMinute,
}

const NO_LIMITS: KeyLimits = {
  budgetNanoUsd: null,
  budgetPeriod: 'month',
  requestsPerMinute: null,
  tokensPerMinute: null,
}

const KEY_FIELDS = {
  id: apiKeys.id,
  name: apiKeys.name,
  prefix: apiKeys.prefix,
  scopes: apiKeys.scopes,
  platformAdmin: apiKeys.platformAdmin,
  createdAt: apiKeys.createdAt,
  expiresAt: apiKeys.expiresAt,
  ...LIMIT_FIELDS,
}

const scopesOf = (texts: readonly string[]): readonly Scope[] =>
  SCOPES.filter((scope) => texts.includes(scope))

/** A row with its scopes as they are known here, and its limits together. */
const withLimits = <Row extends KeyLimits & { readonly scopes: readonly string[] }>(row: Row) => {
  const { budgetNanoUsd, budgetPeriod, requestsPerMinute, tokensPerMinute, scopes, ...rest } = row
  const limits: KeyLimits = { budgetNanoUsd, budgetPeriod, requestsPerMinute, tokensPerMinute }
  const isLimited = budgetNanoUsd !== null || requestsPerMinute !== null || tokensPerMinute !== null
  return { ...rest, scopes: scopesOf(scopes), limits: isLimited ? limits : null }
}

const keyOf = (
  row: Omit<ApiKey, 'scopes' | 'limits'> & KeyLimits & { readonly scopes: readonly string[] },
): ApiKey => withLimits(row)
