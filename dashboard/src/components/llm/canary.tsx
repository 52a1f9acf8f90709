import { useState } from 'preact/hooks'
import { ApiError } from '../../api.ts'
import type { LlmApi } from '../../llm/llm-api.ts'
import { share } from '../../llm/measures.ts'
import type { Artifact } from '../../llm/types.ts'
import { Hash } from './hash.tsx'

type End = 'promote' | 'discard'

const QUESTIONS: Readonly<Record<End, string>> = {
  promote: 'It then decides every request of the organisation.',
  discard: 'It is forgotten, with its file.',
}

/** The question takes the place of the button that had the focus. */
const takeFocus = (button: HTMLButtonElement | null): void => button?.focus()

interface CanaryProps {
  api: LlmApi
  artifact: Artifact
  isAdmin: boolean
  onChanged: (artifact: Artifact) => void
}

/** The artifact that is tried on a share of conversations, and the two ways to end that. */
export const Canary = ({ api, artifact: { canary }, isAdmin, onChanged }: CanaryProps) => {
  const [asked, setAsked] = useState<End | null>(null)
  const [isBusy, setBusy] = useState(false)
  const [message, setMessage] = useState<{ text: string; isFault: boolean } | null>(null)

  const end = async (how: End) => {
    setBusy(true)
    try {
      onChanged(await api.endTrial(how))
      setMessage({ text: how === 'promote' ? 'It decides now.' : 'Discarded.', isFault: false })
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      setMessage({ text: error.message, isFault: true })
    }
    setBusy(false)
    setAsked(null)
  }

  return (
    <section aria-labelledby="canary-title" data-testid="canary">
      <div class="section-head">
        <h2 id="canary-title">On trial</h2>
      </div>
      {canary === null ? (
        <p class="muted">
          No artifact is tried. Train one with <code>npm run train:router</code> and send it with{' '}
          <code>PUT /api/v1/router/artifact?canary=0.05</code>.
        </p>
      ) : (
        <>
          <p>
            <Hash version={canary.version} /> on {share(canary.share)} of conversations, since{' '}
            {new Date(canary.updatedAt).toLocaleString('en-GB')}.
            {!canary.isUsed && (
              <span class="fault"> It is not used: the log of the service has the reason.</span>
            )}
          </p>
          {!isAdmin ? (
            <p class="muted">A key with the admin scope may promote or discard it.</p>
          ) : asked === null ? (
            <div class="button-group">
              <button
                type="button"
                class="button"
                data-testid="promote"
                onClick={() => setAsked('promote')}
              >
                Promote
              </button>
              <button
                type="button"
                class="button"
                data-testid="discard"
                onClick={() => setAsked('discard')}
              >
                Discard
              </button>
            </div>
          ) : (
            <div class="confirm" role="alertdialog" aria-labelledby="confirm-text">
              <p id="confirm-text">
                <b>{asked === 'promote' ? 'Promote it?' : 'Discard it?'}</b> {QUESTIONS[asked]}
              </p>
              <div class="button-group">
                <button
                  ref={takeFocus}
                  type="button"
                  class="button"
                  disabled={isBusy}
                  onClick={() => setAsked(null)}
                >
                  Cancel
                </button>
                <button
                  type="button"
                  class="button is-primary"
                  data-testid="confirm"
                  disabled={isBusy}
                  onClick={() => void end(asked)}
                >
                  {asked === 'promote' ? 'Promote' : 'Discard'}
                </button>
              </div>
            </div>
          )}
        </>
      )}
      <p class={message?.isFault ? 'fault' : 'muted'} role="status" data-testid="canary-message">
        {message?.text}
      </p>
    </section>
  )
}
