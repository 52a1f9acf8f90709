import type { MockAnswer, MockRequest } from '../answer.ts'
import type { Behaviour } from '../behaviour.ts'

/** A parsed JSON object. */
export type Fields = Readonly<Record<string, unknown>>

/** One event of a stream. */
export interface Part {
  readonly event: string | null
  readonly data: string
  /** `token`: content; `end`: without it the stream was interrupted. */
  readonly kind: 'frame' | 'token' | 'end'
  /** Whether the tokens of the whole answer are known with it. */
  readonly tells: boolean
}

/** How a provider's requests and answers look. */
export interface MockDialect {
  read(body: Fields, model: string, isStream: boolean): MockRequest
  whole(answer: MockAnswer, behaviour: Behaviour): Fields
  parts(answer: MockAnswer, behaviour: Behaviour): Part[]
  error(status: number, message: string): Fields
  /** An error inside a stream. */
  errorPart(message: string): Pick<Part, 'event' | 'data'>
}

export const frame = (data: unknown, event: string | null = null): Part => ({
  event,
  data: JSON.stringify(data),
  kind: 'frame',
  tells: false,
})

export const token = (data: unknown, event: string | null = null): Part => ({
  ...frame(data, event),
  kind: 'token',
})

export const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}

export const listOf = (value: unknown): readonly Fields[] =>
  Array.isArray(value) ? value.map(fieldsOf) : []

export const numberOf = (value: unknown): number | null =>
  typeof value === 'number' ? value : null

/** Texts and pictures of a message's content, in the shapes that the dialects have. */
export const contentOf = (content: unknown): { textBytes: number; images: number } => {
  if (typeof content === 'string') return { textBytes: Buffer.byteLength(content), images: 0 }
  let textBytes = 0
  let images = 0
  for (const part of listOf(content)) {
    if (typeof part.text === 'string') textBytes += Buffer.byteLength(part.text)
    else if ('image_url' in part || 'inlineData' in part || part.type === 'image') images++
    else if ('content' in part) textBytes += contentOf(part.content).textBytes
  }
  return { textBytes, images }
}

export const stopsOf = (value: unknown): string[] =>
  (Array.isArray(value) ? value : [value]).filter(
    (stop): stop is string => typeof stop === 'string' && stop !== '',
  )
