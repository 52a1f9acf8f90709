import { Fragment } from 'preact'
import { count } from '../../format.ts'
import { milliseconds, share } from '../../llm/measures.ts'
import type { BreakerState, ModelHealth, Provider } from '../../llm/types.ts'

const BREAKER_TONES: Readonly<Record<BreakerState, string>> = {
  closed: 'healthy',
  'half-open': 'warning',
  open: 'critical',
}
const BREAKER_TITLES: Readonly<Record<BreakerState, string>> = {
  closed: 'It is asked',
  'half-open': 'It failed, and is tried with single requests',
  open: 'It failed too often, and is not asked for a while',
}

/** What the isolate that answered knows of its providers. */
export const ProviderTable = ({ providers }: { providers: readonly Provider[] }) => {
  if (providers.length === 0)
    return (
      <div class="llm-empty">
        <h2>No provider is configured</h2>
        <p>
          Set the key of one, as <code>OPENAI_API_KEY</code> or <code>ANTHROPIC_API_KEY</code>, or
          name your own servers in <code>PROVIDERS</code>, and start the service again.
        </p>
      </div>
    )
  return (
    <>
      <div class="table-scroll">
        <table class="llm-table provider-table" data-testid="providers">
          <caption class="visually-hidden">Providers and their models</caption>
          <thead>
            <tr>
              <th scope="col">Provider</th>
              <th scope="col" title="Whether it is asked at all">
                Breaker
              </th>
              <th scope="col" class="c-number" title="Requests under way, of how many at one time">
                In flight
              </th>
              <th scope="col" class="c-number" title="Recent requests that failed">
                Errors
              </th>
              <th
                scope="col"
                class="c-number"
                title="Mean and mean deviation, recent ones count more"
              >
                Latency
              </th>
              <th scope="col" class="c-number">
                Attempts
              </th>
              <th scope="col">Faults</th>
            </tr>
          </thead>
          <tbody>
            {providers.map((provider) => (
              <Fragment key={provider.id}>
                <ProviderRow provider={provider} />
                {provider.models.map((model) => (
                  <ModelRow key={model.model} model={model} />
                ))}
              </Fragment>
            ))}
          </tbody>
        </table>
      </div>
      <p class="llm-note">
        As the instance of the service knows them that answered this page, since it started.
      </p>
    </>
  )
}

const ProviderRow = ({ provider }: { provider: Provider }) => {
  const { id, kind, mock, keys, state, inFlight, limit, keysResting, refused } = provider
  return (
    <tr class="is-provider" data-testid={`provider-${id}`}>
      <th scope="row">
        {id}
        {mock && (
          <span class="mock-mark" title="Stands in for the provider: its answers are not a model's">
            mock
          </span>
        )}
        <small>
          {kind}, {keys === 1 ? '1 key' : `${keys} keys`}
          {keysResting > 0 && (
            <span class="is-warning-text" title="They met a limit of the provider">
              , {keysResting} resting
            </span>
          )}
        </small>
      </th>
      <td>
        <Breaker state={state} />
      </td>
      <td class="c-number">
        {count(inFlight)}
        {limit !== null && <span class="muted"> / {count(limit)}</span>}
        {refused > 0 && <small title="Over the limit">{count(refused)} refused</small>}
      </td>
      <td />
      <td />
      <td class="c-number">{count(provider.attempts)}</td>
      <td>
        <Faults faults={provider.faults} />
      </td>
    </tr>
  )
}

const ModelRow = ({ model }: { model: ModelHealth }) => (
  <tr class="is-model">
    <th scope="row">{model.model}</th>
    <td>
      <Breaker state={model.state} />
    </td>
    <td />
    <td class="c-number">{share(model.errorRatio)}</td>
    <td class="c-number">
      {milliseconds(model.latencyMeanMs)}
      {model.latencyDeviationMs !== null && (
        <span class="muted"> ± {milliseconds(model.latencyDeviationMs)}</span>
      )}
    </td>
    <td class="c-number">{count(model.measurements)}</td>
    <td />
  </tr>
)

const Breaker = ({ state }: { state: BreakerState }) => (
  <span class={`mark is-${BREAKER_TONES[state]}`} title={BREAKER_TITLES[state]}>
    {state}
  </span>
)

const Faults = ({ faults }: { faults: Readonly<Record<string, number>> }) => {
  const entries = Object.entries(faults).sort(([, a], [, b]) => b - a)
  if (entries.length === 0) return <span class="muted">none</span>
  return (
    <ul class="fault-counts">
      {entries.map(([reason, times]) => (
        <li key={reason}>
          <b>{count(times)}</b> {reason}
        </li>
      ))}
    </ul>
  )
}
