/**
 * Problem details for HTTP APIs (RFC 9457). Each slug has one fixed title, and a section in docs/api.md.
 */
export const PROBLEM_TITLES = {
  'about:blank': '',
  'bad-request': 'The request is malformed',
  'body-too-large': 'The request body is too large',
  'cursor-invalid': 'The cursor does not belong to this query',
  'dependency-unavailable': 'A dependency is unavailable',
  forbidden: 'The key lacks a scope',
  'hub-full': 'The hub has no room for another connection',
  'illegal-transition': 'The state does not allow this change',
  'internal-error': 'The service failed',
  'journal-full': 'The journal is at its bound',
  'media-type-unsupported': 'The content type is not supported',
  'method-not-allowed': 'The method is not allowed here',
  'name-taken': 'The name is taken',
  'not-found': 'Not found',
  'policy-violation': 'The connection broke a limit',
  'samples-refused': 'No sample was accepted',
  unauthorized: 'A valid key is required',
  'upgrade-required': 'This address speaks WebSocket',
  'validation-failed': 'The request does not fit the schema',
  'vm-name-taken': 'The name is taken by another VM',
} as const

export type ProblemSlug = keyof typeof PROBLEM_TITLES

/** One faulty field: a JSON pointer in URI fragment form (RFC 6901 §6) and what is wrong there. */
export interface FieldFault {
  readonly pointer: string
  readonly detail: string
}

export interface Problem {
  readonly slug: ProblemSlug
  readonly status: number
  readonly detail?: string
  readonly errors?: readonly FieldFault[]
  readonly retryAfterSeconds?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly extensions?: Readonly<Record<string, unknown>>
}

type Details = Omit<Problem, 'slug' | 'status' | 'detail'>

export const problem = (
  status: number,
  slug: ProblemSlug,
  detail?: string,
  more: Details = {},
): Problem => ({ slug, status, ...(detail === undefined ? {} : { detail }), ...more })

/** Carries a problem out of a handler; `app.onError` turns it into the response. */
export class ProblemError extends Error {
  readonly problem: Problem
  constructor(value: Problem) {
    super(value.detail ?? PROBLEM_TITLES[value.slug])
    this.problem = value
  }
}

/** The members of the problem object on the wire; also the body of a WebSocket problem frame. */
export const problemBody = (p: Problem, instance?: string): Record<string, unknown> => ({
  ...p.extensions,
  type: p.slug === 'about:blank' ? 'about:blank' : `/problems/${p.slug}`,
  title: PROBLEM_TITLES[p.slug],
  status: p.status,
  ...(p.detail === undefined ? {} : { detail: p.detail }),
  ...(instance === undefined ? {} : { instance }),
  ...(p.errors === undefined ? {} : { errors: p.errors }),
})

export const problemResponse = (p: Problem, instance?: string): Response =>
  new Response(JSON.stringify(problemBody(p, instance)), {
    status: p.status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...(p.retryAfterSeconds === undefined ? {} : { 'retry-after': String(p.retryAfterSeconds) }),
      ...p.headers,
    },
  })
