import type { SeriesOutcome, SeriesRefusal, SeriesRefusalReason } from '../series/series-write.ts'

/** Refusals told one by one; the sums of all stand before them. */
const REFUSALS_LISTED_MAX = 20
/** Refused for now: the same request can be sent again. */
const RETRIED: ReadonlySet<SeriesRefusalReason> = new Set(['rate-exceeded'])
const RETRY_AFTER_SECONDS = 2

/** The response headers that remote write 2.0 demands. */
export const writtenHeaders = (
  samples: number,
  histograms: number,
  exemplars: number,
): Record<string, string> => ({
  'x-prometheus-remote-write-samples-written': String(samples),
  'x-prometheus-remote-write-histograms-written': String(histograms),
  'x-prometheus-remote-write-exemplars-written': String(exemplars),
})

interface Sums {
  samples: number
  histograms: number
  exemplars: number
}

const add = (sums: Sums, { samples, histograms, exemplars }: SeriesRefusal): Sums => ({
  samples: sums.samples + samples,
  histograms: sums.histograms + histograms,
  exemplars: sums.exemplars + exemplars,
})

const NONE: Sums = { samples: 0, histograms: 0, exemplars: 0 }

const inWords = ({ samples, histograms, exemplars }: Sums): string =>
  `${samples} samples, ${histograms} histograms, ${exemplars} exemplars`

/** What was refused, in words: all in the first line, which is what Prometheus logs. */
export const refusalText = (refused: readonly SeriesRefusal[]): string => {
  const byReason = Map.groupBy(refused, ({ reason }) => reason)
  const [first] = refused
  const reasons = [...byReason].map(([reason, some]) => `${reason} (${some.length})`).join(', ')
  const sums = inWords(refused.reduce(add, NONE))
  const lines = [
    `refused: ${sums}; ${reasons}; first: series ${first?.index ?? 0}: ${first?.detail ?? ''}`,
    ...refused
      .slice(0, REFUSALS_LISTED_MAX)
      .map(({ index, reason, detail }) => `series ${index}: ${reason}: ${detail}`),
  ]
  const more = refused.length - REFUSALS_LISTED_MAX
  if (more > 0) lines.push(`and ${more} more`)
  return `${lines.join('\n')}\n`
}

/**
 * 204 where all was written, 400 with reasons where some was not, 429 where what was not may be sent again
 * (the rest of it is then there already, which does no harm).
 */
export const writeResponse = (outcome: SeriesOutcome): Response => {
  const { samplesWritten, histogramsWritten, exemplarsWritten, refused } = outcome
  const headers = writtenHeaders(samplesWritten, histogramsWritten, exemplarsWritten)
  if (refused.length === 0) return new Response(null, { status: 204, headers })
  const isRetried = refused.some(({ reason }) => RETRIED.has(reason))
  return new Response(refusalText(refused), {
    status: isRetried ? 429 : 400,
    headers: {
      ...headers,
      'content-type': 'text/plain; charset=utf-8',
      ...(isRetried ? { 'retry-after': String(RETRY_AFTER_SECONDS) } : {}),
    },
  })
}
