import { useState } from 'preact/hooks'

interface CommandProps {
  text: string
  apiKey: string
  /** Names the copy button. */
  label: string
}

/** The key is kept off the screen, which may hang on a wall; the copy has it in place. */
export const Command = ({ text, apiKey, label }: CommandProps) => {
  const [outcome, setOutcome] = useState('Copy')
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(`export GJALLAR_KEY='${apiKey}'\n${text}`)
      setOutcome('Copied')
    } catch {
      // Browsers give no clipboard to pages over plain HTTP from another machine, or when refused.
      setOutcome('Copy by hand')
    }
    setTimeout(() => setOutcome('Copy'), 2000)
  }
  return (
    <div class="command">
      <pre>
        <code>{`export GJALLAR_KEY=••••••••\n${text}`}</code>
      </pre>
      <button type="button" class="button" aria-label={label} onClick={() => void copy()}>
        {outcome}
      </button>
    </div>
  )
}

/** @param origin of the service, as the machine that runs the agent reaches it */
export const agentCommand = (origin: string): string =>
  `npm run agent -- --url ${origin} --key "$GJALLAR_KEY"`
