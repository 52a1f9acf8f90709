import { decodeText, readBody, requireMediaType } from '../../http/body.ts'

/** Bytes of a form. */
export const FORM_BYTES_MAX = 1024 * 1024

/** The parameters of a request: those of a form in front of those of the address. */
export interface RequestParameters {
  /** The first of a name. */
  one(name: string): string | undefined
  all(name: string): string[]
}

const parametersOf = (parts: readonly URLSearchParams[]): RequestParameters => {
  const all = (name: string) => parts.flatMap((part) => part.getAll(name))
  return { all, one: (name) => all(name)[0] }
}

/**
 * Reads a GET's query, or a POST's form and query.
 *
 * Throws ProblemError 413 or 415, and 400 where the form is not UTF-8.
 */
export const readParameters = async (request: Request): Promise<RequestParameters> => {
  const query = new URL(request.url).searchParams
  if (request.method !== 'POST') return parametersOf([query])
  requireMediaType(request, ['application/x-www-form-urlencoded'])
  const form = decodeText(await readBody(request, FORM_BYTES_MAX))
  return parametersOf([new URLSearchParams(form), query])
}
