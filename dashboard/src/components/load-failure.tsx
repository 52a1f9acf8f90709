import type { LoadState } from '../fleet-loader.ts'
import { useNow } from './hooks.ts'
import { Notice } from './notice.tsx'

interface LoadFailureProps {
  load: Extract<LoadState, { kind: 'failed' }>
  onRetry: () => void
}

/** Why the fleet could not be read, what can be done, and when it is tried again. */
export const LoadFailure = ({ load, onRetry }: LoadFailureProps) => {
  const nowMs = useNow(1000)
  const { problem } = load.error
  const seconds = Math.max(0, Math.ceil((load.retryAtMs - nowMs) / 1000))
  return (
    <Notice
      tone="critical"
      title={problem.status === 503 ? 'The service is not ready' : 'The fleet could not be read'}
      action={{ label: 'Try again now', run: onRetry }}
      testId="load-failure"
    >
      <p>
        {sentence(load.error.message)}
        {problem.status > 0 && <span class="muted"> ({problem.status})</span>}
      </p>
      <p class="muted">
        {adviceFor(problem.status)} <span aria-hidden="true">Next attempt in {seconds} s.</span>
      </p>
    </Notice>
  )
}

/** Details of problems are written as clauses. */
const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

const adviceFor = (status: number): string => {
  if (status === 0) return 'Check that the service runs and that this computer has a network.'
  if (status === 403) return 'Use a key that has the read scope.'
  if (status === 429) return 'Too many requests were made with this key.'
  if (status === 503) return 'GET /readyz says which part is missing.'
  return 'The log of the service has the details under the request id.'
}
