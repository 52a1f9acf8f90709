import { z } from '@hono/zod-openapi'
import { SCOPES } from '../http/context.ts'
import { limitFields, limitsSchema } from './limits.ts'

export const NAME_LENGTH_MAX = 100
export const SLUG_LENGTH_MAX = 63

const UNPRINTABLE = /[\p{Cc}\p{Cs}]/u

const name = z
  .string()
  .trim()
  .min(1, 'must not be empty')
  .max(NAME_LENGTH_MAX, `must have at most ${NAME_LENGTH_MAX} characters`)
  .refine((text) => !UNPRINTABLE.test(text), 'must not hold control characters or lone surrogates')

/** A DNS label (RFC 1035 §2.3.1), so that it may stand in addresses. */
const slug = z
  .string()
  .max(SLUG_LENGTH_MAX, `must have at most ${SLUG_LENGTH_MAX} characters`)
  .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, 'must be lower-case letters, digits and inner hyphens')
  .openapi({ example: 'acme' })

const scope = z.enum(SCOPES)

export const organisationSchema = z
  .object({ slug, name, created_at: z.iso.datetime() })
  .openapi('Organisation')

export const newOrganisationSchema = z.strictObject({ slug, name }).openapi('NewOrganisation')

export const keySchema = z
  .object({
    id: z.uuid(),
    name,
    prefix: z.string().openapi({ example: 'gjl_3vQ8kF2a' }),
    organisation: slug,
    scopes: z.array(scope),
    platform_admin: z.boolean(),
    created_at: z.iso.datetime(),
    expires_at: z.iso.datetime().nullable(),
    limits: limitsSchema,
  })
  .openapi('Key')

export const keyWithSecretSchema = keySchema
  .extend({ key: z.string().openapi({ description: 'Shown here and never again' }) })
  .openapi('KeyWithSecret')

export const newKeySchema = z
  .strictObject({
    name,
    scopes: z
      .array(scope)
      .min(1, 'must name one scope or more')
      .max(SCOPES.length, `must name at most ${SCOPES.length} scopes`)
      .refine((scopes) => new Set(scopes).size === scopes.length, 'must not repeat a scope'),
    expires_at: z.iso.datetime({ offset: true }).nullable().optional(),
    organisation: slug.optional().openapi({
      description:
        'The organisation that the key is for; another than one’s own for platform admins',
    }),
    ...limitFields,
  })
  .openapi('NewKey')

export const organisationQuerySchema = z.object({
  organisation: slug.optional().openapi({
    description:
      'The organisation whose keys are meant; another than one’s own for platform admins',
  }),
})

export const sessionSchema = z
  .object({
    organisation: slug,
    scopes: z.array(scope),
    platform_admin: z.boolean(),
    expires_at: z.iso.datetime().nullable(),
  })
  .openapi('Session')
