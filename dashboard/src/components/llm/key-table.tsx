import { count, NOTHING } from '../../format.ts'
import { share } from '../../llm/measures.ts'
import { usd } from '../../llm/money.ts'
import type { Key } from '../../llm/types.ts'
import { Bar } from './panel.tsx'

const PERIODS: Readonly<Record<Key['limits']['budget_period'], string>> = {
  day: 'a day',
  month: 'a month',
  total: 'in all',
}
/** From here on a budget is about to end. */
const NEARLY_SPENT = 0.8

interface KeyTableProps {
  keys: readonly Key[]
  onShow: (id: string) => void
}

/** Keys with their budgets, what of these is spent, and their rates. */
export const KeyTable = ({ keys, onShow }: KeyTableProps) => (
  <>
    <div class="table-scroll">
      <table class="llm-table" data-testid="keys">
        <caption class="visually-hidden">Keys and their budgets</caption>
        <thead>
          <tr>
            <th scope="col">Key</th>
            <th scope="col" class="c-number">
              Spent
            </th>
            <th scope="col">Budget</th>
            <th scope="col" class="c-number">
              Requests a minute
            </th>
            <th scope="col" class="c-number">
              Tokens a minute
            </th>
          </tr>
        </thead>
        <tbody>
          {keys.map((key) => (
            <KeyRow key={key.id} held={key} onShow={onShow} />
          ))}
        </tbody>
      </table>
    </div>
    <p class="llm-note">
      Spent is of the present period in UTC: the month where there is no budget. Limits are given
      with <code>POST /api/v1/keys</code>, as <code>budget_usd</code>.
    </p>
  </>
)

const KeyRow = ({ held, onShow }: { held: Key; onShow: KeyTableProps['onShow'] }) => {
  const { id, name, prefix, limits } = held
  const { budget_usd, spent_usd, requests_per_minute, tokens_per_minute } = limits
  const ratio = budget_usd === null || budget_usd === 0 ? null : spent_usd / budget_usd
  const tone = ratio === null || ratio < NEARLY_SPENT ? 'cpu' : ratio < 1 ? 'warning' : 'critical'
  return (
    <tr data-testid="key-row">
      <th scope="row">
        <button
          type="button"
          class="text-button"
          title="Show the requests of this key"
          onClick={() => onShow(id)}
        >
          {name}
        </button>
        <small>{prefix}…</small>
      </th>
      <td class="c-number">{usd(spent_usd)}</td>
      <td class="c-budget">
        {budget_usd === null ? (
          <span class="muted">no limit</span>
        ) : (
          <>
            {usd(budget_usd)} {PERIODS[limits.budget_period]}
            {ratio !== null && (
              <>
                <Bar ratio={ratio} tone={tone} />
                <small>{share(ratio)} spent</small>
              </>
            )}
          </>
        )}
      </td>
      <td class="c-number">
        {requests_per_minute === null ? NOTHING : count(requests_per_minute)}
      </td>
      <td class="c-number">{tokens_per_minute === null ? NOTHING : count(tokens_per_minute)}</td>
    </tr>
  )
}
