import { useState } from 'preact/hooks'
import { count, NOTHING } from '../../format.ts'
import type { LlmApi } from '../../llm/llm-api.ts'
import { readReport } from '../../llm/report.ts'
import type { Artifact } from '../../llm/types.ts'
import { ArtifactUses } from './artifact-uses.tsx'
import { Canary } from './canary.tsx'
import { Hash } from './hash.tsx'
import { Panel } from './panel.tsx'
import { QualityTable } from './quality-table.tsx'
import { usePolled } from './use-polled.ts'

const POLL_MS = 10_000

const SOURCES: Readonly<Record<Artifact['source'], string>> = {
  shipped: 'shipped with the service',
  url: 'loaded from ROUTER_ARTIFACT_URL',
  organisation: "the organisation's own",
}

interface ArtifactViewProps {
  api: LlmApi
  isAdmin: boolean
}

/** The artifact that decides, the one that is tried beside it, and what the training says of it. */
export const ArtifactView = ({ api, isAdmin }: ArtifactViewProps) => {
  const polled = usePolled('artifact', (signal) => api.artifact(signal), POLL_MS)
  /** What the last promotion or discard answered, until the next poll. */
  const [changed, setChanged] = useState<{ after: Artifact | null; artifact: Artifact } | null>(
    null,
  )
  return (
    <Panel polled={polled} what="The artifact">
      {(read) => {
        const artifact = changed?.after === read ? changed.artifact : read
        return (
          <>
            <Identity artifact={artifact} />
            <div class="section-head">
              <h2>What it did</h2>
            </div>
            <ArtifactUses artifact={artifact} />
            <Canary
              api={api}
              artifact={artifact}
              isAdmin={isAdmin}
              onChanged={(next) => setChanged({ after: read, artifact: next })}
            />
            <QualityTable sets={readReport(artifact.report)} models={artifact.models} />
          </>
        )
      }}
    </Panel>
  )
}

const moment = (instant: string | null | undefined): string =>
  instant == null ? NOTHING : new Date(instant).toLocaleString('en-GB')

const Identity = ({ artifact }: { artifact: Artifact }) => {
  const { version, source, updatedAt, address, alpha, thresholds, clusters, features } = artifact
  return (
    <dl class="facts" data-testid="artifact">
      <div>
        <dt>Version</dt>
        <dd>
          <Hash version={version} />
        </dd>
      </div>
      <div>
        <dt>Source</dt>
        <dd>{SOURCES[source]}</dd>
      </div>
      <div>
        <dt>{source === 'organisation' ? 'Put' : 'Loaded'}</dt>
        <dd>{source === 'shipped' ? 'with the service' : moment(updatedAt)}</dd>
      </div>
      <div>
        <dt>Built of</dt>
        <dd>
          {count(features.length)} features, {count(clusters)} clusters
        </dd>
      </div>
      <div>
        <dt>Difficulty</dt>
        <dd>
          cheap below {thresholds.cheap}, hard from {thresholds.hard}
        </dd>
      </div>
      <div>
        <dt>α</dt>
        <dd>{alpha}</dd>
      </div>
      {address !== null && (
        <div>
          <dt>Address asked</dt>
          <dd>
            {moment(address.checkedAt)}
            {address.lastFailure !== null && (
              <small class="facts-fault is-warning-text">
                failed {moment(address.lastFailure.at)}: {address.lastFailure.reason}
              </small>
            )}
          </dd>
        </div>
      )}
    </dl>
  )
}
