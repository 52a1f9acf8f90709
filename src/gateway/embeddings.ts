import { invalid, type RoutingFault } from '../routing/faults.ts'
import type { Fields } from './chat.ts'
import type { EmbeddingsAnswer } from './providers/types.ts'

/** Inputs of one request; OpenAI's bound. */
export const INPUTS_MAX = 2_048
const DIMENSIONS_MAX = 65_536
const MODEL_LENGTH_MAX = 256
const BYTES_PER_TOKEN = 4
const FLOAT_BYTES = 4

const isTokens = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every((token) => Number.isInteger(token) && token >= 0)

const isInput = (value: unknown): boolean =>
  typeof value === 'string' ? value !== '' : isTokens(value) && value.length > 0

/** The whole body of a request for embeddings; fields that are not named here pass. */
export const checkEmbeddings = (body: Fields): RoutingFault | null => {
  const { model, input, encoding_format: format, dimensions } = body
  if (typeof model !== 'string' || model === '' || model.length > MODEL_LENGTH_MAX)
    return invalid('#/model', `must be a text of 1 to ${MODEL_LENGTH_MAX} characters`)
  if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u.test(model))
    return invalid('#/model', 'must hold no control characters')
  const inputs = Array.isArray(input) && !isTokens(input) ? input : [input]
  if (inputs.length === 0 || (Array.isArray(input) && input.length === 0))
    return invalid('#/input', 'must hold at least one text')
  if (inputs.length > INPUTS_MAX) return invalid('#/input', `at most ${INPUTS_MAX} texts are read`)
  const wrong = inputs.findIndex((one) => !isInput(one))
  if (wrong >= 0)
    return invalid(
      Array.isArray(input) ? `#/input/${wrong}` : '#/input',
      'must be a text, or an array of tokens, that is not empty',
    )
  if (format !== undefined && format !== null && format !== 'float' && format !== 'base64')
    return invalid('#/encoding_format', 'must be float or base64')
  if (dimensions !== undefined && dimensions !== null) {
    const isWhole = Number.isInteger(dimensions)
    if (!isWhole || (dimensions as number) < 1 || (dimensions as number) > DIMENSIONS_MAX)
      return invalid('#/dimensions', `must be a whole number from 1 to ${DIMENSIONS_MAX}`)
  }
  return null
}

/** Tokens of a checked body. @param bytesPerUnit UTF-8 bytes of a UTF-16 unit, 1 to 3 */
export const estimateEmbeddingsTokens = ({ input }: Fields, bytesPerUnit: number): number => {
  const inputs: readonly unknown[] = Array.isArray(input) && !isTokens(input) ? input : [input]
  let tokens = 0
  for (const one of inputs)
    tokens +=
      typeof one === 'string'
        ? Math.ceil((one.length * bytesPerUnit) / BYTES_PER_TOKEN)
        : (one as readonly number[]).length
  return tokens
}

/** f32, little-endian, as OpenAI's clients decode it. */
const toBase64 = (vector: readonly number[]): string => {
  const view = new DataView(new ArrayBuffer(vector.length * FLOAT_BYTES))
  for (const [i, value] of vector.entries()) view.setFloat32(i * FLOAT_BYTES, value, true)
  const bytes = new Uint8Array(view.buffer)
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary)
}

const toFloats = (base64: string): number[] => {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  const view = new DataView(bytes.buffer)
  return Array.from({ length: bytes.length / FLOAT_BYTES }, (_, i) =>
    view.getFloat32(i * FLOAT_BYTES, true),
  )
}

/** A vector in the form that the client asked for, whichever the provider gave. */
const encoded = (vector: readonly number[] | string, isBase64: boolean) => {
  if (typeof vector === 'string') return isBase64 ? vector : toFloats(vector)
  return isBase64 ? toBase64(vector) : vector
}

/** The answer as OpenAI's clients read it. @param inputTokens for where the provider told none */
export const embeddingsAnswer = (
  { vectors, model, usage }: EmbeddingsAnswer,
  { encoding_format: format }: Fields,
  inputTokens: number,
): Fields => {
  const tokens = usage?.inputTokens ?? inputTokens
  return {
    object: 'list',
    data: vectors.map((vector, index) => ({
      object: 'embedding',
      index,
      embedding: encoded(vector, format === 'base64'),
    })),
    model,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  }
}
