import { useState } from 'preact/hooks'
import { shortHash } from '../../llm/measures.ts'

/** A version as its beginning; the whole of it under the pointer and in the clipboard. */
export const Hash = ({ version }: { version: string }) => {
  const [outcome, setOutcome] = useState('Copy')
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(version)
      setOutcome('Copied')
    } catch {
      // Browsers give no clipboard to pages over plain HTTP from another machine, or when refused.
      setOutcome(version)
    }
  }
  return (
    <span class="hash">
      <code title={version} data-testid="artifact-version">
        {shortHash(version)}
      </code>{' '}
      <button
        type="button"
        class="text-button"
        aria-label="Copy the whole version"
        onClick={() => void copy()}
      >
        {outcome}
      </button>
    </span>
  )
}
