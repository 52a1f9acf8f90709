import { MESSAGES_MAX, TOOLS_MAX } from '../../routing/request.ts'
import type { Fields } from '../chat.ts'
import { isAbsent, isFields } from '../fields.ts'
import { checkKind, refuse, refuseAsTooLarge } from './refusal.ts'

/** 15 MiB, as base64 20 MiB: what the strictest provider reads in a whole request. */
export const IMAGE_BYTES_MAX = 15 * 1024 * 1024
export const MODEL_LENGTH_MAX = 256
export const OUTPUT_TOKENS_MAX = 10_000_000
/** Anthropic's bound; OpenAI's is 64. */
const TOOL_NAME = /^[\w.:-]{1,128}$/
/** Tools nest schemas as deep as this at most: what writes them goes by recursion. */
const DEPTH_MAX = 200

/** A name that goes into addresses and headers: no control character may. */
export const checkModel = (body: Fields): void => {
  const { model } = body
  if (typeof model !== 'string' || model === '' || model.length > MODEL_LENGTH_MAX)
    refuse('#/model', `must be a text of 1 to ${MODEL_LENGTH_MAX} characters`)
  if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u.test(model))
    refuse('#/model', 'must hold no control characters')
}

/** Each message with its place. */
export const checkMessages = (
  body: Fields,
  roles: ReadonlySet<unknown>,
  check: (message: Fields, at: string) => void,
): void => {
  const { messages } = body
  if (!Array.isArray(messages) || messages.length === 0)
    refuse('#/messages', 'must be an array of at least one message')
  if (messages.length > MESSAGES_MAX)
    refuse('#/messages', `at most ${MESSAGES_MAX} messages are read`)
  for (const [i, message] of messages.entries()) {
    const at = `#/messages/${i}`
    if (!isFields(message)) refuse(at, 'must be an object with role and content')
    if (!roles.has(message.role)) refuse(`${at}/role`, `must be one of ${[...roles].join(', ')}`)
    check(message, at)
  }
}

/** Each part of a content that is no plain text, with its place. */
export const checkParts = (
  content: unknown,
  at: string,
  check: (part: Fields, at: string) => void,
): void => {
  if (typeof content === 'string') return
  if (!Array.isArray(content)) refuse(at, 'must be a text or an array of parts')
  for (const [i, part] of content.entries()) {
    if (!isFields(part) || typeof part.type !== 'string')
      refuse(`${at}/${i}`, 'must be an object with a type')
    // What counts and translates parts goes by recursion.
    if (isDeeper(part.content, DEPTH_MAX)) refuse(`${at}/${i}`, 'is nested too deeply')
    check(part, `${at}/${i}`)
  }
}

/** What says that an address is an image itself is found in so much of it. */
const DATA_URL_HEAD_LENGTH = 200

/** Bytes that base64 stands for, told by its length. */
const decodedBytes = (base64Length: number): number => Math.floor((base64Length * 3) / 4)

const checkImageBytes = (base64Length: number, at: string): void => {
  if (decodedBytes(base64Length) > IMAGE_BYTES_MAX)
    refuseAsTooLarge(at, `an image is at most ${IMAGE_BYTES_MAX} bytes`, IMAGE_BYTES_MAX)
}

/** An address, or the image itself as `data:image/png;base64,…`. */
export const checkImageUrl = (url: unknown, at: string): void => {
  if (typeof url !== 'string') refuse(at, 'must be the address of an image')
  if (/^https?:\/\//i.test(url)) return
  if (!/^data:image\/[\w.+-]+;base64,/i.test(url.slice(0, DATA_URL_HEAD_LENGTH)))
    refuse(at, 'must be an http(s) address or data:image/…;base64,')
  checkImageBytes(url.length - url.indexOf(',') - 1, at)
}

export const checkBase64Image = (data: unknown, at: string): void => {
  if (typeof data !== 'string') refuse(at, 'must be base64')
  checkImageBytes(data.length, at)
}

export const checkTools = (
  tools: unknown,
  pointer: string,
  check: (tool: Fields, at: string) => void,
): void => {
  if (isAbsent(tools)) return
  if (!Array.isArray(tools)) refuse(pointer, 'must be an array')
  if (tools.length > TOOLS_MAX) refuse(pointer, `at most ${TOOLS_MAX} tools are read`)
  for (const [i, tool] of tools.entries()) {
    if (!isFields(tool)) refuse(`${pointer}/${i}`, 'must be an object')
    check(tool, `${pointer}/${i}`)
    if (isDeeper(tool, DEPTH_MAX)) refuse(`${pointer}/${i}`, 'is nested too deeply')
  }
}

export const checkToolName = (name: unknown, at: string): void => {
  if (typeof name !== 'string' || !TOOL_NAME.test(name))
    refuse(at, 'must be a name of letters, digits, _, -, . and :, at most 128')
}

const isDeeper = (value: unknown, depth: number): boolean => {
  if (typeof value !== 'object' || value === null) return false
  return depth === 0 || Object.values(value).some((inner) => isDeeper(inner, depth - 1))
}

/** A JSON schema is an object; what is in it is the provider's matter. */
export const checkSchema = (schema: unknown, at: string): void => {
  checkKind(schema, at, 'object')
  if (isDeeper(schema, DEPTH_MAX)) refuse(at, 'is nested too deeply')
}
