import { useState } from 'preact/hooks'
import { ApiError, type LifecycleAction } from '../api.ts'
import type { Fleet } from '../fleet.ts'
import type { Problem, Vm } from '../types.ts'

const ACTIONS: readonly { action: LifecycleAction; label: string; done: string }[] = [
  { action: 'start', label: 'Start', done: 'Starting.' },
  { action: 'stop', label: 'Stop', done: 'Stopping.' },
  { action: 'restart', label: 'Restart', done: 'Restarting.' },
]

interface LifecycleActionsProps {
  fleet: Fleet
  vm: Vm
  onChanged: (vm: Vm) => void
}

/** Every button stays usable: what is allowed is the service's to say, and it may know better. */
export const LifecycleActions = ({ fleet, vm, onChanged }: LifecycleActionsProps) => {
  const [busy, setBusy] = useState<LifecycleAction | null>(null)
  const [message, setMessage] = useState<{ text: string; isFault: boolean } | null>(null)

  const run = async (action: LifecycleAction, done: string) => {
    setBusy(action)
    setMessage(null)
    try {
      const changed = await fleet.api.changeState(vm.id, action)
      fleet.store.mergeVm(changed)
      onChanged(changed)
      setMessage({ text: changed.status === 'stopped' ? 'Stopped.' : done, isFault: false })
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      setMessage({ text: refusalText(action, error.problem), isFault: true })
    }
    setBusy(null)
  }

  return (
    <div class="lifecycle">
      <div class="button-group">
        {ACTIONS.map(({ action, label, done }) => (
          <button
            key={action}
            type="button"
            class="button"
            data-testid={`action-${action}`}
            disabled={busy !== null}
            onClick={() => void run(action, done)}
          >
            {label}
          </button>
        ))}
      </div>
      <p
        class={message?.isFault ? 'fault' : 'muted'}
        role="status"
        aria-live="polite"
        data-testid="action-message"
      >
        {busy === null ? message?.text : 'Asking the service…'}
      </p>
    </div>
  )
}

const refusalText = (action: LifecycleAction, problem: Problem): string => {
  if (problem.status === 403)
    return `This key may not ${action} machines: it lacks the write scope.`
  if (problem.status !== 409) return problem.detail ?? problem.title
  const state = problem.from === undefined ? 'its present state' : `${problem.from}`
  const allowed = problem.allowed ?? []
  const possible =
    allowed.length === 0 ? 'Wait until it settles.' : `Possible: ${allowed.join(', ')}.`
  return `Cannot ${action} while ${state}. ${possible}`
}
