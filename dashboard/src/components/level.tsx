import type { FleetRow } from '../types.ts'

/** What a row's health is called and which colour it has. */
export type HealthKind = 'critical' | 'warning' | 'idle' | 'healthy' | 'unknown'

export const HEALTH_KINDS: readonly HealthKind[] = [
  'critical',
  'warning',
  'idle',
  'healthy',
  'unknown',
]

/** Scores are 0, 50, 25 and 100 by definition; between them the nearest name below holds. */
export const healthKind = (row: Pick<FleetRow, 'latest' | 'health_score'>): HealthKind => {
  if (row.latest === null) return 'unknown'
  if (row.health_score <= 0) return 'critical'
  if (row.health_score < 50) return 'idle'
  return row.health_score < 100 ? 'warning' : 'healthy'
}

export const HEALTH_WORDS: Readonly<Record<HealthKind, string>> = {
  critical: 'critical',
  warning: 'warning',
  idle: 'idle',
  healthy: 'healthy',
  unknown: 'no data',
}

/** The shape differs as well as the colour. */
export const HealthGlyph = ({ kind }: { kind: HealthKind }) => (
  <svg class={`glyph is-${kind}`} viewBox="0 0 10 10" aria-hidden="true">
    {kind === 'critical' && <rect x="0.500" y="0.500" width="9" height="9" rx="1" />}
    {kind === 'warning' && <path d="M5 0.500L9.800 9.300H0.200z" />}
    {kind === 'idle' && <path d="M5 0.300L9.700 5L5 9.700L0.300 5z" />}
    {kind === 'healthy' && <circle cx="5" cy="5" r="3.600" />}
    {kind === 'unknown' && <circle class="glyph-hollow" cx="5" cy="5" r="3.400" />}
  </svg>
)
