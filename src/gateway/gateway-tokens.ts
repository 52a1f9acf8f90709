import type { Fields } from './chat.ts'
import { isFields } from './fields.ts'

/** UTF-8 bytes for a token: English's four characters, two of Cyrillic, one and a third of Chinese. */
const BYTES_PER_TOKEN = 4
/** Of an image, in tokens. Source: Anthropic's documentation of vision, the largest that is not scaled. */
const TOKENS_PER_IMAGE = 1_600
/** What frames a message, in tokens. */
const TOKENS_PER_MESSAGE = 4

interface Counts {
  units: number
  images: number
}

const IMAGES = new Set(['image_url', 'image'])

const countParts = (parts: readonly unknown[], counts: Counts): void => {
  for (const part of parts) {
    if (!isFields(part)) continue
    if (typeof part.type === 'string' && IMAGES.has(part.type)) counts.images++
    else if (typeof part.text === 'string') counts.units += part.text.length
    else if (typeof part.content === 'string') counts.units += part.content.length
    else if (Array.isArray(part.content)) countParts(part.content, counts)
  }
}

const countContent = (content: unknown, counts: Counts): void => {
  if (typeof content === 'string') counts.units += content.length
  else if (Array.isArray(content)) countParts(content, counts)
}

/**
 * Tokens of a chat's prompt by the length of its texts, without looking at a single character: what is set
 * aside for a request whose model is named, and counted where its provider does not count.
 *
 * @param bytesPerUnit UTF-8 bytes of a UTF-16 unit in this body, 1 to 3
 */
export const estimateInputTokens = (body: Fields, bytesPerUnit: number): number => {
  const counts: Counts = { units: 0, images: 0 }
  const messages = Array.isArray(body.messages) ? body.messages : []
  countContent(body.system, counts)
  for (const message of messages) if (isFields(message)) countContent(message.content, counts)
  const tools = Array.isArray(body.tools) ? JSON.stringify(body.tools).length : 0
  return (
    Math.ceil(((counts.units + tools) * bytesPerUnit) / BYTES_PER_TOKEN) +
    counts.images * TOKENS_PER_IMAGE +
    messages.length * TOKENS_PER_MESSAGE
  )
}

/** The most that an answer may have, in tokens, all its choices together. @param most where it does not say */
export const outputTokensMaxOf = (body: Fields, most: number): number => {
  const { max_completion_tokens: completion, max_tokens: tokens, n } = body
  const named = completion ?? tokens
  const choices = typeof n === 'number' ? n : 1
  return (typeof named === 'number' ? named : most) * choices
}
