import { useState } from 'preact/hooks'
import { ApiError } from '../api.ts'
import { HornMark } from './icons.tsx'

interface KeyFormProps {
  reason: string | null
  /** @returns why the key was refused, or null */
  onSubmit: (key: string) => Promise<string | null>
}

export const KeyForm = ({ reason, onSubmit }: KeyFormProps) => {
  const [key, setKey] = useState('')
  const [isBusy, setBusy] = useState(false)
  const [fault, setFault] = useState<string | null>(reason)

  const submit = async (event: Event) => {
    event.preventDefault()
    const trimmed = key.trim()
    if (trimmed === '') return setFault('Paste a key first.')
    setBusy(true)
    try {
      setFault(await onSubmit(trimmed))
    } catch (error) {
      setFault(error instanceof ApiError ? error.message : 'The key could not be checked.')
    }
    setBusy(false)
  }

  return (
    <form class="key-form" data-testid="key-form" onSubmit={submit}>
      <HornMark />
      <h1>Open your fleet</h1>
      <label for="key">API key</label>
      <input
        id="key"
        name="key"
        type="password"
        autocomplete="off"
        spellcheck={false}
        value={key}
        aria-invalid={fault !== null}
        aria-describedby="key-fault key-help"
        onInput={(event) => setKey(event.currentTarget.value)}
      />
      <p id="key-fault" class="fault" role="alert">
        {fault}
      </p>
      <button type="submit" class="button is-primary" disabled={isBusy}>
        {isBusy ? 'Checking…' : 'Open'}
      </button>
      <p id="key-help" class="help">
        A key with the <code>read</code> scope is enough to look; starting and stopping needs{' '}
        <code>write</code>. <code>npm start</code> prints the development key of a local stack. The
        key stays in this tab and is forgotten when you close it.
      </p>
    </form>
  )
}
