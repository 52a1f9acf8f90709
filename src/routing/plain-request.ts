import type { RoutingRequest } from './types.ts'

const utf8 = new TextEncoder()

/** A text as the only message of a conversation, from its user; `more` says otherwise. @param text a string, or UTF-8 */
export const plainRequest = (
  text: string | Uint8Array,
  more: Partial<RoutingRequest> = {},
): RoutingRequest => {
  const bytes = typeof text === 'string' ? utf8.encode(text) : text
  return {
    text: bytes,
    lastUserText: bytes,
    systemBytes: 0,
    turns: 1,
    messages: 1,
    tools: 0,
    images: 0,
    responseFormat: 'text',
    maxOutputTokens: null,
    requestedModel: null,
    alpha: null,
    conversationKey: null,
    ...more,
  }
}
