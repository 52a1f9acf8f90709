import { useMemo } from 'preact/hooks'
import {
  formatRouting,
  parseRouting,
  ROUTING_VIEWS,
  type RoutingAddress,
  type RoutingView,
} from '../../llm/address.ts'
import { LlmApi } from '../../llm/llm-api.ts'
import { routeTo } from '../../route.ts'
import { Tabs } from '../tabs.tsx'
import { ArtifactView } from './artifact-view.tsx'
import { DecisionsView } from './decisions-view.tsx'
import { TryView } from './try-view.tsx'
import '../../styles/series.css'
import '../../styles/llm.css'

const LABELS: Readonly<Record<RoutingView, string>> = {
  decisions: 'Decisions',
  try: 'Try a request',
  artifact: 'Artifact',
}
const TABS = ROUTING_VIEWS.map((id) => ({ id, label: LABELS[id] }))

interface RoutingPageProps {
  apiKey: string
  scopes: readonly string[]
  /** What the address says behind `#/routing?`. */
  search: string
}

export const RoutingPage = ({ apiKey, scopes, search }: RoutingPageProps) => {
  const api = useMemo(() => new LlmApi(apiKey), [apiKey])
  const address = useMemo(() => parseRouting(search), [search])
  const { view, hours } = address
  const show = (change: Partial<RoutingAddress>) => {
    location.hash = routeTo({ page: 'routing', search: formatRouting({ ...address, ...change }) })
  }
  return (
    <div class="llm-page" data-testid="routing-page">
      <h1>Routing</h1>
      <Tabs
        name="routing"
        label="What is shown of the router"
        tabs={TABS}
        selected={view}
        onSelect={(view) => show({ view })}
      >
        {view === 'decisions' && (
          <DecisionsView
            api={api}
            apiKey={apiKey}
            hours={hours}
            onHours={(hours) => show({ hours })}
          />
        )}
        {view === 'try' && <TryView api={api} />}
        {view === 'artifact' && <ArtifactView api={api} isAdmin={scopes.includes('admin')} />}
      </Tabs>
    </div>
  )
}

export default RoutingPage
