import { useState } from 'preact/hooks'
import type { Fleet } from '../fleet.ts'
import { type Filter, NO_FILTER, type Sort } from '../fleet-view.ts'
import { Bridge } from './bridge.tsx'
import { AddMachine, EmptyFleet, NoMatch } from './empty-fleet.tsx'
import { Filters } from './filters.tsx'
import { FleetTable } from './fleet-table.tsx'
import { LoadFailure } from './load-failure.tsx'
import { Skeleton } from './skeleton.tsx'
import { SummaryRow } from './summary-row.tsx'
import { useFleetView } from './use-fleet-view.ts'

/** So few VMs leave half of a screen free. */
const SMALL_FLEET = 8

export const FleetPage = ({ fleet }: { fleet: Fleet }) => {
  const [filter, setFilter] = useState(fleet.view.filter)
  const [sort, setSort] = useState(fleet.view.sort)
  const view = useFleetView(fleet.store, filter, sort)
  const load = fleet.loadState
  const total = fleet.store.serverSummary?.total ?? fleet.store.rows.size

  const applyFilter = (next: Filter) => {
    const isEmpty = next.text === '' && next.status === null && next.healthMin === 0
    const chosen = isEmpty ? NO_FILTER : next
    fleet.view.filter = chosen
    setFilter(chosen)
  }
  const applySort = (next: Sort) => {
    fleet.view.sort = next
    setSort(next)
  }

  if (fleet.store.rows.size === 0) {
    if (load.kind === 'failed') return <LoadFailure load={load} onRetry={() => fleet.retryNow()} />
    return load.kind === 'ready' ? <EmptyFleet apiKey={fleet.key} /> : <Skeleton />
  }
  return (
    <div class="fleet-page">
      <h1 class="visually-hidden">Fleet</h1>
      {load.kind === 'failed' && <LoadFailure load={load} onRetry={() => fleet.retryNow()} />}
      <SummaryRow summary={view.summary} total={total} />
      <Bridge rows={view.rows} nowMs={fleet.store.nowMs()} />
      <Filters
        filter={filter}
        sort={sort}
        shown={view.rows.length}
        total={total}
        loaded={fleet.store.rows.size}
        onFilter={applyFilter}
        onSort={applySort}
      />
      {view.rows.length === 0 ? (
        <NoMatch onClear={() => applyFilter(NO_FILTER)} />
      ) : (
        <FleetTable fleet={fleet} rows={view.rows} sort={sort} onSort={applySort} />
      )}
      {total <= SMALL_FLEET && load.kind === 'ready' && <AddMachine apiKey={fleet.key} />}
    </div>
  )
}
