export type RouteBody =
  | { readonly ok: true; readonly body: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly fault: string }

/** A chat of one message. @param alpha null leaves it to the configuration */
export const bodyOfPrompt = (prompt: string, alpha: number | null): RouteBody => {
  if (prompt.trim() === '') return { ok: false, fault: 'Write a request first.' }
  const messages = [{ role: 'user', content: prompt }]
  return { ok: true, body: { model: 'auto', messages, ...(alpha === null ? {} : { alpha }) } }
}

/** A whole body as it was written; `alpha` takes the place of its own. */
export const bodyOfJson = (text: string, alpha: number | null): RouteBody => {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch (error) {
    return { ok: false, fault: `This is not JSON: ${error instanceof Error ? error.message : ''}` }
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    return { ok: false, fault: 'The body must be a JSON object with messages.' }
  return { ok: true, body: { ...body, ...(alpha === null ? {} : { alpha }) } }
}
