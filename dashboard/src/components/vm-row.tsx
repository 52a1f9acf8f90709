import { Component } from 'preact'
import { ago, bytesPerSecond, dollars, operations, percent } from '../format.ts'
import { routeTo } from '../route.ts'
import type { Trace } from '../trace.ts'
import type { FleetRow, Level } from '../types.ts'
import { HEALTH_WORDS, HealthGlyph, healthKind } from './level.tsx'
import { Sparkline } from './sparkline.tsx'

/** Measurements older than this are marked: the VM or its agent may be gone. */
export const STALE_MS = 30_000

export interface VmRowProps {
  row: FleetRow
  trace: Trace | null
  index: number
  top: number
  isActive: boolean
  /** Moves on in steps, so that a row whose values stand still is not drawn for its age alone. */
  nowMs: number
  themeVersion: number
  traceWidthPx: number
}

/** One line of the fleet. Drawn again only when something that it shows has changed. */
export class VmRow extends Component<VmRowProps> {
  override shouldComponentUpdate(next: Readonly<VmRowProps>): boolean {
    const held = this.props
    return (
      held.row !== next.row ||
      held.index !== next.index ||
      held.top !== next.top ||
      held.isActive !== next.isActive ||
      held.themeVersion !== next.themeVersion ||
      held.nowMs !== next.nowMs ||
      held.traceWidthPx !== next.traceWidthPx
    )
  }

  override render({
    row,
    trace,
    index,
    top,
    isActive,
    nowMs,
    themeVersion,
    traceWidthPx,
  }: VmRowProps) {
    const { latest } = row
    const ageMs = latest === null ? null : nowMs - latest.timestamp
    const isStale = ageMs !== null && ageMs > STALE_MS
    // Silence is what a stopped VM is expected to do.
    const isMissed = isStale && row.status !== 'stopped'
    const kind = healthKind(row)
    const inbound = bytesPerSecond(latest?.network_in_bytes)
    const outbound = bytesPerSecond(latest?.network_out_bytes)
    return (
      <tr
        class={`vm-row${isActive ? ' is-active' : ''}${isStale ? ' is-stale' : ''}${isMissed ? ' is-missed' : ''}`}
        id={`vm-${row.id}`}
        aria-rowindex={index + 2}
        aria-selected={isActive}
        data-testid="vm-row"
        data-vm-id={row.id}
        data-vm-name={row.name}
        data-index={index}
        style={{ transform: `translateY(${top}px)` }}
      >
        <td class="c-status">
          <i class={`status-dot is-${row.status}`} aria-hidden="true" />
          {row.status}
        </td>
        <td class="c-name">
          <a href={routeTo({ page: 'vm', id: row.id })} tabIndex={-1}>
            {row.name}
          </a>
          <span class="c-where">
            {row.region} · {row.instance_type}
          </span>
        </td>
        <td class={`c-health is-${kind}`}>
          <HealthGlyph kind={kind} />
          <span class="number">{kind === 'unknown' ? '' : row.health_score}</span>{' '}
          {HEALTH_WORDS[kind]}
        </td>
        <td class={`c-cpu ${levelClass(row.cpu_status)}`}>
          <Sparkline
            trace={trace}
            widthPx={traceWidthPx}
            nowMs={isStale || latest === null ? nowMs : latest.timestamp}
            themeVersion={themeVersion}
          />
          <span class="number">
            <span data-testid="cpu-value">{percent(latest?.cpu_usage)}</span> <small>%</small>
          </span>
        </td>
        <Share class="c-memory" value={latest?.memory_usage} level={row.memory_status} />
        <Share class="c-disk" value={latest?.disk_usage} level={row.disk_status} />
        <td class="c-network number">
          <span>
            <small aria-hidden="true">↓</small>
            <i class="visually-hidden">in</i> {inbound.value} <small>{inbound.unit}</small>
          </span>
          <span>
            <small aria-hidden="true">↑</small>
            <i class="visually-hidden">out</i> {outbound.value} <small>{outbound.unit}</small>
          </span>
        </td>
        <td class="c-iops number">
          <span>
            {operations(latest?.iops_read)} <small>r</small>
          </span>
          <span>
            {operations(latest?.iops_write)} <small>w</small>
          </span>
        </td>
        <td class="c-p95 number">
          {percent(row.window_24h.cpu_p95)} <small>%</small>
        </td>
        <td class="c-cost number">
          {dollars(row.estimated_hourly_cost)} <small>/h</small>
        </td>
        <td class="c-seen">
          {isStale && <span class="c-seen-words">last seen </span>}
          {ageMs === null ? 'never' : ago(ageMs)}
        </td>
      </tr>
    )
  }
}

interface ShareProps {
  class: string
  value: number | null | undefined
  level: Level
}

const Share = ({ class: name, value, level }: ShareProps) => (
  <td class={`${name} ${levelClass(level)}`}>
    <span class="bar" aria-hidden="true">
      <i style={{ transform: `scaleX(${(value ?? 0) / 100})` }} />
    </span>
    <span class="number">
      {percent(value)} <small>%</small>
    </span>
  </td>
)

/** Only what needs attention is coloured. */
const levelClass = (level: Level): string =>
  level === 'critical' || level === 'warning' ? `is-${level}` : ''
