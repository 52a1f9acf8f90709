import { ago, count, NOTHING } from '../../format.ts'
import { milliseconds, tokens } from '../../llm/measures.ts'
import { usd } from '../../llm/money.ts'
import type { LlmRequest, Outcome } from '../../llm/types.ts'
import { useNow } from '../hooks.ts'

const OUTCOME_TONES: Readonly<Record<Outcome, string>> = {
  ok: 'healthy',
  decided: 'silent',
  cancelled: 'silent',
  interrupted: 'warning',
  error: 'critical',
}
const OUTCOME_TITLES: Readonly<Record<Outcome, string>> = {
  ok: 'Answered to its end',
  decided: 'Only the decision was asked for; its cost is not spent',
  cancelled: 'The client left',
  interrupted: 'The provider broke off in the middle of the answer',
  error: 'No provider answered',
}

interface RequestTableProps {
  requests: readonly LlmRequest[]
  nameOfKey: (id: string) => string
  onModel: (model: string) => void
}

export const RequestTable = ({ requests, nameOfKey, onModel }: RequestTableProps) => {
  const nowMs = useNow(5_000)
  return (
    <div class="table-scroll">
      <table class="llm-table requests-table" data-testid="requests">
        <caption class="visually-hidden">Requests, the newest first</caption>
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">Model</th>
            <th scope="col">Bucket</th>
            <th scope="col" class="c-number">
              Tokens in → out
            </th>
            <th scope="col" class="c-number">
              Cost
            </th>
            <th
              scope="col"
              class="c-number"
              title="To the end of the answer; below it to its first token"
            >
              Latency
            </th>
            <th scope="col">Outcome</th>
            <th scope="col" class="c-key">
              Key
            </th>
          </tr>
        </thead>
        <tbody>
          {requests.map((request) => (
            <RequestRow
              key={request.id}
              request={request}
              nowMs={nowMs}
              keyName={request.keyId === null ? 'own credential' : nameOfKey(request.keyId)}
              onModel={onModel}
            />
          ))}
        </tbody>
      </table>
    </div>
  )
}

interface RequestRowProps {
  request: LlmRequest
  nowMs: number
  keyName: string
  onModel: (model: string) => void
}

const RequestRow = ({ request, nowMs, keyName, onModel }: RequestRowProps) => {
  const { atMs, provider, model, requestedModel, bucket, outcome } = request
  const served = provider === '' ? null : `${provider}/${model}`
  const asked = requestedModel === served ? null : requestedModel
  return (
    <tr data-testid="request-row" data-outcome={outcome}>
      <td class="c-when">
        <time
          dateTime={new Date(atMs).toISOString()}
          title={new Date(atMs).toLocaleString('en-GB')}
        >
          {ago(nowMs - atMs)}
        </time>
      </td>
      <td class="c-model">
        {served === null ? (
          NOTHING
        ) : (
          <button
            type="button"
            class="text-button"
            title="Show the requests of this model"
            onClick={() => onModel(served)}
          >
            {served}
          </button>
        )}
        {asked !== null && <small>asked for {asked}</small>}
        <small class="in-their-place">
          {bucket === null ? '' : `${bucket}, `}
          {tokens(request.inputTokens)} → {tokens(request.outputTokens)} tokens
        </small>
      </td>
      <td class="c-bucket">
        {bucket ?? (
          <span class="muted" title="No decision was needed: the model was named">
            {NOTHING}
          </span>
        )}
        {request.isCanary && <small>canary</small>}
      </td>
      <td class="c-number c-tokens">
        {tokens(request.inputTokens)} → {tokens(request.outputTokens)}
        <TokenNotes request={request} />
      </td>
      <td
        class={`c-number c-cost${outcome === 'decided' ? ' muted' : ''}`}
        title={outcome === 'decided' ? 'Expected, not spent' : undefined}
      >
        {usd(request.costUsd)}
      </td>
      <td class="c-number c-latency">
        {milliseconds(request.latencyMs)}
        {request.timeToFirstTokenMs !== null && (
          <small>first {milliseconds(request.timeToFirstTokenMs)}</small>
        )}
      </td>
      <td class="c-outcome">
        <span class={`mark is-${OUTCOME_TONES[outcome]}`} title={OUTCOME_TITLES[outcome]}>
          {outcome}
        </span>
        <OutcomeNotes request={request} />
      </td>
      <td class="c-key muted">{keyName}</td>
    </tr>
  )
}

const TokenNotes = ({ request }: { request: LlmRequest }) => {
  const notes = [
    ...(request.cachedInputTokens > 0 ? [`${count(request.cachedInputTokens)} cached`] : []),
    ...(request.reasoningTokens > 0 ? [`${count(request.reasoningTokens)} reasoning`] : []),
    ...(request.usageSource === 'estimated' && request.kind !== 'route' ? ['estimated'] : []),
  ]
  return notes.length === 0 ? null : <small>{notes.join(', ')}</small>
}

/** What was unusual on the way to the outcome. */
const OutcomeNotes = ({ request: { fault, attempts, cache } }: { request: LlmRequest }) => {
  const notes = [
    ...(fault === null ? [] : [fault]),
    ...(attempts > 1 ? [`${attempts} attempts`] : []),
    ...(cache === 'none' ? [] : [`${cache} cache`]),
  ]
  return notes.length === 0 ? null : <small>{notes.join(', ')}</small>
}
