import { createHash, randomBytes } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  createKey,
  createOrganisation,
  findKeyByHash,
  listKeys,
  listOrganisations,
  type NewKey,
  revokeKey,
  rotateKey,
} from '../../src/database/access-queries.ts'
import { database, errorOf, newOrganisation, runSql } from './fixtures.ts'

const db = database()
let organisation = { id: '', slug: '' }
beforeAll(async () => {
  organisation = await newOrganisation(db)
})

/** A plain Uint8Array, as Web Crypto gives it. */
const hashOf = (key: string) => new Uint8Array(createHash('sha256').update(key).digest())
const newKey = (fields: Partial<NewKey> = {}): NewKey & { secret: string } => {
  const secret = randomBytes(24).toString('base64url')
  const hash = hashOf(secret)
  return { name: 'ci', hash, prefix: secret.slice(0, 8), scopes: ['read'], secret, ...fields }
}

describe('an API key', () => {
  it('is found by its hash with its organisation and scopes, and no other hash finds it', async () => {
    const key = newKey({ scopes: ['write', 'read'] })
    const made = await createKey(db, organisation.id, key)
    expect(await findKeyByHash(db, key.hash)).toEqual({
      keyId: made.id,
      organisationId: organisation.id,
      organisation: organisation.slug,
      scopes: ['read', 'write'],
      platformAdmin: false,
      expiresAt: null,
      limits: null,
    })
    expect(await findKeyByHash(db, hashOf('another'))).toBeNull()
  })

  it('is not found once expired or revoked', async () => {
    const expiresAt = new Date(Date.now() + 60_000)
    const key = newKey({ expiresAt })
    const made = await createKey(db, organisation.id, key)
    expect(await findKeyByHash(db, key.hash)).toMatchObject({ expiresAt })
    await runSql(`UPDATE api_keys SET expires_at = now() WHERE id = $1`, [made.id])
    expect(await findKeyByHash(db, key.hash)).toBeNull()

    const other = newKey()
    const { id } = await createKey(db, organisation.id, other)
    expect(await revokeKey(db, organisation.id, id)).toBe(true)
    expect(await revokeKey(db, organisation.id, id)).toBe(false)
    expect(await findKeyByHash(db, other.hash)).toBeNull()
    expect(await rotateKey(db, organisation.id, id, newKey())).toBeNull()
  })

  it('is rotated at once: the new secret works, the old one does not', async () => {
    const before = newKey()
    const after = newKey()
    const made = await createKey(db, organisation.id, before)
    const rotated = await rotateKey(db, organisation.id, made.id, after)
    expect(rotated).toEqual({ ...made, prefix: after.prefix })
    expect(await findKeyByHash(db, before.hash)).toBeNull()
    expect(await findKeyByHash(db, after.hash)).toMatchObject({ keyId: made.id })
  })

  it('is listed without its hash, oldest first, until it is revoked', async () => {
    const own = await newOrganisation(db)
    const first = await createKey(db, own.id, newKey({ name: 'first' }))
    const second = await createKey(db, own.id, newKey({ name: 'second', platformAdmin: true }))
    const third = await createKey(db, own.id, newKey({ name: 'third' }))
    await revokeKey(db, own.id, third.id)
    expect(await listKeys(db, own.id)).toEqual([first, second])
    expect(Object.keys(first)).not.toContain('hash')
  })

  it.each([
    { what: 'a scope that there is not', fields: { scopes: ['root'] as unknown as ['read'] } },
    { what: 'a hash of another length', fields: { hash: new Uint8Array(31) } },
  ])('is refused with $what', async ({ fields }) => {
    await expect(createKey(db, organisation.id, newKey(fields))).rejects.toThrow()
  })
})

describe('an organisation', () => {
  it('is created once per slug and listed', async () => {
    const made = await newOrganisation(db)
    const again = await createOrganisation(db, { slug: made.slug, name: 'Again' })
    expect(errorOf(again)).toEqual({ reason: 'organisation-slug-taken' })
    const slugs = (await listOrganisations(db)).map(({ slug }) => slug)
    expect(slugs).toContain(made.slug)
    expect(slugs).toEqual([...slugs].sort())
  })
})
