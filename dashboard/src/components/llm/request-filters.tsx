import { useEffect, useState } from 'preact/hooks'
import type { RequestFilter } from '../../llm/address.ts'
import { type Key, OUTCOMES, type Outcome } from '../../llm/types.ts'

interface RequestFiltersProps {
  filter: RequestFilter
  keys: readonly Key[]
  nameOfKey: (id: string) => string
  isLive: boolean
  onFilter: (change: Partial<RequestFilter>) => void
  onLive: (isLive: boolean) => void
}

export const RequestFilters = (props: RequestFiltersProps) => {
  const { filter, keys, nameOfKey, isLive, onFilter, onLive } = props
  const [model, setModel] = useState(filter.model ?? '')
  useEffect(() => setModel(filter.model ?? ''), [filter.model])
  const submit = (event: Event) => {
    event.preventDefault()
    onFilter({ model: model.trim() || null })
  }
  const ids = keys.map(({ id }) => id)
  // A key that is gone may still stand in an address.
  const choices = filter.key === null || ids.includes(filter.key) ? ids : [...ids, filter.key]
  const isFiltered = filter.model !== null || filter.key !== null || filter.outcome !== null
  return (
    <search>
      <form class="filters" onSubmit={submit}>
        <input
          type="search"
          data-testid="filter-model"
          aria-label="Filter by model, as provider/model or model"
          placeholder="Model, then Enter"
          value={model}
          onInput={(event) => setModel(event.currentTarget.value)}
          onChange={submit}
        />
        <select
          data-testid="filter-outcome"
          aria-label="Filter by outcome"
          value={filter.outcome ?? ''}
          onChange={(event) =>
            onFilter({ outcome: (event.currentTarget.value || null) as Outcome | null })
          }
        >
          <option value="">Any outcome</option>
          {OUTCOMES.map((outcome) => (
            <option key={outcome} value={outcome}>
              {outcome}
            </option>
          ))}
        </select>
        {choices.length > 0 && (
          <select
            data-testid="filter-key"
            aria-label="Filter by key"
            value={filter.key ?? ''}
            onChange={(event) => onFilter({ key: event.currentTarget.value || null })}
          >
            <option value="">Any key</option>
            {choices.map((id) => (
              <option key={id} value={id}>
                {nameOfKey(id)}
              </option>
            ))}
          </select>
        )}
        {isFiltered && (
          <button
            type="button"
            class="text-button"
            onClick={() => onFilter({ model: null, key: null, outcome: null })}
          >
            Clear
          </button>
        )}
        <button
          type="button"
          class="button llm-live"
          aria-pressed={isLive}
          data-testid="live"
          title={isLive ? 'New requests appear by themselves' : 'The list stands still'}
          onClick={() => onLive(!isLive)}
        >
          <i class="connection-dot" aria-hidden="true" />
          Live
        </button>
      </form>
    </search>
  )
}
