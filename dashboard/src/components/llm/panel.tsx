import type { ComponentChildren } from 'preact'
import type { ApiError } from '../../api.ts'
import type { Hours } from '../../llm/address.ts'
import type { Polled } from './use-polled.ts'

interface PanelProps<T> {
  polled: Polled<T>
  /** What could not be read, as `The requests`. */
  what: string
  children: (data: T) => ComponentChildren
}

/** An answer, its outline while it is on the way, or why there is none and a way to ask again. */
export const Panel = <T,>({ polled, what, children }: PanelProps<T>) => {
  const { data, error, isOld, refresh } = polled
  return (
    <>
      {error !== null && <ReadFailure error={error} what={what} onRetry={refresh} />}
      {data === null ? (
        error === null && <Loading />
      ) : (
        <div class={isOld ? 'is-old' : undefined} aria-busy={isOld}>
          {children(data)}
        </div>
      )}
    </>
  )
}

interface ReadFailureProps {
  error: ApiError
  what: string
  onRetry: () => void
}

const ReadFailure = ({ error, what, onRetry }: ReadFailureProps) => (
  <div class="llm-failure" role="alert" data-testid="read-failure">
    <p>
      <b>{what} could not be read.</b> {sentence(error.message)}
      {error.problem.status > 0 && <span class="muted"> ({error.problem.status})</span>}
    </p>
    <p class="muted">{adviceFor(error.problem.status)}</p>
    <button type="button" class="button" onClick={onRetry}>
      Try again
    </button>
  </div>
)

/** Details of problems are written as clauses. */
const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

const adviceFor = (status: number): string => {
  if (status === 0) return 'Check that the service runs and that this computer has a network.'
  if (status === 401 || status === 403) return 'Use a key that has the scope for it.'
  if (status === 429 || status === 503) return 'It may be there again in a moment.'
  return 'The log of the service has the details under the request id.'
}

export const Loading = () => (
  <div class="llm-loading" role="status" aria-label="Loading">
    <i />
    <i />
    <i />
    <i />
  </div>
)

interface RangeChoiceProps {
  choices: readonly Hours[]
  hours: number
  onHours: (hours: number) => void
}

export const RangeChoice = ({ choices, hours, onHours }: RangeChoiceProps) => (
  <fieldset class="segmented">
    <legend class="visually-hidden">Range</legend>
    {choices.map((choice) => (
      <button
        key={choice.hours}
        type="button"
        aria-pressed={choice.hours === hours}
        title={choice.title}
        data-testid={`range-${choice.label}`}
        onClick={() => onHours(choice.hours)}
      >
        {choice.label}
      </button>
    ))}
  </fieldset>
)

interface FigureProps {
  name: string
  value: string
  unit?: string
  note?: ComponentChildren
  testId?: string
}

export const Figure = ({ name, value, unit, note, testId }: FigureProps) => (
  <div data-testid={testId}>
    <h2>{name}</h2>
    <p class="figure">
      {value} {unit !== undefined && <small>{unit}</small>}
    </p>
    {note !== undefined && <p class="figure-note">{note}</p>}
  </div>
)

export const Bar = ({ ratio, tone }: { ratio: number; tone: string }) => (
  <div class="bar" aria-hidden="true">
    <i class={`is-${tone}`} style={{ transform: `scaleX(${Math.min(1, Math.max(0, ratio))})` }} />
  </div>
)
