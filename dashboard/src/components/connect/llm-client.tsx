import { useState } from 'preact/hooks'
import { CLIENTS, type ClientId, clientSnippet } from '../../llm/client-snippets.ts'
import { routeTo } from '../../route.ts'
import { Snippet } from '../command.tsx'

interface LlmClientProps {
  origin: string
  apiKey: string
}

/** How a client of language models is pointed here. */
export const LlmClient = ({ origin, apiKey }: LlmClientProps) => {
  const [client, setClient] = useState<ClientId>('openai-python')
  return (
    <>
      <p>
        Clients of OpenAI and Anthropic ask here when their base URL and key change. The model{' '}
        <code>auto</code> lets the router choose; <code>gjallar/cheap</code>,{' '}
        <code>gjallar/mid</code> and <code>gjallar/hard</code> say how able it is to be, and{' '}
        <code>provider/model</code> goes straight.
      </p>
      <fieldset class="segmented clients">
        <legend class="visually-hidden">Client</legend>
        {CLIENTS.map(({ id, label }) => (
          <button
            key={id}
            type="button"
            aria-pressed={id === client}
            data-testid={`client-${id}`}
            onClick={() => setClient(id)}
          >
            {label}
          </button>
        ))}
      </fieldset>
      <Snippet
        text={(key) => clientSnippet(client, origin, key)}
        apiKey={apiKey}
        label="Copy the code of the client"
      />
      <p class="muted">
        A key with the write scope is needed. Requests appear under{' '}
        <a href={routeTo({ page: 'gateway', search: '' })}>Gateway</a>, decisions under{' '}
        <a href={routeTo({ page: 'routing', search: '' })}>Routing</a>. <code>GET /v1/models</code>{' '}
        lists the models.
      </p>
    </>
  )
}
