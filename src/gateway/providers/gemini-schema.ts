import type { Fields } from '../chat.ts'
import { fieldsOf, isFields, listOf } from '../fields.ts'

const DEPTH_MAX = 32
/** Schemas in a schema, each `$ref` put in: references of references multiply. */
const SCHEMAS_MAX = 4_096

/** Keywords that Gemini's `Schema` (OpenAPI 3.0) has as JSON Schema has them. */
const KEPT = [
  'description',
  'title',
  'format',
  'minimum',
  'maximum',
  'minItems',
  'maxItems',
  'minLength',
  'maxLength',
  'minProperties',
  'maxProperties',
  'pattern',
  'default',
  'propertyOrdering',
] as const

/** Formats that Gemini takes; it refuses requests with others. */
const FORMATS: Readonly<Record<string, readonly string[]>> = {
  STRING: ['enum', 'date-time'],
  NUMBER: ['float', 'double'],
  INTEGER: ['int32', 'int64'],
}

/** Keywords without a counterpart that change what is valid. */
const LOST = ['not', 'if', 'patternProperties', 'prefixItems', 'contains', 'dependentSchemas']

/** A schema that `Schema` cannot say. */
class InexpressibleError extends Error {}

const definitionOf = (root: Fields, reference: unknown): unknown => {
  const [, group = '', name = ''] =
    /^#\/(\$defs|definitions)\/([^/]+)$/.exec(String(reference)) ?? []
  const found = fieldsOf(root[group])[name.replaceAll('~1', '/').replaceAll('~0', '~')]
  if (found === undefined) throw new InexpressibleError()
  return found
}

const typeOf = (schema: Fields): { type: string | null; isNullable: boolean } => {
  const types = Array.isArray(schema.type) ? schema.type : [schema.type]
  const named = types.filter((type) => typeof type === 'string' && type !== 'null')
  if (named.length > 1) throw new InexpressibleError()
  const inferred = isFields(schema.properties) ? 'object' : 'items' in schema ? 'array' : undefined
  const type = named[0] ?? inferred
  return {
    type: typeof type === 'string' ? type.toUpperCase() : null,
    isNullable: types.includes('null') || schema.nullable === true,
  }
}

interface Root {
  readonly schema: Fields
  /** So many more schemas are converted. */
  left: number
}

const convert = (value: unknown, root: Root, depth: number): Fields => {
  if (depth > DEPTH_MAX || root.left-- <= 0 || !isFields(value)) throw new InexpressibleError()
  if (LOST.some((keyword) => keyword in value)) throw new InexpressibleError()
  if ('$ref' in value) {
    const { $ref, ...beside } = value
    return convert({ ...fieldsOf(definitionOf(root.schema, $ref)), ...beside }, root, depth + 1)
  }
  const all = listOf(value.allOf)
  if (all.length > 1) throw new InexpressibleError()
  if (all.length === 1) {
    const { allOf: _, ...beside } = value
    return convert({ ...fieldsOf(all[0]), ...beside }, root, depth + 1)
  }
  const { type, isNullable } = typeOf(value)
  const out: Record<string, unknown> = {}
  if (type !== null) out.type = type
  for (const keyword of KEPT) if (value[keyword] !== undefined) out[keyword] = value[keyword]
  if (!(FORMATS[type ?? ''] ?? []).includes(String(out.format))) delete out.format
  const values = 'const' in value ? [value.const] : listOf(value.enum)
  if (values.length > 0) {
    if (!values.every((one) => typeof one === 'string')) throw new InexpressibleError()
    Object.assign(out, { type: 'STRING', enum: values })
  }
  const choices = [...listOf(value.anyOf), ...listOf(value.oneOf)]
  const real = choices.filter((choice) => fieldsOf(choice).type !== 'null')
  if (real.length > 0) out.anyOf = real.map((choice) => convert(choice, root, depth + 1))
  if (isNullable || real.length < choices.length) out.nullable = true
  if (isFields(value.properties))
    out.properties = Object.fromEntries(
      Object.entries(value.properties).map(([name, one]) => [name, convert(one, root, depth + 1)]),
    )
  if (Array.isArray(value.required)) out.required = value.required
  if (value.items !== undefined) out.items = convert(value.items, root, depth + 1)
  return out
}

/**
 * A JSON Schema as Gemini's `Schema`: local `$ref`s put in, `null` among types as `nullable`, `const` and
 * `oneOf` as `enum` and `anyOf`, `additionalProperties` and annotations left out.
 *
 * @returns null where `Schema` cannot say it (recursion, `not`, several types …): Gemini then takes it as
 *   JSON Schema, in `responseJsonSchema` and `parametersJsonSchema`
 * Source: ai.google.dev/api/caching#Schema
 */
export const geminiSchemaOf = (schema: unknown): Fields | null => {
  try {
    return convert(schema, { schema: fieldsOf(schema), left: SCHEMAS_MAX }, 0)
  } catch (error) {
    if (error instanceof InexpressibleError) return null
    throw error
  }
}
