import { useRef, useState } from 'preact/hooks'
import { ApiError } from '../../api.ts'
import type { LlmApi } from '../../llm/llm-api.ts'
import { bodyOfJson, bodyOfPrompt } from '../../llm/route-body.ts'
import type { RouteDecision } from '../../llm/types.ts'
import { AlphaField } from './alpha-field.tsx'
import { Explanation } from './explanation.tsx'
import { Loading } from './panel.tsx'

const EXAMPLES = [
  'What is the capital of Norway?',
  'Summarise the causes of the First World War in five sentences.',
  'Prove that there are infinitely many primes, then write Python that lists the first thousand.',
] as const

type Mode = 'prompt' | 'json'

/** A request decided by hand: nothing is sent to a provider. */
export const TryView = ({ api }: { api: LlmApi }) => {
  const [mode, setMode] = useState<Mode>('prompt')
  const [prompt, setPrompt] = useState('')
  const [json, setJson] = useState('')
  /** Null leaves it to the configuration. */
  const [alpha, setAlpha] = useState<number | null>(null)
  const [isAsking, setAsking] = useState(false)
  const [fault, setFault] = useState<string | null>(null)
  const [decision, setDecision] = useState<RouteDecision | null>(null)
  const asked = useRef(0)

  const ask = async (event?: Event) => {
    event?.preventDefault()
    const body = mode === 'prompt' ? bodyOfPrompt(prompt, alpha) : bodyOfJson(json, alpha)
    setFault(body.ok ? null : body.fault)
    if (!body.ok) return
    asked.current += 1
    const mine = asked.current
    setAsking(true)
    try {
      const answer = await api.route(body.body)
      if (mine !== asked.current) return
      setDecision(answer)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      if (mine !== asked.current) return
      setFault(error.message)
      setDecision(null)
    }
    setAsking(false)
  }

  const switchTo = (next: Mode) => {
    // What was typed goes along, as the body that it would be.
    const body = bodyOfPrompt(prompt, null)
    if (next === 'json' && json === '' && body.ok) setJson(JSON.stringify(body.body, null, 2))
    setMode(next)
    setFault(null)
  }

  const askByKey = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void ask(event)
  }

  return (
    <>
      <form class="try-form" onSubmit={(event) => void ask(event)}>
        <div class="try-head">
          <label for="try-text">
            {mode === 'prompt' ? 'Request' : 'Body of a chat completion'}
          </label>
          <fieldset class="segmented">
            <legend class="visually-hidden">Form of the request</legend>
            {(['prompt', 'json'] as const).map((one) => (
              <button
                key={one}
                type="button"
                aria-pressed={one === mode}
                data-testid={`mode-${one}`}
                onClick={() => switchTo(one)}
              >
                {one === 'prompt' ? 'Text' : 'JSON'}
              </button>
            ))}
          </fieldset>
        </div>
        <textarea
          id="try-text"
          data-testid="try-text"
          class={mode === 'json' ? 'is-code' : undefined}
          rows={mode === 'json' ? 12 : 5}
          spellcheck={mode === 'prompt'}
          placeholder={
            mode === 'prompt'
              ? 'What a user would ask. Nothing is sent to a provider: only the decision is made.'
              : '{"model":"auto","messages":[{"role":"user","content":"…"}]}'
          }
          aria-invalid={fault !== null}
          aria-describedby="try-fault"
          value={mode === 'prompt' ? prompt : json}
          onInput={(event) => {
            const { value } = event.currentTarget
            if (mode === 'prompt') setPrompt(value)
            else setJson(value)
          }}
          onKeyDown={askByKey}
        />
        <div class="try-controls">
          <AlphaField alpha={alpha} onAlpha={setAlpha} />
          <button
            type="submit"
            class="button is-primary"
            data-testid="try-run"
            title="Ctrl and Enter"
            disabled={isAsking}
          >
            Decide
          </button>
        </div>
        <p id="try-fault" class="fault" role="alert" data-testid="try-fault">
          {fault}
        </p>
      </form>
      <div aria-live="polite">
        {decision === null && isAsking && <Loading />}
        {decision !== null && (
          <div class={isAsking ? 'is-old' : undefined}>
            <Explanation decision={decision} />
          </div>
        )}
      </div>
      {decision === null && !isAsking && mode === 'prompt' && (
        <section class="try-examples" aria-labelledby="examples-title">
          <h2 id="examples-title">Begin with one of these, or write your own</h2>
          <ul>
            {EXAMPLES.map((text) => (
              <li key={text}>
                <button type="button" class="name-button" onClick={() => setPrompt(text)}>
                  {text}
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  )
}
