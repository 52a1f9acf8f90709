import type { ComponentChildren } from 'preact'
import { Command, Snippet } from '../command.tsx'
import { LlmClient } from './llm-client.tsx'
import {
  collectorConfig,
  curlSamples,
  curlVm,
  grafanaSource,
  prometheusConfig,
  telegrafConfig,
} from './snippets.ts'

export const SOURCES = [
  { id: 'prometheus', label: 'Prometheus' },
  { id: 'opentelemetry', label: 'OpenTelemetry' },
  { id: 'telegraf', label: 'Telegraf' },
  { id: 'grafana', label: 'Grafana' },
  { id: 'curl', label: 'curl' },
  { id: 'llm', label: 'LLM client' },
] as const
export type SourceId = (typeof SOURCES)[number]['id']

interface SourceProps {
  origin: string
  apiKey: string
}

interface InstructionsProps {
  lead: ComponentChildren
  children: ComponentChildren
  then: ComponentChildren
}

const Instructions = ({ lead, children, then }: InstructionsProps) => (
  <>
    <p>{lead}</p>
    {children}
    <p class="muted">{then}</p>
  </>
)

const Prometheus = ({ origin, apiKey }: SourceProps) => (
  <Instructions
    lead={
      <>
        Add this to <code>prometheus.yml</code> and reload Prometheus. Remote write 1.0 and 2.0 are
        taken.
      </>
    }
    then={
      <>
        Every series that Prometheus scrapes appears within a scrape interval, with its labels.
        Those of node_exporter also fill the VM that their <code>instance</code> names.
      </>
    }
  >
    <Snippet
      text={(key) => prometheusConfig(origin, key)}
      apiKey={apiKey}
      label="Copy the Prometheus configuration"
    />
  </Instructions>
)

const Collector = ({ origin, apiKey }: SourceProps) => (
  <Instructions
    lead={
      <>
        A whole configuration of the OpenTelemetry Collector that reports its own machine; keep the{' '}
        <code>otlphttp</code> exporter if you have one already. SDKs send to the same address as
        OTLP/HTTP, in protobuf or JSON.
      </>
    }
    then={
      <>
        Names are translated as for Prometheus: <code>system.cpu.time</code> becomes{' '}
        <code>system_cpu_time_seconds_total</code>. The machine's own metrics fill the VM that{' '}
        <code>host.name</code> names.
      </>
    }
  >
    <Snippet
      text={(key) => collectorConfig(origin, key)}
      apiKey={apiKey}
      label="Copy the collector configuration"
    />
  </Instructions>
)

const Telegraf = ({ origin, apiKey }: SourceProps) => (
  <Instructions
    lead={
      <>
        The output is Telegraf's own for InfluxDB 2. Put it into <code>telegraf.conf</code>, beside
        the inputs that you want.
      </>
    }
    then={
      <>
        A field becomes a series named measurement_field, as <code>cpu_usage_idle</code>, with the
        tags as labels. The inputs above fill the VM that the tag <code>host</code> names.
      </>
    }
  >
    <Snippet
      text={(key) => telegrafConfig(origin, key)}
      apiKey={apiKey}
      label="Copy the Telegraf configuration"
    />
  </Instructions>
)

const Grafana = ({ origin, apiKey }: SourceProps) => (
  <Instructions
    lead={
      <>
        Grafana reads from here as from a Prometheus server. Save this in{' '}
        <code>provisioning/datasources/gjallar.yaml</code> and restart Grafana; or add a Prometheus
        data source by hand with the URL <code>{origin}</code> and the header{' '}
        <code>Authorization</code>.
      </>
    }
    then="Dashboards for Prometheus work with their variables and completion. A key with the read scope is enough."
  >
    <Snippet
      text={(key) => grafanaSource(origin, key)}
      apiKey={apiKey}
      label="Copy the Grafana data source"
    />
  </Instructions>
)

const Curl = ({ origin, apiKey }: SourceProps) => (
  <Instructions
    lead="Name a VM once, then post samples as JSON: of the VM itself, or of any series with labels."
    then={
      <>
        The answer counts what was accepted and says of every sample that was not why. Large batches
        go as NDJSON, one sample a line.
      </>
    }
  >
    <Command text={curlVm(origin)} apiKey={apiKey} label="Copy the command that names a VM" />
    <Command text={curlSamples(origin)} apiKey={apiKey} label="Copy the command that sends" />
  </Instructions>
)

export const INSTRUCTIONS: Readonly<Record<SourceId, (props: SourceProps) => ComponentChildren>> = {
  prometheus: Prometheus,
  opentelemetry: Collector,
  telegraf: Telegraf,
  grafana: Grafana,
  curl: Curl,
  llm: LlmClient,
}
