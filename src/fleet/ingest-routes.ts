import { createRoute, z } from '@hono/zod-openapi'
import { connect } from '../database/client.ts'
import { resolveVms } from '../database/vm-queries.ts'
import { requireScope } from '../http/auth.ts'
import { decodeText, parseJson, readBody, requireMediaType } from '../http/body.ts'
import type { AppContext } from '../http/context.ts'
import { ProblemError, problem } from '../http/problem.ts'
import { createRouter, problemResponses } from '../http/validate.ts'
import { distribute } from './distribute.ts'
import { distributeSeries } from './ingest/distribute-series.ts'
import * as ingestion from './ingest.ts'
import type { SeriesOutcome } from './series/series-write.ts'
import { resolve } from './vm-directory.ts'
import { metricsSchema } from './vm-schema.ts'

/** Refusals listed in one answer; `refusedTotal` counts all. */
const REFUSALS_LISTED_MAX = 1_000

export const ingest = createRouter()

const sampleSchema = z
  .object({
    vm: z.string().max(ingestion.VM_REFERENCE_LENGTH_MAX).openapi({ description: 'Id or name' }),
    timestamp: z.union([z.number().int(), z.iso.datetime({ offset: true })]),
    ...Object.fromEntries(
      Object.entries(metricsSchema).map(([name, metric]) => [name, metric.optional()]),
    ),
  })
  .openapi('Sample')

const seriesSampleSchema = z
  .object({
    name: z.string().openapi({ description: 'Of the metric' }),
    labels: z.record(z.string(), z.string()).optional(),
    timestamp: z.union([z.number().int(), z.iso.datetime({ offset: true })]),
    value: z.union([z.number(), z.enum(['NaN', 'Inf', '+Inf', '-Inf'])]),
  })
  .openapi('SeriesSample')

const answerSchema = z
  .object({
    accepted: z.number().int(),
    duplicates: z.number().int(),
    refused: z.array(z.object({ index: z.number().int(), reason: z.string(), detail: z.string() })),
    refusedTotal: z.number().int(),
  })
  .openapi('IngestAnswer')

const readSamples = async (c: AppContext): Promise<ingestion.ParsedSamples> => {
  const type = requireMediaType(c.req.raw, ['application/json', 'application/x-ndjson'])
  const bytes = await readBody(c.req.raw, ingestion.INGEST_BODY_BYTES_MAX)
  if (ingestion.hasTooManyMembers(bytes, ingestion.INGEST_MEMBERS_MAX)) throw tooManySamples()
  const text = decodeText(bytes)
  const bounds = { now: Date.now(), ageMsMax: c.var.settings.rawRetentionMs }
  if (type === 'application/x-ndjson') {
    const { samples, line } = ingestion.splitLines(text, ingestion.INGEST_SAMPLES_MAX)
    refuseTooMany(samples.length)
    return ingestion.parseSamples(samples, bounds, (position) => line[position] ?? position)
  }
  const body = parseJson(text)
  const samples =
    typeof body === 'object' && body !== null && 'samples' in body ? body.samples : undefined
  if (!Array.isArray(samples))
    throw new ProblemError(
      problem(400, 'bad-request', 'the body must be {"samples": […]}', {
        errors: [{ pointer: '#/samples', detail: 'must be an array' }],
      }),
    )
  refuseTooMany(samples.length)
  return ingestion.parseSamples(samples, bounds)
}

const tooManySamples = () =>
  new ProblemError(
    problem(
      413,
      'body-too-large',
      `at most ${ingestion.INGEST_SAMPLES_MAX} samples a request, this one has more or members that no sample has`,
      { extensions: { samplesMax: ingestion.INGEST_SAMPLES_MAX } },
    ),
  )

const refuseTooMany = (count: number): void => {
  if (count > ingestion.INGEST_SAMPLES_MAX) throw tooManySamples()
}

// Documented from the schema, checked sample by sample: a faulty sample must not refuse its batch.
ingest.openAPIRegistry.registerPath(
  createRoute({
    method: 'post',
    path: '/api/v1/metrics',
    tags: ['ingest'],
    summary: 'Store samples of VMs and of label series',
    description:
      'JSON {"samples": […]} or NDJSON, one sample a line. Good samples are stored before the answer, the others are listed by index and reason. Sending the same samples again is harmless.',
    request: {
      body: {
        required: true,
        content: {
          'application/json': {
            schema: z.object({ samples: z.array(z.union([sampleSchema, seriesSampleSchema])) }),
          },
          'application/x-ndjson': { schema: z.string() },
        },
      },
    },
    responses: {
      200: {
        description: 'What was stored and what was refused',
        content: { 'application/json': { schema: answerSchema } },
      },
      ...problemResponses(400, 401, 403, 413, 415, 422, 503),
    },
  }),
)

const NO_SERIES: SeriesOutcome = {
  samplesWritten: 0,
  histogramsWritten: 0,
  exemplarsWritten: 0,
  duplicates: 0,
  refused: [],
}

/** Stores the samples of VMs, and beside them those of label series. */
const store = async (c: AppContext, parsed: ingestion.ParsedSamples) => {
  const { organisationId } = c.var.principal
  const { settings } = c.var
  const now = Date.now()
  const ids = await resolve(organisationId, parsed.references, now, (references) =>
    resolveVms(connect(settings), organisationId, references),
  )
  const [ofVms, ofSeries] = await Promise.all([
    distribute(c.env, settings, organisationId, parsed, ids),
    parsed.series.seriesCount === 0
      ? NO_SERIES
      : distributeSeries(c.env, settings, organisationId, parsed.series, now),
  ])
  const refused = [
    ...ofVms.refused,
    ...ofSeries.refused.map(({ index, reason, detail }) => ({ index, reason, detail })),
  ].sort((a, b) => a.index - b.index)
  const refusedOfSeries = ofSeries.refused.reduce((sum, { samples }) => sum + samples, 0)
  return {
    accepted: ofVms.accepted + ofSeries.samplesWritten - ofSeries.duplicates,
    duplicates: ofVms.duplicates + ofSeries.duplicates,
    refused: refused.slice(0, REFUSALS_LISTED_MAX),
    refusedTotal: ofVms.refused.length + refusedOfSeries,
  }
}

ingest.post('/api/v1/metrics', requireScope('write'), async (c) => {
  const answer = await store(c, await readSamples(c))
  if (answer.refusedTotal > 0 && answer.accepted + answer.duplicates === 0)
    throw new ProblemError(
      problem(422, 'samples-refused', `all ${answer.refusedTotal} samples were refused`, {
        extensions: answer,
      }),
    )
  return c.json(answer)
})
