import { NeonDbError } from '@neondatabase/serverless'

/** What went wrong in the database: it is not there, or it refused the statement. */
export type DatabaseFault =
  | { readonly reason: 'unavailable'; readonly detail: string }
  | {
      readonly reason: 'sql'
      /** SQLSTATE, five characters. */
      readonly code: string
      readonly constraint: string | null
      readonly detail: string
    }

/** The database did not answer, or its answer broke off; whether the statement ran is unknown. */
export class DatabaseUnavailableError extends Error {
  override readonly name = 'DatabaseUnavailableError'
}

/**
 * SQLSTATE classes that mean "not now": connection exceptions, insufficient resources, operator
 * intervention (which includes a statement that ran out of time), and a server that lets nobody in: invalid
 * authorization and catalog name, as after a change of the password, or where another server has the address.
 * Source: PostgreSQL documentation, appendix A.
 */
const UNAVAILABLE = /^(?:08|28|3D|53|57)/

/** Longest chain of causes that is followed: drizzle wraps the driver, which wraps `fetch`. */
const CAUSES_MAX = 5

/**
 * Reads an error of the driver or of drizzle.
 *
 * @returns null when the error did not come from the database: a bug of ours, to be thrown on
 */
export const faultOf = (error: unknown): DatabaseFault | null => {
  let current = error
  for (let depth = 0; depth < CAUSES_MAX && current instanceof Error; depth++) {
    if (current instanceof DatabaseUnavailableError) {
      return { reason: 'unavailable', detail: current.message }
    }
    if (current instanceof NeonDbError) return driverFault(current)
    current = current.cause
  }
  return null
}

/** The database is dead, starting, or overloaded: callers answer 503 and may try again. */
export const isUnavailable = (error: unknown): boolean => faultOf(error)?.reason === 'unavailable'

/** The name of the constraint that a statement violated, or null for every other outcome. */
export const violatedConstraint = (error: unknown): string | null => {
  const fault = faultOf(error)
  return fault?.reason === 'sql' ? fault.constraint : null
}

/** SQLSTATE of a refused statement, or null for every other error. */
export const sqlState = (error: unknown): string | null => {
  const fault = faultOf(error)
  return fault?.reason === 'sql' ? fault.code : null
}

/** Data exceptions and integrity violations. Source: PostgreSQL documentation, appendix A. */
const REFUSAL_OF_DATA = /^2[23]/

/** PostgreSQL refused the statement for the values in it: sending the same again can never succeed. */
export const isRefusalOfData = (error: unknown): boolean =>
  REFUSAL_OF_DATA.test(sqlState(error) ?? '')

const driverFault = (error: NeonDbError): DatabaseFault => {
  // Without SQLSTATE the driver got no answer, or one that is not PostgreSQL's (502, 503).
  if (!error.code || UNAVAILABLE.test(error.code)) {
    return { reason: 'unavailable', detail: error.message }
  }
  return {
    reason: 'sql',
    code: error.code,
    constraint: error.constraint ?? null,
    detail: error.message,
  }
}
