import { err, ok, type Result } from '../../result.ts'
import type { UpstreamFault } from '../faults.ts'
import { countOf, writeJson } from '../fields.ts'
import { safeDetail } from '../upstream-errors.ts'
import { TOO_DEEP } from './request-fault.ts'
import type { Credential, UpstreamRequest } from './types.ts'

/** A count of tokens; 0 for what is none. */
export const tokensOf = (value: unknown): number => countOf(value) ?? 0

const utf8 = new TextDecoder('utf-8', { fatal: false, ignoreBOM: false })

/** A body's JSON, of any kind; undefined where it is none. */
export const jsonOf = (body: Uint8Array | string): unknown => {
  try {
    return JSON.parse(typeof body === 'string' ? body : utf8.decode(body))
  } catch {
    // SyntaxError: what a proxy in between answers, often HTML.
    return undefined
  }
}

/** @param detail ours, without anything of the upstream's */
export const malformed = (detail: string): UpstreamFault => ({ reason: 'malformed', detail })

export const refused = (
  detail: string | null,
  { status = 400, code = null as string | null, param = null as string | null } = {},
): UpstreamFault => ({
  reason: 'request',
  status,
  detail: safeDetail(detail ?? '') || 'the provider refuses the request',
  type: 'invalid_request_error',
  code,
  param,
})

/** How a request proves itself, as headers. */
export const credentialHeaders = ({ scheme, secret }: Credential): Record<string, string> => {
  switch (scheme) {
    case 'bearer':
      return { authorization: `Bearer ${secret}` }
    case 'x-api-key':
    case 'x-goog-api-key':
      return { [scheme]: secret }
    case 'none':
      return {}
  }
}

export const postJson = (
  url: string,
  credential: Credential,
  value: unknown,
): Result<UpstreamRequest, UpstreamFault> => {
  const body = writeJson(value)
  if (body === null) return err(TOO_DEEP)
  const headers = { 'content-type': 'application/json', ...credentialHeaders(credential) }
  return ok({ url, headers, body })
}

const MODEL = /^[A-Za-z0-9@_][A-Za-z0-9@._:/-]{0,255}$/

/** A model's name as part of a path; refused where it would lead out of it. */
export const modelPath = (model: string): Result<string, UpstreamFault> =>
  MODEL.test(model) && model.split('/').every((part) => part !== '' && !/^\.+$/.test(part))
    ? ok(model)
    : err(refused('the name of the model is not one of this provider', { param: 'model' }))
