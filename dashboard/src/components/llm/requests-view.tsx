import { useEffect, useRef, useState } from 'preact/hooks'
import { ApiError } from '../../api.ts'
import type { RequestFilter } from '../../llm/address.ts'
import type { LlmApi } from '../../llm/llm-api.ts'
import { type RequestList, withNewest, withOlder } from '../../llm/request-list.ts'
import type { Key } from '../../llm/types.ts'
import { FirstRequest } from './first-request.tsx'
import { Panel } from './panel.tsx'
import { RequestFilters } from './request-filters.tsx'
import { RequestTable } from './request-table.tsx'
import { usePolled } from './use-polled.ts'

interface RequestsViewProps {
  api: LlmApi
  apiKey: string
  filter: RequestFilter
  keys: readonly Key[]
  nameOfKey: (id: string) => string
  pollMs: number
  onFilter: (change: Partial<RequestFilter>) => void
}

/** The newest requests, as they come, and the older ones on demand. */
export const RequestsView = (props: RequestsViewProps) => {
  const { api, apiKey, filter, keys, nameOfKey, pollMs, onFilter } = props
  const { model, key, outcome } = filter
  const question = JSON.stringify([model, key, outcome])
  const [isLive, setLive] = useState(true)
  const held = useRef<{ question: string; list: RequestList } | null>(null)
  const polled = usePolled(
    question,
    async (signal) => {
      const page = await api.requests(filter, null, signal)
      const before = held.current?.question === question ? held.current.list : null
      const list = withNewest(before, page)
      held.current = { question, list }
      return list
    },
    isLive ? pollMs : null,
  )
  const [older, setOlder] = useState<RequestList | null>(null)
  const [olderFault, setOlderFault] = useState<string | null>(null)
  // What was read further back is part of what the next poll begins with.
  useEffect(() => setOlder(null), [polled.data])
  useEffect(() => setOlderFault(null), [question])

  const readOlder = async (list: RequestList) => {
    if (list.nextCursor === null) return
    setOlderFault(null)
    try {
      const page = await api.requests(filter, list.nextCursor)
      // A poll, or another question, may have come in between.
      if (held.current?.question !== question) return
      const next = withOlder({ ...held.current.list, nextCursor: list.nextCursor }, page)
      held.current = { question, list: next }
      setOlder(next)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      setOlderFault(error.message)
    }
  }

  const isFiltered = model !== null || key !== null || outcome !== null
  return (
    <>
      <RequestFilters
        filter={{ model, key, outcome }}
        keys={keys}
        nameOfKey={nameOfKey}
        isLive={isLive}
        onFilter={onFilter}
        onLive={setLive}
      />
      <Panel polled={polled} what="The requests">
        {(newest) => {
          const list = older ?? newest
          if (list.requests.length === 0)
            return isFiltered ? (
              <NoMatch onClear={() => onFilter({ model: null, key: null, outcome: null })} />
            ) : (
              <FirstRequest apiKey={apiKey} title="No requests yet" />
            )
          return (
            <>
              <RequestTable
                requests={list.requests}
                nameOfKey={nameOfKey}
                onModel={(model) => onFilter({ model })}
              />
              {olderFault !== null && (
                <p class="fault" role="alert">
                  Older ones could not be read: {olderFault}
                </p>
              )}
              {list.nextCursor !== null && (
                <button
                  type="button"
                  class="button"
                  data-testid="older"
                  onClick={() => void readOlder(list)}
                >
                  Show older requests
                </button>
              )}
            </>
          )
        }}
      </Panel>
    </>
  )
}

const NoMatch = ({ onClear }: { onClear: () => void }) => (
  <div class="llm-empty" data-testid="no-requests-match">
    <h2>No request matches</h2>
    <p>Every request is filtered out. A model is matched by its whole name.</p>
    <button type="button" class="button" onClick={onClear}>
      Clear the filters
    </button>
  </div>
)
