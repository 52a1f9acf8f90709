import { useMemo, useState } from 'preact/hooks'
import { momentOf } from '../../explore/numbers.ts'
import {
  nextTableSort,
  sortedRows,
  type TableData,
  type TableSort,
  VALUE_COLUMN,
} from '../../explore/table-rows.ts'
import { count } from '../../format.ts'

/** Rows drawn before somebody asks for the rest. */
const ROWS_SHOWN = 200

export const ResultTable = ({ data }: { data: TableData }) => {
  const [sort, setSort] = useState<TableSort>(null)
  const [isWhole, setWhole] = useState(false)
  const rows = useMemo(() => sortedRows(data.rows, sort), [data, sort])
  const shown = isWhole ? rows : rows.slice(0, ROWS_SHOWN)
  const header = (column: string, title: string) => (
    <SortHeader
      key={column}
      title={title}
      sort={sort?.column === column ? sort : null}
      isNumber={column === VALUE_COLUMN}
      onSort={() => setSort(nextTableSort(sort, column))}
    />
  )
  return (
    <>
      <div class="table-scroll">
        <table class="result-table" data-testid="result-table">
          <caption class="visually-hidden">Newest values, one row a series</caption>
          <thead>
            <tr>
              {data.columns.map((label) => header(label, label === '__name__' ? 'metric' : label))}
              {header(VALUE_COLUMN, 'value')}
              {data.hasSamples && <th scope="col">samples</th>}
              <th scope="col">at</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <tr key={row.key}>
                {data.columns.map((label) => (
                  <td key={label}>{row.labels[label]}</td>
                ))}
                <td class="c-value">{row.text}</td>
                {data.hasSamples && <td class="c-value">{count(row.samples ?? 0)}</td>}
                <td class="c-at">{momentOf(row.seconds)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {shown.length < rows.length && (
        <button type="button" class="button" onClick={() => setWhole(true)}>
          Show all {count(rows.length)} rows
        </button>
      )}
    </>
  )
}

interface SortHeaderProps {
  title: string
  /** null where the table is sorted by another column. */
  sort: TableSort
  isNumber: boolean
  onSort: () => void
}

const SortHeader = ({ title, sort, isNumber, onSort }: SortHeaderProps) => {
  const order = sort === null ? 'none' : sort.isDescending ? 'descending' : 'ascending'
  return (
    <th scope="col" class={isNumber ? 'c-value' : undefined} aria-sort={order}>
      <button type="button" data-testid={`sort-${title}`} onClick={onSort}>
        {title}
        <span class="sort-mark" aria-hidden="true">
          {sort === null ? '' : sort.isDescending ? '↓' : '↑'}
        </span>
      </button>
    </th>
  )
}
