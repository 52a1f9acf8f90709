import { z } from '@hono/zod-openapi'
import type { Operation } from '../kernels/elementwise.ts'
import { numbersSchema } from './numbers.ts'

export const PERCENTILES_MAX = 1000
export const OPERATIONS_MAX = 32

const valuesSchema = numbersSchema({
  description: 'Finite numbers; null is a missing value (NaN)',
  nullable: true,
})

export const summaryRequest = z.object({ values: valuesSchema }).openapi('SummaryRequest')

const result = (description: string) => z.number().nullable().openapi({ description })

export const summaryAnswer = z
  .object({
    count: z.number().int().openapi({ description: 'Values that are not NaN' }),
    sum: result('0 without values'),
    min: result('null without values'),
    max: result('null without values'),
    mean: result('null without values'),
    variance: result('Population variance; null without values'),
    stddev: result('Square root of the variance'),
    nanCount: z.number().int(),
  })
  .openapi('SummaryAnswer')

export const percentilesRequest = z
  .object({
    values: valuesSchema,
    percentiles: z.array(z.number().min(0).max(100)).min(1).max(PERCENTILES_MAX),
    method: z.enum(['exact', 'sketch']).default('exact').openapi({
      description:
        'exact: linear interpolation between order statistics, as numpy. sketch: a base-2 exponential histogram; values that are not finite are left out',
    }),
  })
  .openapi('PercentilesRequest')

export const percentilesAnswer = z
  .object({
    percentiles: z
      .record(z.string(), z.number().nullable())
      .openapi({ description: 'By percentile, as it was asked for; null without values' }),
    method: z.enum(['exact', 'sketch']),
    relativeErrorMax: z
      .number()
      .openapi({ description: 'Bound of the relative error; 0 if exact' }),
  })
  .openapi('PercentilesAnswer')

const vectorSchema = numbersSchema({
  description: 'A vector of finite numbers',
  nullable: false,
  lengthMin: 1,
})

export const similarityRequest = z
  .object({
    query: vectorSchema,
    candidates: z.array(vectorSchema).openapi({ description: 'Vectors as long as the query' }),
    topK: z.number().int().min(1).optional().openapi({ description: 'All where it is absent' }),
  })
  .openapi('SimilarityRequest')

export const similarityAnswer = z
  .object({
    matches: z.array(
      z.object({
        index: z.number().int().openapi({ description: 'Position among the candidates' }),
        score: result('Cosine in [-1, 1]; null for a vector without a direction'),
      }),
    ),
  })
  .openapi('SimilarityAnswer')

const finite = z.number()

const operationSchema = z
  .discriminatedUnion('op', [
    z.object({ op: z.literal('scale'), factor: finite }),
    z.object({ op: z.literal('offset'), value: finite }),
    z
      .object({ op: z.literal('clamp'), min: finite, max: finite })
      .refine(({ min, max }) => min <= max, { path: ['min'], error: 'must not be above max' }),
    z.object({ op: z.literal('abs') }),
    z.object({ op: z.literal('diff') }),
    z.object({ op: z.literal('normalize') }),
    z.object({ op: z.literal('ewma'), weight: z.number().gt(0).max(1) }),
    z.object({ op: z.literal('rollingMean'), window: z.number().int().min(1) }),
  ])
  .openapi('Operation', {
    description:
      'scale x·factor; offset x+value; clamp to [min, max]; abs |x|; diff x[i+1]−x[i], one value less; normalize (x−mean)/deviation, 0 for a constant; ewma level←(1−weight)·level+weight·x from the first value on; rollingMean over the last `window` values, fewer at the start. ewma holds its level over a missing value, rollingMean leaves it out, the others keep it',
  }) satisfies z.ZodType<Operation>

export const pipelineRequest = z
  .object({
    values: valuesSchema,
    operations: z.array(operationSchema).max(OPERATIONS_MAX),
  })
  .openapi('PipelineRequest')

export const pipelineAnswer = z
  .object({
    values: z
      .array(z.number().nullable())
      .openapi({ description: 'null where a result is missing or not finite' }),
    tier: z.enum(['kernel']).openapi({ description: 'What ran: kernel = WASM SIMD, built ahead' }),
  })
  .openapi('PipelineAnswer')
