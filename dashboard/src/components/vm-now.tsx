import type { ComponentChildren } from 'preact'
import { bytesPerSecond, dollars, operations, percent } from '../format.ts'
import type { Series } from '../series.ts'
import type { FleetRow, Level, MetricValues, Vm } from '../types.ts'
import { HEALTH_WORDS, HealthGlyph, healthKind } from './level.tsx'

interface VmNowProps {
  vm: Vm
  row: FleetRow | null
  series: Series | null
  isStale: boolean
}

/** The newest values. Until the fleet's row is there they come from the history. */
export const VmNow = ({ row, series, isStale }: VmNowProps) => {
  const latest: MetricValues = row?.latest ?? series?.latest ?? {}
  const kind = row === null ? 'unknown' : healthKind(row)
  const inbound = bytesPerSecond(latest.network_in_bytes)
  const outbound = bytesPerSecond(latest.network_out_bytes)
  return (
    <section class={`now${isStale ? ' is-stale' : ''}`} aria-label="Current values">
      <Value name="CPU" level={row?.cpu_status} word>
        <span data-testid="cpu-value">{percent(latest.cpu_usage)}</span> <small>%</small>
      </Value>
      <Value name="Memory" level={row?.memory_status} word>
        {percent(latest.memory_usage)} <small>%</small>
      </Value>
      <Value name="Disk" level={row?.disk_status} word>
        {percent(latest.disk_usage)} <small>%</small>
      </Value>
      <Value name="Network in">
        {inbound.value} <small>{inbound.unit}</small>
      </Value>
      <Value name="Network out">
        {outbound.value} <small>{outbound.unit}</small>
      </Value>
      <Value name="Reads">
        {operations(latest.iops_read)} <small>/s</small>
      </Value>
      <Value name="Writes">
        {operations(latest.iops_write)} <small>/s</small>
      </Value>
      <div>
        <h2>Health</h2>
        <p class="figure">
          {kind === 'unknown' ? '–' : row?.health_score} <small>of 100</small>
        </p>
        <p class={`figure-note is-${kind}`}>
          <HealthGlyph kind={kind} /> {HEALTH_WORDS[kind]}
        </p>
      </div>
      <div>
        <h2>Cost</h2>
        <p class="figure">
          {dollars(row?.estimated_hourly_cost)} <small>an hour</small>
        </p>
        <p class="figure-note">
          {row?.cpu_efficiency == null
            ? 'use not known yet'
            : `${percent(row.cpu_efficiency * 100, 0)} % of CPU used`}
        </p>
      </div>
    </section>
  )
}

interface ValueProps {
  name: string
  level?: Level | undefined
  /** Whether the level is written out below the value. */
  word?: boolean
  children: ComponentChildren
}

const LEVEL_WORDS: Readonly<Record<Level, string>> = {
  critical: 'critical',
  warning: 'warning',
  underutilized: 'underutilized',
  normal: 'normal',
  unknown: 'no data',
}

const Value = ({ name, level, word = false, children }: ValueProps) => (
  <div class={level === undefined ? '' : `is-${level}`}>
    <h2>{name}</h2>
    <p class="figure">{children}</p>
    {word && <p class="figure-note">{level === undefined ? '' : LEVEL_WORDS[level]}</p>}
  </div>
)
