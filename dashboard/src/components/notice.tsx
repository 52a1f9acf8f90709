import type { ComponentChildren } from 'preact'

interface NoticeProps {
  tone: 'critical' | 'warning' | 'calm'
  title: string
  children: ComponentChildren
  action?: { label: string; run: () => void }
  testId?: string
}

/** A state of the whole page that says what happened and what to do about it. */
export const Notice = ({ tone, title, children, action, testId }: NoticeProps) => (
  <section
    class={`notice is-${tone}`}
    role={tone === 'calm' ? undefined : 'alert'}
    data-testid={testId}
  >
    <h2>{title}</h2>
    {children}
    {action !== undefined && (
      <button type="button" class="button is-primary" onClick={action.run}>
        {action.label}
      </button>
    )}
  </section>
)
