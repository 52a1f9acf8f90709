import { vectorOf } from './answer.ts'
import { type Fields, fieldsOf, listOf } from './dialects/types.ts'

/** Of the vectors, where the request names none. */
const DIMENSIONS = 64
const DIMENSIONS_MAX = 4_096
const BYTES_PER_TOKEN = 4

export interface MockEmbeddings {
  readonly body: Fields
  readonly inputTokens: number
}

const textsOf = (input: unknown): string[] => {
  if (typeof input === 'string') return [input]
  if (!Array.isArray(input)) return []
  // One list of token numbers is one input.
  if (typeof input[0] === 'number') return [input.join(' ')]
  return input.map((one) => (typeof one === 'string' ? one : JSON.stringify(one)))
}

const tokensOf = (texts: readonly string[]): number =>
  texts.reduce(
    (sum, text) => sum + Math.max(1, Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN)),
    0,
  )

const dimensionsOf = (value: unknown): number =>
  typeof value === 'number' && value >= 1 ? Math.min(DIMENSIONS_MAX, Math.floor(value)) : DIMENSIONS

/** OpenAI's. */
export const openAiEmbeddings = (body: Fields, model: string): MockEmbeddings => {
  const texts = textsOf(body.input)
  const inputTokens = tokensOf(texts)
  const data = texts.map((text, index) => {
    const vector = vectorOf(text, dimensionsOf(body.dimensions))
    const embedding =
      body.encoding_format === 'base64'
        ? Buffer.from(new Float32Array(vector).buffer).toString('base64')
        : vector
    return { object: 'embedding', index, embedding }
  })
  const usage = { prompt_tokens: inputTokens, total_tokens: inputTokens }
  return { body: { object: 'list', model, data, usage }, inputTokens }
}

/** Gemini's, one or a batch. */
export const geminiEmbeddings = (body: Fields): MockEmbeddings => {
  const requests = Array.isArray(body.requests) ? listOf(body.requests) : [body]
  const texts = requests.map((request) =>
    listOf(fieldsOf(request.content).parts)
      .map(({ text }) => String(text ?? ''))
      .join(''),
  )
  const embeddings = texts.map((text, index) => ({
    values: vectorOf(text, dimensionsOf(requests[index]?.outputDimensionality)),
  }))
  return {
    body: Array.isArray(body.requests) ? { embeddings } : { embedding: embeddings[0] },
    inputTokens: tokensOf(texts),
  }
}

/** Those of Workers AI, which tells no tokens. */
export const workersAiEmbeddings = (body: Fields): MockEmbeddings => {
  const texts = textsOf(body.text)
  const data = texts.map((text) => vectorOf(text, DIMENSIONS))
  return {
    body: {
      result: { shape: [data.length, DIMENSIONS], data },
      success: true,
      errors: [],
      messages: [],
    },
    inputTokens: tokensOf(texts),
  }
}
