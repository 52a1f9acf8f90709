import type { Fleet } from '../fleet.ts'
import type { Session } from '../session.ts'
import { useNow } from './hooks.ts'

interface Shown {
  tone: 'good' | 'busy' | 'bad' | 'quiet'
  text: string
  /** Seconds until the next attempt; shown, but not read out every second. */
  inSeconds?: number
}

/** Always visible: whether what the page shows is live. */
export const ConnectionState = ({
  fleet,
  session,
}: {
  fleet: Fleet | null
  session: Session['kind']
}) => {
  const nowMs = useNow(1000)
  const shown = describe(fleet, session, nowMs)
  return (
    <div
      class={`connection is-${shown.tone}`}
      role="status"
      aria-live="polite"
      data-testid="connection-state"
    >
      <i class="connection-dot" aria-hidden="true" />
      <span>{shown.text}</span>
      {shown.inSeconds !== undefined && <span aria-hidden="true"> in {shown.inSeconds} s</span>}
    </div>
  )
}

const describe = (fleet: Fleet | null, session: Session['kind'], nowMs: number): Shown => {
  if (session === 'signed-out') return { tone: 'quiet', text: 'Signed out' }
  if (session === 'unreachable') return { tone: 'bad', text: 'Offline' }
  if (fleet === null) return { tone: 'busy', text: 'Connecting' }
  const state = fleet.liveState
  switch (state.kind) {
    case 'connected':
      return { tone: 'good', text: 'Connected' }
    case 'connecting':
      return { tone: 'busy', text: fleet.wasConnected ? 'Reconnecting' : 'Connecting' }
    case 'reconnecting':
      return {
        tone: 'busy',
        text: 'Reconnecting',
        inSeconds: Math.max(0, Math.ceil((state.retryAtMs - nowMs) / 1000)),
      }
    case 'offline':
      return { tone: 'bad', text: 'Offline' }
    case 'paused':
      return { tone: 'quiet', text: 'Paused' }
    case 'signed-out':
      return { tone: 'quiet', text: 'Signed out' }
  }
}
