import type { QueryFailure } from '../../explore/query-api.ts'

interface FailureProps {
  failure: QueryFailure
  query: string
  /** Moves the cursor to a position; null where the text has changed since. */
  onShow: ((position: number) => void) | null
  onTable: () => void
}

/** Why there is no answer, where the fault stands, and what to do about it. */
export const Failure = ({ failure, query, onShow, onTable }: FailureProps) => {
  const { status, position } = failure
  const isRangeVector = failure.message.includes('"range vector"')
  return (
    <div class="failure" role="alert" data-testid="query-failure">
      <p>
        <b>{titleOf(status)}</b> {sentence(failure.message)}{' '}
        {position !== null && onShow !== null && (
          <button type="button" class="text-button" onClick={() => onShow(position.start)}>
            Go to the place
          </button>
        )}
      </p>
      {position !== null && onShow === null && (
        <Excerpt query={query} start={position.start} end={position.end} />
      )}
      {isRangeVector ? (
        <p class="muted">
          A range selector has samples and no line. Put it into a function such as{' '}
          <code>rate(…)</code>, or{' '}
          <button type="button" class="text-button" onClick={onTable}>
            open the table
          </button>
          .
        </p>
      ) : (
        adviceFor(failure) !== null && <p class="muted">{adviceFor(failure)}</p>
      )}
    </div>
  )
}

const CONTEXT = 48

/** The faulty part and what stands around it, where the editor has moved on and cannot mark it. */
const Excerpt = ({ query, start, end }: { query: string; start: number; end: number }) => {
  const before = query.slice(Math.max(0, start - CONTEXT), start)
  const after = query.slice(end, end + CONTEXT)
  const part = query.slice(start, end)
  return (
    <p class="excerpt">
      <code>
        {start > CONTEXT && '…'}
        {before}
        <mark>{part === '' ? '\u2038' : part.slice(0, 2 * CONTEXT)}</mark>
        {after}
        {end + CONTEXT < query.length && '…'}
      </code>
    </p>
  )
}

/** The parameter that carries the expression is the page's affair and not the reader's. */
const sentence = (message: string): string => {
  const text = message.replace(/^invalid parameter "query": /, '')
  const capital = text.charAt(0).toUpperCase() + text.slice(1)
  return /[.!?]$/.test(capital) ? capital : `${capital}.`
}

const titleOf = (status: number): string => {
  if (status === 0) return 'No answer.'
  if (status === 400) return 'This expression is not valid.'
  if (status === 422) return 'This expression cannot be answered.'
  if (status === 401 || status === 403) return 'The key does not allow this.'
  if (status === 429) return 'Too many queries.'
  return status === 503 ? 'The service is not ready.' : 'The query failed.'
}

const adviceFor = ({ status, message }: QueryFailure): string | null => {
  if (status === 0) return 'Check that the service runs and that this computer has a network.'
  if (status === 401 || status === 403) return 'Use a key that has the read scope.'
  if (status === 429 || status === 503) return 'Run it again in a moment.'
  if (status === 422 && /\b(series|samples|points)\b/.test(message) && /\d/.test(message))
    return 'Select fewer series with more labels, take a shorter range, or aggregate with sum by (…).'
  return status >= 500 ? 'The log of the service has the details under the request id.' : null
}
