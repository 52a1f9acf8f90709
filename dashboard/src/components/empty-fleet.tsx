import { routeTo } from '../route.ts'
import { agentCommand, Command } from './command.tsx'
import { Notice } from './notice.tsx'

/** No VM yet: the ways to get one on the page, ready to paste. */
export const EmptyFleet = ({ apiKey }: { apiKey: string }) => {
  const origin = location.origin
  return (
    <div class="empty" data-testid="empty-state">
      <h1>No machines yet</h1>
      <p>
        The page fills by itself as soon as the first one reports. Run the agent on a machine, or
        send samples from what you already have.
      </p>
      <h2>Run the agent</h2>
      <p class="muted">
        On any Linux machine with this repository. It registers the machine and reports every
        second.
      </p>
      <Command text={agentCommand(origin)} apiKey={apiKey} label="Copy the agent command" />
      <h2>Or send samples yourself</h2>
      <p class="muted">Name the VM once, then post a sample. Each metric is optional.</p>
      <Command text={curlCommands(origin)} apiKey={apiKey} label="Copy the curl commands" />
      <h2>Or connect what you have</h2>
      <p>
        Prometheus, an OpenTelemetry Collector or Telegraf sends here when its address changes:{' '}
        <a href={routeTo({ page: 'connect', search: '' })}>configurations to copy</a>.
      </p>
    </div>
  )
}

const curlCommands = (origin: string): string => `curl ${origin}/api/v1/vms \\
  -H "authorization: Bearer $GJALLAR_KEY" -H 'content-type: application/json' \\
  -d '{"name":"web-1","status":"running","cpu_cores":4,"memory_mb":8192,"disk_gb":80}'

curl ${origin}/api/v1/metrics \\
  -H "authorization: Bearer $GJALLAR_KEY" -H 'content-type: application/json' \\
  -d '{"samples":[{"vm":"web-1","timestamp":'$(date +%s000)',"cpu_usage":42.5,"memory_usage":61}]}'`

/** Below a table with room to spare. */
export const AddMachine = ({ apiKey }: { apiKey: string }) => (
  <section class="add-machine" aria-labelledby="add-machine-title">
    <h2 id="add-machine-title">Add another machine</h2>
    <Command text={agentCommand(location.origin)} apiKey={apiKey} label="Copy the agent command" />
    <p>
      Or{' '}
      <a href={routeTo({ page: 'connect', search: '' })}>
        connect Prometheus, OpenTelemetry or Telegraf
      </a>
      .
    </p>
  </section>
)

export const NoMatch = ({ onClear }: { onClear: () => void }) => (
  <Notice
    tone="calm"
    title="No VM matches"
    action={{ label: 'Clear the filters', run: onClear }}
    testId="no-match"
  >
    <p>Every VM is filtered out. Use less of the name, or another status or health.</p>
  </Notice>
)
