import { count } from '../../format.ts'
import { share, tokens } from '../../llm/measures.ts'
import { usd } from '../../llm/money.ts'
import type { SpendColumns, SpendGroup } from '../../llm/spend-columns.ts'
import { SPEND_DIMENSIONS, type SpendDimension } from '../../llm/types.ts'
import { lazy } from '../lazy.tsx'
import { FirstRequest } from './first-request.tsx'

/** The chart library is shared with other pages. */
const SpendChart = lazy(() => import('./spend-chart.tsx'))

const NONE: Readonly<Record<SpendDimension, string>> = {
  model: 'nobody served it',
  provider: 'nobody served it',
  key: 'own credential',
  bucket: 'model was named',
}

interface SpendViewProps {
  columns: SpendColumns
  by: SpendDimension
  apiKey: string
  nameOfKey: (id: string) => string
  onBy: (by: SpendDimension) => void
}

export const SpendView = ({ columns, by, apiKey, nameOfKey, onBy }: SpendViewProps) => {
  const { groups, total } = columns
  const nameOf = ({ name }: SpendGroup): string => {
    if (name === null) return 'all others'
    if (name === '') return NONE[by]
    return by === 'key' ? nameOfKey(name) : name
  }
  if (groups.length === 0)
    return <FirstRequest apiKey={apiKey} title="Nothing was asked in this time" />
  return (
    <>
      <div class="section-head spend-head">
        <h2>Spend by {by}</h2>
        <fieldset class="segmented">
          <legend class="visually-hidden">Spend by</legend>
          {SPEND_DIMENSIONS.map((dimension) => (
            <button
              key={dimension}
              type="button"
              aria-pressed={dimension === by}
              data-testid={`by-${dimension}`}
              onClick={() => onBy(dimension)}
            >
              {dimension}
            </button>
          ))}
        </fieldset>
      </div>
      <SpendChart columns={columns} names={groups.map(nameOf)} />
      <div class="table-scroll">
        <table class="llm-table" data-testid="spend">
          <caption class="visually-hidden">Spend by {by} in the range</caption>
          <thead>
            <tr>
              <th scope="col">{by}</th>
              <th scope="col" class="c-number">
                Cost
              </th>
              <th scope="col" class="c-number">
                Share
              </th>
              <th scope="col" class="c-number">
                Requests
              </th>
              <th scope="col" class="c-number">
                Failed
              </th>
              <th scope="col" class="c-number">
                Tokens in → out
              </th>
            </tr>
          </thead>
          <tbody>
            {groups.map((group, i) => (
              <tr key={group.name} data-testid="spend-row">
                <th scope="row">
                  <i class={`series-swatch is-series-${i}`} aria-hidden="true" />
                  {nameOf(group)}
                </th>
                <td class="c-number">{usd(group.costUsd)}</td>
                <td class="c-number">
                  {share(total.costUsd === 0 ? 0 : group.costUsd / total.costUsd)}
                </td>
                <td class="c-number">{count(group.requests)}</td>
                <td class="c-number">{count(group.errors)}</td>
                <td class="c-number">
                  {tokens(group.inputTokens)} → {tokens(group.outputTokens)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  )
}
