import { type Exploration, REFRESHES, type RefreshSeconds } from '../../explore/address.ts'
import type { TimeRange } from '../../explore/time-range.ts'
import { RangePicker } from './range-picker.tsx'

interface QueryControlsProps {
  exploration: Exploration
  recent: readonly string[]
  onRecent: (query: string) => void
  onRange: (range: TimeRange) => void
  onRefresh: (seconds: RefreshSeconds) => void
}

export const QueryControls = (props: QueryControlsProps) => {
  const { exploration, recent, onRecent, onRange, onRefresh } = props
  const isFixed = exploration.range.kind === 'between'
  return (
    <div class="query-controls">
      <RangePicker range={exploration.range} onRange={onRange} />
      <label class="field">
        <span>Refresh</span>
        <select
          data-testid="refresh"
          value={String(exploration.refreshSeconds)}
          disabled={isFixed}
          title={isFixed ? 'A range with a fixed end does not change' : undefined}
          onChange={(event) =>
            onRefresh(REFRESHES.find((n) => String(n) === event.currentTarget.value) ?? 0)
          }
        >
          {REFRESHES.map((seconds) => (
            <option key={seconds} value={String(seconds)}>
              {seconds === 0 ? 'off' : `every ${seconds} s`}
            </option>
          ))}
        </select>
      </label>
      {recent.length > 0 && (
        <select
          class="recent"
          data-testid="recent"
          aria-label="Recent queries"
          value=""
          onChange={(event) => {
            const query = recent[Number(event.currentTarget.value)]
            event.currentTarget.value = ''
            if (query !== undefined) onRecent(query)
          }}
        >
          <option value="" disabled>
            Recent queries
          </option>
          {recent.map((query, i) => (
            <option key={query} value={String(i)}>
              {query.length > 100 ? `${query.slice(0, 99)}…` : query}
            </option>
          ))}
        </select>
      )}
    </div>
  )
}
