import type { ComponentChildren } from 'preact'
import { count, dollars, NOTHING, percent } from '../format.ts'
import { type FleetSummary, VM_STATUSES } from '../types.ts'

interface SummaryRowProps {
  summary: FleetSummary
  /** Of the whole fleet; the summary may be of a part. */
  total: number
}

export const SummaryRow = ({ summary, total }: SummaryRowProps) => (
  <section class="summary" data-testid="summary" aria-label="Summary">
    <div class="summary-machines">
      <h2>{summary.total === total ? 'Machines' : `Machines, of ${count(total)}`}</h2>
      <p class="figure">{count(summary.total)}</p>
      <ul class="status-counts">
        {VM_STATUSES.map((status) => (
          <li key={status} class={summary.by_status[status] === 0 ? 'is-zero' : ''}>
            <i class={`status-dot is-${status}`} aria-hidden="true" />
            <b>{count(summary.by_status[status])}</b> {status}
          </li>
        ))}
      </ul>
    </div>
    <Figure name="CPU, mean" value={percent(summary.cpu_avg)} unit="%">
      <Meter percent={summary.cpu_avg} series="cpu" />
    </Figure>
    <Figure name="Memory, mean" value={percent(summary.memory_avg)} unit="%">
      <Meter percent={summary.memory_avg} series="memory" />
    </Figure>
    <Figure name="Health, mean" value={percent(summary.health_avg, 0)} unit="of 100">
      <Meter percent={summary.health_avg} series="health" />
    </Figure>
    <Figure
      name="Cost"
      value={summary.total === 0 ? NOTHING : dollars(summary.total_hourly_cost)}
      unit="an hour"
    >
      <p class="figure-note">{dollars(summary.total_hourly_cost * HOURS_PER_MONTH)} a month</p>
    </Figure>
  </section>
)

/** 365.25 · 24 / 12, the month that clouds bill. */
const HOURS_PER_MONTH = 730.5

interface FigureProps {
  name: string
  value: string
  unit: string
  children: ComponentChildren
}

const Figure = ({ name, value, unit, children }: FigureProps) => (
  <div class="summary-figure">
    <h2>{name}</h2>
    <p class="figure">
      {value} <small>{unit}</small>
    </p>
    {children}
  </div>
)

const Meter = ({ percent, series }: { percent: number | null; series: string }) => (
  <div class="meter" aria-hidden="true">
    <i class={`is-${series}`} style={{ transform: `scaleX(${(percent ?? 0) / 100})` }} />
  </div>
)
