import { useEffect, useRef } from 'preact/hooks'
import { count } from '../format.ts'
import { palette } from '../theme.ts'
import type { FleetRow } from '../types.ts'
import { layOutCells } from './bridge-cells.ts'
import { useMedia, useThemeVersion } from './hooks.ts'
import { HEALTH_KINDS, HEALTH_WORDS, HealthGlyph, type HealthKind, healthKind } from './level.tsx'

/** Below this many VMs the table itself shows all of them at a glance. */
const ROWS_MIN = 24

/** The whole fleet at a glance: one mark per VM, in the table's order, coloured by health. */
export const Bridge = ({ rows, nowMs }: { rows: readonly FleetRow[]; nowMs: number }) => {
  const canvas = useRef<HTMLCanvasElement>(null)
  const themeVersion = useThemeVersion()
  const isNarrow = useMedia('(max-width: 720px)')
  const heightPx = isNarrow ? 28 : 40

  useEffect(() => {
    const element = canvas.current
    if (element === null) return
    const draw = () => drawBridge(element, rows, heightPx)
    draw()
    const observer = new ResizeObserver(draw)
    observer.observe(element)
    return () => observer.disconnect()
  }, [rows, heightPx, themeVersion])

  if (rows.length < ROWS_MIN) return null
  const counts = countKinds(rows, nowMs)
  return (
    <section class="bridge" aria-label="Health of the fleet">
      <div aria-hidden="true">
        <canvas ref={canvas} style={{ height: `${heightPx}px` }} />
      </div>
      <ul class="bridge-legend">
        {HEALTH_KINDS.map((kind) => (
          <li key={kind} class={counts[kind] === 0 ? 'is-zero' : ''}>
            <HealthGlyph kind={kind} /> <b>{count(counts[kind])}</b> {HEALTH_WORDS[kind]}
          </li>
        ))}
        <li class={counts.silent === 0 ? 'is-zero' : 'is-silent'}>
          <b>{count(counts.silent)}</b> silent over 30 s
        </li>
      </ul>
    </section>
  )
}

/** A running VM that reported, but not lately. */
const SILENT_MS = 30_000

const countKinds = (
  rows: readonly FleetRow[],
  nowMs: number,
): Record<HealthKind | 'silent', number> => {
  const counts = { critical: 0, warning: 0, idle: 0, healthy: 0, unknown: 0, silent: 0 }
  for (const row of rows) {
    counts[healthKind(row)] += 1
    const isSilent = row.latest !== null && nowMs - row.latest.timestamp > SILENT_MS
    if (isSilent && row.status === 'running') counts.silent += 1
  }
  return counts
}

const drawBridge = (
  canvas: HTMLCanvasElement,
  rows: readonly FleetRow[],
  heightPx: number,
): void => {
  const scale = devicePixelRatio
  const widthPx = canvas.clientWidth
  canvas.width = Math.round(widthPx * scale)
  canvas.height = Math.round(heightPx * scale)
  const context = canvas.getContext('2d')
  if (context === null || widthPx === 0) return
  const colours = palette()
  const colourOf: Record<HealthKind, string> = {
    critical: colours.critical,
    warning: colours.warning,
    idle: colours.idle,
    healthy: colours.healthy,
    unknown: colours.silent,
  }
  const cells = layOutCells(rows.length, canvas.width, canvas.height, scale)
  // What is well first and faint, the worst last and at least two pixels wide: where marks are narrower
  // than a pixel, one critical VM among ten thousand must still be seen.
  for (const kind of DRAWING_ORDER) {
    const isQuiet = kind === 'healthy' || kind === 'unknown'
    const widthMin = isQuiet ? 0 : 2 * scale
    context.globalAlpha = isQuiet ? 0.4 : 1
    context.fillStyle = colourOf[kind]
    rows.forEach((row, index) => {
      if (markKind(row) !== kind) return
      const column = Math.floor(index / cells.rows)
      const line = index % cells.rows
      // Edges on whole pixels: blurred ones add up to a pattern that means nothing.
      const left = Math.round(column * cells.stepX)
      const right = Math.round((column + 1) * cells.stepX)
      const top = Math.round(line * cells.stepY)
      const bottom = Math.round((line + 1) * cells.stepY)
      const width = Math.max(widthMin, right - left - cells.gapX)
      context.fillRect(left, top, width, bottom - top - cells.gapY)
    })
  }
}

const DRAWING_ORDER: readonly HealthKind[] = ['unknown', 'healthy', 'idle', 'warning', 'critical']

/** A stopped VM's last values say nothing about the present. */
const markKind = (row: FleetRow): HealthKind =>
  row.status === 'stopped' ? 'unknown' : healthKind(row)
