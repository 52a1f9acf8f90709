import type { ProtocolBody, ProtocolError } from '../../http/protocol-errors.ts'
import type { SeriesRefusal } from '../series/series-write.ts'

/** Codes of InfluxDB 2 by HTTP status. */
const CODES: Readonly<Record<number, string>> = {
  400: 'invalid',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not found',
  405: 'method not allowed',
  413: 'request too large',
  415: 'invalid',
  422: 'unprocessable entity',
  429: 'too many requests',
  503: 'unavailable',
}

/** Refusals told one by one; the message counts all. */
const REFUSALS_LISTED_MAX = 100

const json = (value: object): ProtocolBody => ({
  contentType: 'application/json; charset=utf-8',
  body: JSON.stringify(value),
})

/** An error as InfluxDB's clients read it. */
export const influxError = ({ status, message }: ProtocolError): ProtocolBody =>
  json({ code: CODES[status] ?? 'internal error', message })

/**
 * What was refused while the rest was stored: `line` is the first such line, from 1, as InfluxDB has it;
 * `errors` lists more of them.
 */
export const partialWrite = (refused: readonly SeriesRefusal[]): ProtocolBody => {
  const byLine = [...refused].sort((a, b) => a.index - b.index)
  const first = byLine[0]
  const samples = refused.reduce((sum, refusal) => sum + refusal.samples, 0)
  return json({
    code: 'invalid',
    message: `partial write: ${samples} samples were refused, the others are stored; line ${(first?.index ?? 0) + 1}: ${first?.reason}: ${first?.detail}`,
    line: (first?.index ?? 0) + 1,
    errors: byLine
      .slice(0, REFUSALS_LISTED_MAX)
      .map(({ index, reason, detail }) => ({ line: index + 1, reason, message: detail })),
  })
}
