import { useMemo } from 'preact/hooks'
import { QueryApi } from '../../explore/query-api.ts'
import type { Fleet } from '../../fleet.ts'
import { count } from '../../format.ts'
import { routeTo } from '../../route.ts'
import { Tabs } from '../tabs.tsx'
import { INSTRUCTIONS, SOURCES, type SourceId } from './sources.tsx'
import { useArrivals } from './use-arrivals.ts'
import '../../styles/connect.css'

interface ConnectPageProps {
  fleet: Fleet
  scopes: readonly string[]
  /** What the address says behind `#/connect?`. */
  search: string
}

export const ConnectPage = ({ fleet, scopes, search }: ConnectPageProps) => {
  const api = useMemo(() => new QueryApi(fleet.key), [fleet.key])
  const wanted = new URLSearchParams(search).get('source')
  const source = SOURCES.find(({ id }) => id === wanted)?.id ?? 'prometheus'
  const Instructions = INSTRUCTIONS[source]
  const select = (id: SourceId) => {
    location.hash = routeTo({ page: 'connect', search: `source=${id}` })
  }
  return (
    <div class="connect-page" data-testid="connect-page">
      <h1>Connect a source</h1>
      <p class="muted">
        What you have already sends here when its address changes. Copying puts your key where the
        dots are.
      </p>
      {!scopes.includes('write') && (
        <p class="note">
          The key of this page may only read. Put one with the write scope in its place to send.
        </p>
      )}
      {source !== 'llm' && <Waiting fleet={fleet} api={api} />}
      <Tabs
        name="source"
        label="What is connected"
        tabs={SOURCES}
        selected={source}
        onSelect={select}
      >
        <Instructions key={source} origin={location.origin} apiKey={fleet.key} />
      </Tabs>
      {source !== 'llm' && <NamingVms />}
    </div>
  )
}

const Waiting = ({ fleet, api }: { fleet: Fleet; api: QueryApi }) => {
  const arrivals = useArrivals(api)
  const vms = fleet.store.rows.size
  const hasSample = [...fleet.store.rows.values()].some(({ latest }) => latest !== null)
  const explore = <a href={routeTo({ page: 'explore', search: '' })}>Explore</a>
  const metrics = arrivals.kind === 'arrived' ? arrivals.metrics : 0
  if (metrics > 0 || hasSample)
    return (
      <p class="arrivals is-arrived" role="status" data-testid="arrivals">
        <i class="arrivals-dot" aria-hidden="true" />
        <span>
          Samples are here
          {metrics > 0 && arrivals.kind === 'arrived' && (
            <>
              : {count(metrics)}
              {arrivals.isMore ? ' metrics or more' : metrics === 1 ? ' metric' : ' metrics'}
            </>
          )}
          . {metrics > 0 && <>See them in {explore}</>}
          {metrics > 0 && hasSample && ' and in '}
          {metrics === 0 && hasSample && 'See them in '}
          {hasSample && (
            <a href="#/">
              the fleet of {count(vms)} {vms === 1 ? 'VM' : 'VMs'}
            </a>
          )}
          .
        </span>
      </p>
    )
  return (
    <p class="arrivals" role="status" data-testid="arrivals">
      <i class="arrivals-dot" aria-hidden="true" />
      <span>
        {arrivals.kind === 'failed'
          ? `It is not known whether samples came: ${arrivals.reason}`
          : 'Waiting for the first sample…'}
      </span>
    </p>
  )
}

const NamingVms = () => (
  <section aria-labelledby="naming-title">
    <h2 id="naming-title">How a series finds its VM</h2>
    <p>
      A VM is made by the first host metric of its machine (node_exporter, OpenTelemetry host
      metrics, Telegraf), by the agent, or with <code>POST /api/v1/vms</code>. A series belongs to
      it when one of these labels has its name or id; the first that does is taken:
    </p>
    <ul class="vm-labels">
      <li>
        <code>vm</code>
      </li>
      <li>
        <code>instance</code> <span class="muted">without the port, as Prometheus sets it</span>
      </li>
      <li>
        <code>host.name</code> <span class="muted">of OpenTelemetry, also as host_name</span>
      </li>
      <li>
        <code>host</code> <span class="muted">of Telegraf</span>
      </li>
      <li>
        <code>service.instance.id</code>{' '}
        <span class="muted">of OpenTelemetry, also as service_instance_id</span>
      </li>
    </ul>
    <p>
      Series of no VM are kept all the same, with all their labels:{' '}
      <a href={routeTo({ page: 'explore', search: '' })}>Explore</a> finds them.
    </p>
  </section>
)

export default ConnectPage
