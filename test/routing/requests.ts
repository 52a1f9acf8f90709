import type { RoutingRequest } from '../../src/routing/types.ts'

const encoder = new TextEncoder()

/** A request of one user message; `more` says otherwise. */
export const requestFor = (
  text: string | Uint8Array,
  more: Partial<RoutingRequest> = {},
): RoutingRequest => {
  const bytes = typeof text === 'string' ? encoder.encode(text) : text
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
