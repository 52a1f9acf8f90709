import { count } from '../../format.ts'
import { milliseconds, share, shortHash } from '../../llm/measures.ts'
import { nanoUsd } from '../../llm/money.ts'
import { type Artifact, type ArtifactCounts, BUCKETS } from '../../llm/types.ts'

/** What the artifact that decides did, beside the one that is tried. */
export const ArtifactUses = ({ artifact: { version, counts, canary } }: { artifact: Artifact }) => (
  <>
    <div class="table-scroll">
      <table class="llm-table" data-testid="artifact-uses">
        <caption class="visually-hidden">What artifacts decided and how it turned out</caption>
        <thead>
          <tr>
            <th scope="col">Artifact</th>
            {BUCKETS.map((bucket) => (
              <th key={bucket} scope="col" class="c-number">
                {bucket}
              </th>
            ))}
            <th scope="col" class="c-number">
              Failed
            </th>
            <th scope="col" class="c-number">
              Cost
            </th>
            <th scope="col" class="c-number" title="Feedback on success, since the beginning">
              Feedback
            </th>
            <th scope="col" class="c-number">
              Success
            </th>
            <th scope="col" class="c-number">
              Latency, mean
            </th>
          </tr>
        </thead>
        <tbody>
          <UseRow name="decides" version={version} counts={counts} />
          {canary !== null && (
            <UseRow name="is tried" version={canary.version} counts={canary.counts} />
          )}
        </tbody>
      </table>
    </div>
    <p class="llm-note">
      Decisions, failures and cost are of the last 7 days. Feedback is told with{' '}
      <code>POST /v1/feedback</code> and counts since the beginning.
    </p>
  </>
)

interface UseRowProps {
  name: string
  version: string
  counts: ArtifactCounts
}

const UseRow = ({ name, version, counts }: UseRowProps) => (
  <tr>
    <th scope="row">
      {name}
      <small>
        <code>{shortHash(version)}</code>
      </small>
    </th>
    {BUCKETS.map((bucket) => (
      <td key={bucket} class="c-number">
        {count(counts.decisions[bucket])}
      </td>
    ))}
    <td class="c-number">{count(counts.errors)}</td>
    <td class="c-number">{nanoUsd(counts.costNanoUsd)}</td>
    <td class="c-number">{count(counts.trials)}</td>
    <td class="c-number">{share(counts.successRate)}</td>
    <td class="c-number">{milliseconds(counts.latencyMeanMs)}</td>
  </tr>
)
