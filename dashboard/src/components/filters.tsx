import { useEffect, useRef } from 'preact/hooks'
import {
  type Filter,
  NO_FILTER,
  nextSort,
  SORT_COLUMNS,
  type Sort,
  type SortColumn,
} from '../fleet-view.ts'
import { count } from '../format.ts'
import { VM_STATUSES, type VmStatus } from '../types.ts'

interface FiltersProps {
  filter: Filter
  sort: Sort
  shown: number
  total: number
  loaded: number
  onFilter: (filter: Filter) => void
  onSort: (sort: Sort) => void
}

export const Filters = ({ filter, sort, shown, total, loaded, onFilter, onSort }: FiltersProps) => {
  const name = useRef<HTMLInputElement>(null)

  useEffect(() => {
    const focusOnSlash = (event: KeyboardEvent) => {
      const isTyping = event.target instanceof HTMLElement && event.target.matches('input, select')
      if (event.key !== '/' || isTyping) return
      event.preventDefault()
      name.current?.focus()
    }
    addEventListener('keydown', focusOnSlash)
    return () => removeEventListener('keydown', focusOnSlash)
  }, [])

  return (
    <search class="filters">
      <input
        ref={name}
        type="search"
        data-testid="filter-name"
        aria-label="Filter by name, region or type"
        placeholder="Name, region or type"
        value={filter.text}
        onInput={(event) => onFilter({ ...filter, text: event.currentTarget.value })}
      />
      <select
        data-testid="filter-status"
        aria-label="Filter by status"
        value={filter.status ?? ''}
        onChange={(event) =>
          onFilter({ ...filter, status: (event.currentTarget.value || null) as VmStatus | null })
        }
      >
        <option value="">Any status</option>
        {VM_STATUSES.map((status) => (
          <option key={status} value={status}>
            {status}
          </option>
        ))}
      </select>
      <select
        data-testid="filter-health"
        aria-label="Filter by least health"
        value={String(filter.healthMin)}
        onChange={(event) => onFilter({ ...filter, healthMin: Number(event.currentTarget.value) })}
      >
        <option value="0">Any health</option>
        <option value="25">Health 25 and over</option>
        <option value="50">Health 50 and over</option>
        <option value="100">Health 100</option>
      </select>
      <SortSelect sort={sort} onSort={onSort} />
      {filter !== NO_FILTER && (
        <button type="button" class="text-button" onClick={() => onFilter(NO_FILTER)}>
          Clear
        </button>
      )}
      <p class="filters-count" role="status">
        {shown === total ? machines(total) : `${count(shown)} of ${machines(total)}`}
        {loaded < total && <span class="muted">, loading {count(total - loaded)} more</span>}
      </p>
    </search>
  )
}

const machines = (n: number): string => `${count(n)} ${n === 1 ? 'VM' : 'VMs'}`

const COLUMN_WORDS: Readonly<Record<SortColumn, string>> = {
  status: 'Status',
  name: 'Name',
  health: 'Health',
  cpu: 'CPU',
  memory: 'Memory',
  disk: 'Disk',
  network: 'Network',
  iops: 'IOPS',
  p95: 'CPU p95',
  cost: 'Cost',
  seen: 'Last seen',
}

/** Stands in for the column headers where there is no room for them. */
const SortSelect = ({ sort, onSort }: { sort: Sort; onSort: (sort: Sort) => void }) => (
  <span class="sort-select">
    <select
      aria-label="Sort by"
      value={sort.column}
      onChange={(event) => onSort(nextSort(sort, event.currentTarget.value as SortColumn))}
    >
      {SORT_COLUMNS.map((column) => (
        <option key={column} value={column}>
          {COLUMN_WORDS[column]}
        </option>
      ))}
    </select>
    <button
      type="button"
      class="icon-button"
      aria-label={sort.descending ? 'Sorted downwards; reverse' : 'Sorted upwards; reverse'}
      onClick={() => onSort({ ...sort, descending: !sort.descending })}
    >
      {sort.descending ? '↓' : '↑'}
    </button>
  </span>
)
