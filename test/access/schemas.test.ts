import { describe, expect, it } from 'vitest'
import { newKeySchema, newOrganisationSchema } from '../../src/access/schemas.ts'

const pathsOf = (result: { success: boolean; error?: { issues: { path: PropertyKey[] }[] } }) =>
  result.error?.issues.map(({ path }) => path.join('/')) ?? []

describe('schema of a new key', () => {
  const valid = { name: 'agent', scopes: ['write'] }

  it.each([
    { name: 'the least', body: valid },
    { name: 'a name of 100 characters', body: { ...valid, name: 'x'.repeat(100) } },
    {
      name: 'an expiry with an offset',
      body: { ...valid, expires_at: '2030-01-01T00:00:00+02:00' },
    },
    { name: 'no expiry', body: { ...valid, expires_at: null } },
    { name: 'an organisation', body: { ...valid, organisation: 'acme' } },
  ])('takes $name', ({ body }) => {
    expect(newKeySchema.safeParse(body).success).toBe(true)
  })

  it.each([
    { name: 'no name', body: { scopes: ['read'] }, path: 'name' },
    { name: 'a blank name', body: { ...valid, name: '  ' }, path: 'name' },
    { name: 'a name of 101 characters', body: { ...valid, name: 'x'.repeat(101) }, path: 'name' },
    { name: 'a line break in the name', body: { ...valid, name: 'a\nb' }, path: 'name' },
    { name: 'half a surrogate pair', body: { ...valid, name: 'a\ud800' }, path: 'name' },
    { name: 'no scopes', body: { ...valid, scopes: [] }, path: 'scopes' },
    { name: 'a repeated scope', body: { ...valid, scopes: ['read', 'read'] }, path: 'scopes' },
    { name: 'an unknown scope', body: { ...valid, scopes: ['root'] }, path: 'scopes/0' },
    {
      name: 'a date without time',
      body: { ...valid, expires_at: '2030-01-01' },
      path: 'expires_at',
    },
    { name: 'a foreign member', body: { ...valid, platform_admin: true }, path: '' },
  ])('refuses $name', ({ body, path }) => {
    expect(pathsOf(newKeySchema.safeParse(body))).toContain(path)
  })
})

describe('schema of a new organisation', () => {
  it.each([
    { slug: 'a', valid: true },
    { slug: 'acme-2', valid: true },
    { slug: 'x'.repeat(63), valid: true },
    { slug: 'x'.repeat(64), valid: false },
    { slug: '', valid: false },
    { slug: '-acme', valid: false },
    { slug: 'acme-', valid: false },
    { slug: 'Acme', valid: false },
    { slug: 'ac me', valid: false },
    { slug: 'acme\n', valid: false },
  ])('takes the slug $slug: $valid', ({ slug, valid }) => {
    expect(newOrganisationSchema.safeParse({ slug, name: 'Acme' }).success).toBe(valid)
  })
})
