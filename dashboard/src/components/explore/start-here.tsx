import { useEffect, useState } from 'preact/hooks'
import { type QueryApi, QueryFailure } from '../../explore/query-api.ts'
import { routeTo } from '../../route.ts'

const NAMES_MAX = 40

interface StartHereProps {
  api: QueryApi
  onChoose: (query: string) => void
}

/** Names to begin with, while nothing has been asked. */
export const StartHere = ({ api, onChoose }: StartHereProps) => {
  const [names, setNames] = useState<readonly string[] | null>(null)
  const [fault, setFault] = useState<string | null>(null)

  useEffect(() => {
    const controller = new AbortController()
    const path = `/api/v1/label/__name__/values?limit=${NAMES_MAX}`
    api.read<string[]>(path, controller.signal).then(setNames, (error) => {
      if (error instanceof QueryFailure) setFault(error.message)
    })
    return () => controller.abort()
  }, [api])

  if (fault !== null)
    return (
      <p class="fault" role="alert">
        The names of the metrics could not be read: {fault}
      </p>
    )
  if (names === null) return null
  if (names.length === 0)
    return (
      <div class="nothing" data-testid="no-metrics">
        <p>No metrics yet.</p>
        <p>
          <a href={routeTo({ page: 'connect', search: '' })}>Connect a source</a>, and its names
          appear here and in the completion.
        </p>
      </div>
    )
  return (
    <section class="start-here" aria-labelledby="start-here-title">
      <h2 id="start-here-title">Begin with a metric, or type an expression</h2>
      <ul>
        {names.map((name) => (
          <li key={name}>
            <button type="button" class="name-button" onClick={() => onChoose(name)}>
              {name}
            </button>
          </li>
        ))}
      </ul>
      {names.length === NAMES_MAX && <p class="muted">The completion has the rest.</p>}
    </section>
  )
}
