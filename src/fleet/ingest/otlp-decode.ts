import { err, ok, type Result } from '../../result.ts'
import { hasTooManyMembers } from '../ingest.ts'
import { readOtlpJson } from './otlp-json.ts'
import { malformed, type OtlpFault, OtlpFaultError, type OtlpVisitor } from './otlp-model.ts'
import { OtlpProtobuf } from './otlp-protobuf.ts'
import { ProtobufBudgetError, ProtobufError } from './protobuf-reader.ts'

export type OtlpEncoding = 'protobuf' | 'json'

/** Commas and opening brackets of a JSON request: parsed, each takes tens of bytes. */
const JSON_MEMBERS_MAX = 4_000_000

const faultOf = (error: unknown): OtlpFault => {
  if (error instanceof OtlpFaultError) return error.fault
  if (error instanceof ProtobufBudgetError) return { reason: 'too-large', detail: error.message }
  // RangeError: a read behind the last byte. Error itself: what pbf throws.
  const isMalformed =
    error instanceof ProtobufError ||
    error instanceof RangeError ||
    (error instanceof Error && error.constructor === Error)
  if (!isMalformed) throw error
  return { reason: 'malformed', detail: `the body is no OTLP message: ${error.message}` }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

const parse = (bytes: Uint8Array): unknown => {
  if (hasTooManyMembers(bytes, JSON_MEMBERS_MAX))
    throw new OtlpFaultError('too-large', `at most ${JSON_MEMBERS_MAX} members are read`)
  try {
    return JSON.parse(utf8.decode(bytes))
  } catch (error) {
    // TypeError: not UTF-8. SyntaxError: not JSON.
    throw malformed(
      error instanceof SyntaxError
        ? `the body is not JSON: ${error.message.slice(0, 200)}`
        : 'the body is not UTF-8',
    )
  }
}

/**
 * Shows an ExportMetricsServiceRequest to the visitor.
 *
 * @param bytes u8[n], decompressed
 * @returns a fault where the bytes are not the message; the visitor may then have seen a part of it
 */
export const decodeOtlp = (
  encoding: OtlpEncoding,
  bytes: Uint8Array,
  visitor: OtlpVisitor,
): Result<null, OtlpFault> => {
  try {
    if (encoding === 'json') readOtlpJson(parse(bytes), visitor)
    else new OtlpProtobuf(bytes, visitor).read()
    return ok(null)
  } catch (error) {
    return err(faultOf(error))
  }
}
