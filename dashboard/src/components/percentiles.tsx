import { count, NOTHING, percent } from '../format.ts'
import type { MetricStatistics, MetricsAnswer } from '../types.ts'

const QUANTILES = ['p50', 'p90', 'p95', 'p99'] as const

/** The last 24 h as numbers; each percentile with how far it can be off. */
export const Percentiles = ({ statistics }: { statistics: MetricsAnswer['statistics_24h'] }) => {
  const errorMax = statistics?.relativeErrorMax ?? 0
  return (
    <section class="percentiles" aria-labelledby="percentiles-title">
      <h2 id="percentiles-title">Last 24 hours</h2>
      <div class="table-scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Metric</th>
              {QUANTILES.map((quantile) => (
                <th key={quantile} scope="col">
                  {quantile}
                </th>
              ))}
              <th scope="col">mean</th>
              <th scope="col">min</th>
              <th scope="col">max</th>
              <th scope="col">samples</th>
            </tr>
          </thead>
          <tbody>
            <Row name="CPU" values={statistics?.cpu_usage ?? null} errorMax={errorMax} />
            <Row name="Memory" values={statistics?.memory_usage ?? null} errorMax={errorMax} />
          </tbody>
        </table>
      </div>
      <p class="muted">
        In percent. Percentiles come from a sketch: each is within{' '}
        {errorMax === 0 ? NOTHING : `±${percent(errorMax * 100, 2)} %`} of its own value, shown as ±
        beside it. Mean, min, max and count are exact.
      </p>
    </section>
  )
}

interface RowProps {
  name: string
  values: MetricStatistics | null
  errorMax: number
}

const Row = ({ name, values, errorMax }: RowProps) => (
  <tr>
    <th scope="row">{name}</th>
    {QUANTILES.map((quantile) => (
      <td key={quantile}>
        {percent(values?.[quantile])}
        {values?.[quantile] != null && <small> ±{percent(values[quantile] * errorMax, 2)}</small>}
      </td>
    ))}
    <td>{percent(values?.mean)}</td>
    <td>{percent(values?.min)}</td>
    <td>{percent(values?.max)}</td>
    <td>{values === null ? NOTHING : count(values.count)}</td>
  </tr>
)
