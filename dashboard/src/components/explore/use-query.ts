import { useEffect, useRef, useState } from 'preact/hooks'
import type { Exploration, View } from '../../explore/address.ts'
import { type ChartData, chartDataOf } from '../../explore/chart-columns.ts'
import { type QueryApi, QueryFailure } from '../../explore/query-api.ts'
import { type TableData, tableDataOf } from '../../explore/table-rows.ts'
import { boundsOf, gridFor } from '../../explore/time-range.ts'

interface Answered {
  readonly query: string
  /** Which run it is of: a query over a range, or its repetition. */
  readonly run: string
  /** Some series were left out by the service. */
  readonly isTruncated: boolean
  readonly durationMs: number
}

export interface QueryState {
  readonly chart: (Answered & { readonly data: ChartData }) | null
  readonly table: (Answered & { readonly data: TableData }) | null
  readonly failure: QueryFailure | null
  /** `performance.now()` at the start of what is running. */
  readonly runningSinceMs: number | null
}

const IDLE: QueryState = { chart: null, table: null, failure: null, runningSinceMs: null }

const ask = async (
  api: QueryApi,
  { query, range, view }: Exploration,
  widthPx: number,
  signal: AbortSignal,
) => {
  const nowMs = Date.now()
  if (view === 'table') {
    const answer = await api.instant(query, boundsOf(range, nowMs).toMs, signal)
    return { view, data: tableDataOf(answer.data), isTruncated: answer.isTruncated } as const
  }
  const grid = gridFor(range, nowMs, widthPx)
  const answer = await api.range(query, grid, signal)
  return { view, data: chartDataOf(answer.data, grid), isTruncated: answer.isTruncated } as const
}

/** Forgets answers to another expression: they would stand beside the failure of this one. */
const failed = (held: QueryState, query: string, failure: QueryFailure): QueryState => ({
  chart: held.chart?.query === query ? held.chart : null,
  table: held.table?.query === query ? held.table : null,
  failure,
  runningSinceMs: null,
})

/**
 * The answer to what the address asks for. A new question cancels the one before; the view that is not
 * shown is asked when it is opened. With a refresh the question is repeated while the page is visible.
 *
 * @param repetition grows when the same question is to be asked again
 */
export const useQuery = (
  api: QueryApi,
  exploration: Exploration,
  repetition: number,
  widthPx: () => number,
) => {
  const [state, setState] = useState<QueryState>(IDLE)
  const running = useRef<AbortController | null>(null)
  const [tick, setTick] = useState(0)
  const { query, range, view, refreshSeconds } = exploration
  const question = JSON.stringify([query, range, repetition, tick])
  const shown: Readonly<Record<View, string | undefined>> = {
    chart: state.chart?.run,
    table: state.table?.run,
  }

  useEffect(() => {
    if (query.trim() === '') return setState(IDLE)
    if (shown[view] === question) return
    const controller = new AbortController()
    running.current = controller
    const startedMs = performance.now()
    setState((held) => ({ ...held, runningSinceMs: startedMs }))
    ask(api, exploration, widthPx(), controller.signal).then(
      ({ view: of, data, isTruncated }) => {
        if (controller.signal.aborted) return
        const durationMs = performance.now() - startedMs
        const answered = { query, run: question, isTruncated, durationMs, data }
        setState((held) => ({ ...held, [of]: answered, failure: null, runningSinceMs: null }))
      },
      (error) => {
        if (controller.signal.aborted) return
        if (!(error instanceof QueryFailure)) throw error
        setState((held) => failed(held, query, error))
      },
    )
    return () => controller.abort()
  }, [api, question, view])

  const isRunning = state.runningSinceMs !== null
  useEffect(() => {
    if (refreshSeconds === 0 || isRunning || query.trim() === '') return
    let timer: ReturnType<typeof setTimeout>
    const repeat = () => {
      // A page that nobody sees asks nothing.
      if (!document.hidden) return setTick((n) => n + 1)
      document.addEventListener('visibilitychange', repeat, { once: true })
    }
    timer = setTimeout(repeat, refreshSeconds * 1_000)
    return () => {
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', repeat)
    }
  }, [refreshSeconds, isRunning, question])

  const cancel = () => {
    running.current?.abort()
    setState((held) => ({ ...held, runningSinceMs: null }))
  }
  return { state, cancel }
}
