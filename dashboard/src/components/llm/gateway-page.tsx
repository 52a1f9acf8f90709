import { useMemo } from 'preact/hooks'
import { count } from '../../format.ts'
import {
  formatGateway,
  GATEWAY_VIEWS,
  type GatewayAddress,
  type GatewayView,
  parseGateway,
  SPEND_HOURS,
} from '../../llm/address.ts'
import { LlmApi } from '../../llm/llm-api.ts'
import { share, tokens } from '../../llm/measures.ts'
import { usd } from '../../llm/money.ts'
import { type SpendColumns, spendColumns, spendRange } from '../../llm/spend-columns.ts'
import { routeTo } from '../../route.ts'
import { Tabs } from '../tabs.tsx'
import { KeyTable } from './key-table.tsx'
import { Figure, Panel, RangeChoice } from './panel.tsx'
import { ProviderTable } from './provider-table.tsx'
import { RequestsView } from './requests-view.tsx'
import { SpendView } from './spend-view.tsx'
import { usePolled } from './use-polled.ts'
import '../../styles/series.css'
import '../../styles/llm.css'

/** What moves with every request is asked for again after so long. */
const POLL_MS = 5_000
/** Spend of more than a day moves slowly. */
const SPEND_POLL_MS = 30_000
/** Names of keys change by hand. */
const KEYS_POLL_MS = 30_000

const LABELS: Readonly<Record<GatewayView, string>> = {
  requests: 'Requests',
  spend: 'Spend',
  providers: 'Providers',
  keys: 'Keys',
}
const TABS = GATEWAY_VIEWS.map((id) => ({ id, label: LABELS[id] }))

interface GatewayPageProps {
  apiKey: string
  scopes: readonly string[]
  /** What the address says behind `#/gateway?`. */
  search: string
}

export const GatewayPage = ({ apiKey, scopes, search }: GatewayPageProps) => {
  const api = useMemo(() => new LlmApi(apiKey), [apiKey])
  const address = useMemo(() => parseGateway(search), [search])
  const { view, hours, by } = address
  const show = (change: Partial<GatewayAddress>) => {
    location.hash = routeTo({ page: 'gateway', search: formatGateway({ ...address, ...change }) })
  }
  const spend = usePolled(
    `${hours} ${by}`,
    async (signal) => {
      const { fromMs, step } = spendRange(hours, Date.now())
      return spendColumns(await api.spend(fromMs, step, by, signal))
    },
    hours <= 24 ? POLL_MS : SPEND_POLL_MS,
  )
  const isAdmin = scopes.includes('admin')
  const keys = usePolled('keys', async (signal) => (isAdmin ? api.keys(signal) : []), KEYS_POLL_MS)
  const nameOfKey = (id: string): string =>
    keys.data?.find((key) => key.id === id)?.name ?? `key ${id.slice(0, 8)}`

  return (
    <div class="llm-page" data-testid="gateway-page">
      <div class="section-head">
        <h1>Gateway</h1>
        <RangeChoice choices={SPEND_HOURS} hours={hours} onHours={(hours) => show({ hours })} />
      </div>
      <Figures columns={spend.data} isOld={spend.isOld} />
      <Tabs
        name="gateway"
        label="What is shown of the gateway"
        tabs={TABS}
        selected={view}
        onSelect={(view) => show({ view })}
      >
        {view === 'requests' && (
          <RequestsView
            api={api}
            apiKey={apiKey}
            filter={address}
            keys={keys.data ?? []}
            nameOfKey={nameOfKey}
            pollMs={POLL_MS}
            onFilter={show}
          />
        )}
        {view === 'spend' && (
          <Panel polled={spend} what="The spend">
            {(columns) => (
              <SpendView
                columns={columns}
                by={by}
                apiKey={apiKey}
                nameOfKey={nameOfKey}
                onBy={(by) => show({ by })}
              />
            )}
          </Panel>
        )}
        {view === 'providers' && <ProvidersView api={api} />}
        {view === 'keys' &&
          (isAdmin ? (
            <Panel polled={keys} what="The budgets of the keys">
              {(list) => <KeyTable keys={list} onShow={(key) => show({ view: 'requests', key })} />}
            </Panel>
          ) : (
            <p class="llm-note">Budgets are shown to keys with the admin scope.</p>
          ))}
      </Tabs>
    </div>
  )
}

const ProvidersView = ({ api }: { api: LlmApi }) => {
  const polled = usePolled('providers', (signal) => api.providers(signal), POLL_MS)
  return (
    <Panel polled={polled} what="The state of the providers">
      {(providers) => <ProviderTable providers={providers} />}
    </Panel>
  )
}

const Figures = ({ columns, isOld }: { columns: SpendColumns | null; isOld: boolean }) => {
  const total = columns?.total
  const errors = total?.errors ?? 0
  const requests = total?.requests ?? 0
  return (
    <section
      class={`now${isOld ? ' is-stale' : ''}`}
      aria-label="Summary"
      data-testid="gateway-summary"
    >
      <Figure name="Requests" value={total === undefined ? '–' : count(requests)} />
      <Figure name="Spend" value={usd(total?.costUsd)} testId="total-spend" />
      <Figure
        name="A request, mean"
        value={usd(requests === 0 ? null : (total?.costUsd ?? 0) / requests)}
      />
      <Figure name="Tokens in" value={total === undefined ? '–' : tokens(total.inputTokens)} />
      <Figure name="Tokens out" value={total === undefined ? '–' : tokens(total.outputTokens)} />
      <div class={errors > 0 ? 'is-warning' : undefined}>
        <h2>Failed</h2>
        <p class="figure">{total === undefined ? '–' : count(errors)}</p>
        {requests > 0 && <p class="figure-note">{share(errors / requests)} of requests</p>}
      </div>
    </section>
  )
}

export default GatewayPage
