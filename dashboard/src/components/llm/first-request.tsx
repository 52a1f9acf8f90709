import { clientSnippet } from '../../llm/client-snippets.ts'
import { routeTo } from '../../route.ts'
import { Snippet } from '../command.tsx'

/** No request yet: how to send the first one. */
export const FirstRequest = ({ apiKey, title }: { apiKey: string; title: string }) => (
  <div class="llm-empty" data-testid="llm-empty">
    <h2>{title}</h2>
    <p>
      Point an OpenAI client here: its base URL is <code>{location.origin}/v1</code>, and the model{' '}
      <code>auto</code> lets the router choose. What it sends appears within seconds.
    </p>
    <Snippet
      text={(key) => clientSnippet('curl', location.origin, key)}
      apiKey={apiKey}
      label="Copy the curl command"
    />
    <p>
      <a href={routeTo({ page: 'connect', search: 'source=llm' })}>
        The same in Python and JavaScript, for the clients of OpenAI and Anthropic
      </a>
    </p>
  </div>
)
