import type { ChartSeries } from '../../explore/chart-columns.ts'
import { shortNumber } from '../../explore/numbers.ts'
import type { Labels } from '../../explore/query-api.ts'
import { seriesName, withoutLabels } from '../../explore/series-names.ts'
import { type Look, lookOf, SERIES_DRAWN_MAX } from '../../explore/series-slots.ts'

interface LegendProps {
  series: readonly ChartSeries[]
  /** Labels that are said once for all and not in every row. */
  common: Labels
  drawn: ReadonlySet<string>
  slots: ReadonlyMap<string, number>
  onToggle: (key: string) => void
  onOnly: (key: string) => void
  /** The series under the pointer; null when it has left. */
  onFocus: (key: string | null) => void
}

/** One row a series: a box to draw it, its look, and the figures that the lines show to the eye. */
export const Legend = ({ series, common, drawn, slots, ...actions }: LegendProps) => {
  const isFull = drawn.size >= SERIES_DRAWN_MAX
  return (
    <div class="legend">
      <table data-testid="legend">
        <caption class="visually-hidden">Series of the chart and their values in the range</caption>
        <thead>
          <tr>
            <th scope="col">series</th>
            <th scope="col">last</th>
            <th scope="col">min</th>
            <th scope="col">mean</th>
            <th scope="col">max</th>
            <td />
          </tr>
        </thead>
        <tbody>
          {series.map((one) => (
            <LegendRow
              key={one.key}
              series={one}
              name={seriesName(withoutLabels(one.labels, common))}
              isDrawn={drawn.has(one.key)}
              isFull={isFull}
              look={lookOf(slots.get(one.key) ?? 0)}
              isAlone={series.length === 1}
              {...actions}
            />
          ))}
        </tbody>
      </table>
    </div>
  )
}

type LegendRowProps = Pick<LegendProps, 'onToggle' | 'onOnly' | 'onFocus'> & {
  series: ChartSeries
  name: string
  isDrawn: boolean
  isFull: boolean
  isAlone: boolean
  look: Look
}

const LegendRow = (props: LegendRowProps) => {
  const { series, name, isDrawn, isFull, isAlone, look, onToggle, onOnly, onFocus } = props
  const { key, statistics } = series
  return (
    <tr
      class={isDrawn ? undefined : 'is-hidden'}
      onPointerEnter={() => onFocus(isDrawn ? key : null)}
      onPointerLeave={() => onFocus(null)}
    >
      <th scope="row">
        <label>
          <input
            type="checkbox"
            checked={isDrawn}
            disabled={!isDrawn && isFull}
            onChange={() => onToggle(key)}
          />
          <LineSample look={look} />
          <span>{name}</span>
        </label>
      </th>
      <td>{shortNumber(statistics.last)}</td>
      <td>{shortNumber(statistics.min)}</td>
      <td>{shortNumber(statistics.mean)}</td>
      <td>{shortNumber(statistics.max)}</td>
      <td>
        {!isAlone && (
          <button
            type="button"
            class="text-button"
            aria-label={`Draw ${name} alone`}
            onClick={() => onOnly(key)}
          >
            only
          </button>
        )}
      </td>
    </tr>
  )
}

const LineSample = ({ look }: { look: Look }) => (
  <svg class="line-sample" viewBox="0 0 24 8" aria-hidden="true">
    <path
      d="M0 4H24"
      style={{ stroke: `var(--series-${look.colour})` }}
      stroke-dasharray={look.dash.join(' ')}
    />
  </svg>
)
