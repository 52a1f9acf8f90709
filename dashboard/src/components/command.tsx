import { useState } from 'preact/hooks'

interface SnippetProps {
  /** The text with the key in its place. */
  text: (key: string) => string
  apiKey: string
  /** Names the copy button. */
  label: string
}

const HIDDEN_KEY = '••••••••'

/** The key is kept off the screen, which may hang on a wall; the copy has it in place. */
export const Snippet = ({ text, apiKey, label }: SnippetProps) => {
  const [outcome, setOutcome] = useState('Copy')
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text(apiKey))
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
        <code>{text(HIDDEN_KEY)}</code>
      </pre>
      <button type="button" class="button" aria-label={label} onClick={() => void copy()}>
        {outcome}
      </button>
    </div>
  )
}

interface CommandProps extends Omit<SnippetProps, 'text'> {
  /** Commands of a shell that read `$GJALLAR_KEY`. */
  text: string
}

export const Command = ({ text, ...props }: CommandProps) => (
  <Snippet text={(key) => `export GJALLAR_KEY='${key}'\n${text}`} {...props} />
)

/** @param origin of the service, as the machine that runs the agent reaches it */
export const agentCommand = (origin: string): string =>
  `npm run agent -- --url ${origin} --key "$GJALLAR_KEY"`
