import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { FleetStore } from '../fleet-store.ts'
import { summarise } from '../fleet-summary.ts'
import { type Filter, NO_FILTER, type Sort, viewRows } from '../fleet-view.ts'
import type { FleetRow, FleetSummary } from '../types.ts'

/** Live values may move rows: not more often than this, so that the eye can follow. */
const REORDER_MS_MIN = 1000
/** Ordering 10,000 rows takes about 10 ms, so large fleets are ordered less often. */
const REORDER_MS_PER_ROW = 0.3

export interface FleetView {
  /** In order; a snapshot, so read the live values from the store by id. */
  readonly rows: readonly FleetRow[]
  readonly summary: FleetSummary
}

/** The filtered, ordered rows: at once after a user's change, at intervals after live ones. */
export const useFleetView = (store: FleetStore, filter: Filter, sort: Sort): FleetView => {
  const [tick, setTick] = useState(0)
  const computed = useRef({ atMs: 0, membership: -1 })

  useEffect(() => {
    let timer = 0
    const recompute = () => {
      timer = 0
      setTick((n) => n + 1)
    }
    const unsubscribe = store.subscribe(() => {
      const intervalMs = Math.max(REORDER_MS_MIN, store.rows.size * REORDER_MS_PER_ROW)
      const waitMs = computed.current.atMs + intervalMs - performance.now()
      if (waitMs <= 0 || store.membership !== computed.current.membership) {
        clearTimeout(timer)
        recompute()
      } else if (timer === 0) timer = window.setTimeout(recompute, waitMs)
    })
    return () => {
      unsubscribe()
      clearTimeout(timer)
    }
  }, [store])

  return useMemo(() => {
    computed.current = { atMs: performance.now(), membership: store.membership }
    const rows = viewRows(store.rows.values(), filter, sort, store.nameRanks)
    const isWhole = filter === NO_FILTER
    const summary = (isWhole ? store.serverSummary : null) ?? summarise(rows)
    return { rows, summary }
    // The tick stands for the store, which is not compared.
  }, [store, filter, sort, tick])
}
