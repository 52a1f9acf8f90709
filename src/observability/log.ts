const ERROR_LENGTH_MAX = 4_000

/** The text of an error and its causes, for the log; never for a response. */
export const describeError = (error: unknown): string =>
  error instanceof Error
    ? `${error.stack ?? error.message}${error.cause ? `\ncaused by ${describeError(error.cause)}` : ''}`
    : String(error)

/** One line of JSON on the worker's log. Messages carry ids, never keys or connection strings. */
export const logEvent = (
  component: string,
  level: 'warn' | 'error',
  message: string,
  error: unknown,
  fields: Readonly<Record<string, unknown>> = {},
): void =>
  console[level](
    JSON.stringify({
      level,
      component,
      message,
      ...fields,
      // A driver's message may quote its connection string.
      error: describeError(error)
        .replace(/\w+:\/\/[^\s@]+@/g, '…@')
        .slice(0, ERROR_LENGTH_MAX),
    }),
  )
