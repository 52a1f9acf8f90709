import { PbfWriter } from 'pbf'
import type { ProtocolBody, ProtocolError } from '../../http/protocol-errors.ts'
import type { SeriesRefusal } from '../series/series-write.ts'
import type { OtlpEncoding } from './otlp-decode.ts'
import { NO_POSITION } from './otlp-metrics.ts'

export const OTLP_TYPES: Readonly<Record<OtlpEncoding, string>> = {
  protobuf: 'application/x-protobuf',
  json: 'application/json',
}

/** Codes of google.rpc.Code by HTTP status; 2 is UNKNOWN. */
const CODES: Readonly<Record<number, number>> = {
  400: 3,
  401: 16,
  403: 7,
  404: 5,
  405: 12,
  413: 8,
  415: 3,
  422: 3,
  429: 8,
  500: 13,
  503: 14,
}

const MESSAGE_LENGTH_MAX = 1_000

const bodyOf = (encoding: OtlpEncoding, body: ProtocolBody['body']): ProtocolBody => ({
  contentType: OTLP_TYPES[encoding],
  body,
})

/** google.rpc.Status in the encoding of the request. */
export const statusBody = (
  { status, message }: ProtocolError,
  encoding: OtlpEncoding,
): ProtocolBody => {
  const code = CODES[status] ?? 2
  const text = message.slice(0, MESSAGE_LENGTH_MAX)
  if (encoding === 'json') return bodyOf(encoding, JSON.stringify({ code, message: text }))
  const writer = new PbfWriter()
  writer.writeVarintField(1, code)
  writer.writeStringField(2, text)
  return bodyOf(encoding, new Uint8Array(writer.finish()))
}

export interface Rejection {
  /** Data points of which nothing, or not all, was stored. */
  readonly dataPoints: number
  /** Why, with the count of each reason; '' where nothing was refused. */
  readonly message: string
}

const REASONS_TOLD_MAX = 5

/**
 * Data points among refusals. The series of one histogram or summary stand at one position: their
 * data points are counted once, by the series that lost most.
 */
export const rejectionOf = (refused: readonly SeriesRefusal[]): Rejection => {
  const lost = new Map<number, number>()
  const reasons = new Map<string, { detail: string; positions: Set<number> }>()
  for (const { index, reason, detail, samples, histograms } of refused) {
    if (index !== NO_POSITION) lost.set(index, Math.max(lost.get(index) ?? 0, samples + histograms))
    const told = reasons.get(reason) ?? { detail, positions: new Set() }
    told.positions.add(index)
    reasons.set(reason, told)
  }
  const dataPoints = [...lost.values()].reduce((sum, count) => sum + count, 0)
  const told = [...reasons]
    .slice(0, REASONS_TOLD_MAX)
    .map(([reason, { detail, positions }]) => `${reason} (${positions.size}): ${detail}`)
  const more = reasons.size > REASONS_TOLD_MAX ? '; and others' : ''
  return { dataPoints, message: told.join('; ') + more }
}

const writePartialSuccess = ({ dataPoints, message }: Rejection, writer: PbfWriter): void => {
  if (dataPoints !== 0) writer.writeVarintField(1, dataPoints)
  writer.writeStringField(2, message)
}

/** ExportMetricsServiceResponse: empty where everything was stored, else with its partial success. */
export const exportResponse = (rejection: Rejection, encoding: OtlpEncoding): ProtocolBody => {
  const short = { ...rejection, message: rejection.message.slice(0, MESSAGE_LENGTH_MAX) }
  const isWhole = short.dataPoints === 0 && short.message === ''
  if (encoding === 'json')
    return bodyOf(
      encoding,
      JSON.stringify(
        isWhole
          ? {}
          : {
              partialSuccess: {
                // proto3 JSON writes 64-bit integers as strings.
                rejectedDataPoints: String(short.dataPoints),
                errorMessage: short.message,
              },
            },
      ),
    )
  const writer = new PbfWriter()
  if (!isWhole) writer.writeMessage(1, writePartialSuccess, short)
  return bodyOf(encoding, new Uint8Array(writer.finish()))
}
