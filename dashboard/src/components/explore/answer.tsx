import type { Exploration, View } from '../../explore/address.ts'
import { CHART_SERIES_MAX, TABLE_ROWS_MAX } from '../../explore/query-api.ts'
import { formatDuration } from '../../explore/time-range.ts'
import { count } from '../../format.ts'
import { useNow } from '../hooks.ts'
import { lazy } from '../lazy.tsx'
import { ResultTable } from './result-table.tsx'
import type { QueryState } from './use-query.ts'

/** The chart library is shared with the page of a VM. */
const ResultChart = lazy(() => import('./result-chart.tsx'))

interface AnswerProps {
  state: QueryState
  exploration: Exploration
}

/** The panel of the chosen view. An answer to the question before stays, dimmed, until the next is there. */
export const Answer = ({ state, exploration }: AnswerProps) => {
  const { view, query } = exploration
  const isRunning = state.runningSinceMs !== null
  const shown = state[view]
  if (shown === null) return isRunning ? <div class="answer-loading" aria-hidden="true" /> : null
  const isOld = isRunning && shown.query !== query
  return (
    <div class={`answer${isOld ? ' is-old' : ''}`} aria-busy={isOld}>
      {view === 'chart' && state.chart !== null && <ChartAnswer answer={state.chart} />}
      {view === 'table' && state.table !== null && <TableAnswer answer={state.table} />}
    </div>
  )
}

const ChartAnswer = ({ answer }: { answer: NonNullable<QueryState['chart']> }) => {
  const { data, isTruncated, query } = answer
  return (
    <>
      {isTruncated && <Truncated shown={CHART_SERIES_MAX} what="series" />}
      {data.histograms > 0 && (
        <p class="note">
          {count(data.histograms)} of the series are native histograms, which have no line. Ask for{' '}
          <code>histogram_quantile(0.9, …)</code>, or open the table.
        </p>
      )}
      {data.series.length > 0 ? (
        <ResultChart key={query} data={data} />
      ) : (
        data.histograms === 0 && (
          <Empty text="No series has a value in this range. A longer range may have some; the completion knows the names and labels." />
        )
      )}
    </>
  )
}

const TableAnswer = ({ answer }: { answer: NonNullable<QueryState['table']> }) => (
  <>
    {answer.isTruncated && <Truncated shown={TABLE_ROWS_MAX} what="rows" />}
    {answer.data.rows.length > 0 ? (
      <ResultTable key={answer.query} data={answer.data} />
    ) : (
      <Empty text="No series has a value at this moment. The chart shows whether there was one before." />
    )}
  </>
)

const Truncated = ({ shown, what }: { shown: number; what: string }) => (
  <p class="note" role="status" data-testid="truncated">
    The answer has more than {count(shown)} {what}; these are the first of them. Select fewer with
    more labels, or take the largest with <code>topk(10, …)</code>.
  </p>
)

const Empty = ({ text }: { text: string }) => (
  <div class="nothing" data-testid="query-empty">
    <p>Nothing found.</p>
    <p>{text}</p>
  </div>
)

/** How it stands with the query, in one line that screen readers follow. */
export const AnswerStatus = ({ state, view }: { state: QueryState; view: View }) => {
  const shown = state[view]
  const isRunning = state.runningSinceMs !== null
  return (
    <p class="answer-status" role="status" data-testid="query-status">
      {isRunning ? (
        <>
          Running… <Elapsed sinceMs={state.runningSinceMs ?? 0} />
          <i class="progress" aria-hidden="true" />
        </>
      ) : (
        shown !== null && describe(state, view)
      )}
    </p>
  )
}

const describe = (state: QueryState, view: View): string => {
  const took = `${Math.round(state[view]?.durationMs ?? 0)} ms`
  if (view === 'table') {
    const rows = state.table?.data.rows.length ?? 0
    return `${count(rows)} ${rows === 1 ? 'row' : 'rows'} · ${took}`
  }
  const series = state.chart?.data.series.length ?? 0
  const step = formatDuration(state.chart?.data.grid.stepMs ?? 0)
  return `${count(series)} series · step ${step} · ${took}`
}

const Elapsed = ({ sinceMs }: { sinceMs: number }) => {
  useNow(100)
  return <span aria-hidden="true">{((performance.now() - sinceMs) / 1_000).toFixed(1)} s</span>
}
