import type { ComponentChildren } from 'preact'
import { count, percent } from '../../format.ts'
import { DECISION_HOURS } from '../../llm/address.ts'
import type { LlmApi } from '../../llm/llm-api.ts'
import { milliseconds, share } from '../../llm/measures.ts'
import { usd } from '../../llm/money.ts'
import {
  BUCKETS,
  type DecisionGroup,
  type Quantiles,
  type RouterStatistics,
} from '../../llm/types.ts'
import { FirstRequest } from './first-request.tsx'
import { Bar, Figure, Panel, RangeChoice } from './panel.tsx'
import { usePolled } from './use-polled.ts'

const POLL_MS = 5_000

interface DecisionsViewProps {
  api: LlmApi
  apiKey: string
  hours: number
  onHours: (hours: number) => void
}

/** What the router decided, what that saved, and how fast the models were. */
export const DecisionsView = ({ api, apiKey, hours, onHours }: DecisionsViewProps) => {
  const polled = usePolled(String(hours), (signal) => api.statistics(hours, signal), POLL_MS)
  return (
    <>
      <div class="range-line">
        <RangeChoice choices={DECISION_HOURS} hours={hours} onHours={onHours} />
      </div>
      <Panel polled={polled} what="The statistics of the router">
        {(statistics) =>
          statistics.total.decisions === 0 ? (
            <FirstRequest apiKey={apiKey} title="No decisions in this time" />
          ) : (
            <Statistics statistics={statistics} />
          )
        }
      </Panel>
    </>
  )
}

const Statistics = ({ statistics }: { statistics: RouterStatistics }) => {
  const { total, savings, buckets, models, relativeErrorMax, truncated } = statistics
  const { latencyMs, timeToFirstTokenMs } = total
  return (
    <>
      <section class="now" aria-label="Summary" data-testid="routing-summary">
        <Figure
          name="Decisions"
          value={count(total.decisions)}
          note={`${count(total.served)} served`}
          testId="decisions"
        />
        <Figure
          name="Saved, estimated"
          value={usd(savings.usd)}
          note={`${share(savings.ratio)} of ${usd(total.strongCostUsd)}`}
          testId="savings"
        />
        <Figure
          name="Latency p50"
          value={milliseconds(latencyMs?.p50)}
          note={`p95 ${milliseconds(latencyMs?.p95)}, p99 ${milliseconds(latencyMs?.p99)}`}
        />
        <Figure
          name="First token p50"
          value={milliseconds(timeToFirstTokenMs?.p50)}
          note={
            timeToFirstTokenMs === null
              ? 'of streams alone'
              : `p95 ${milliseconds(timeToFirstTokenMs.p95)}, p99 ${milliseconds(timeToFirstTokenMs.p99)}`
          }
        />
        <Figure name="Failed" value={count(total.errors)} />
      </section>
      <GroupTable
        title="By bucket"
        testId="buckets"
        total={total.decisions}
        groups={inOrder(buckets).map(({ bucket, ...group }) => ({
          ...group,
          name: bucket,
          label: <b class={`bucket-name is-${bucket}`}>{bucket}</b>,
        }))}
      />
      <GroupTable
        title="By model"
        testId="models"
        total={total.decisions}
        groups={models.map(({ model, ...group }) => ({ ...group, name: model, label: model }))}
      />
      <p class="llm-note">
        Whole hours, the present one included. Saved is what the dearest candidate of the hard
        bucket would have cost for the same tokens, less the cost of what was chosen; requests of
        which only the decision was asked count with what they would cost. Percentiles come from a
        sketch: each is within ±{percent(relativeErrorMax * 100, 2)} % of its own value.
        {truncated && ' There was more than one answer holds: the oldest hours are not counted.'}
      </p>
    </>
  )
}

interface GroupTableProps {
  title: string
  testId: string
  /** Decisions of all groups. */
  total: number
  groups: readonly (DecisionGroup & { name: string; label: ComponentChildren })[]
}

const GroupTable = ({ title, testId, total, groups }: GroupTableProps) => (
  <section aria-labelledby={`${testId}-title`}>
    <div class="section-head">
      <h2 id={`${testId}-title`}>{title}</h2>
    </div>
    <div class="table-scroll">
      <table class="llm-table" data-testid={testId}>
        <thead>
          <tr>
            <th scope="col">{testId === 'buckets' ? 'Bucket' : 'Model'}</th>
            <th scope="col">Decisions</th>
            <th scope="col" class="c-number">
              Failed
            </th>
            <th scope="col" class="c-number">
              Cost
            </th>
            <th scope="col" class="c-number" title="For the same tokens">
              Always strong
            </th>
            <th scope="col" class="c-number">
              Latency p50 · p95 · p99
            </th>
            <th scope="col" class="c-number">
              First token p50 · p95 · p99
            </th>
          </tr>
        </thead>
        <tbody>
          {groups.map((group) => (
            <tr key={group.name}>
              <th scope="row">{group.label}</th>
              <td class="c-share">
                {count(group.decisions)} <small>{share(group.decisions / total)}</small>
                <Bar ratio={group.decisions / total} tone={barTone(group.name)} />
              </td>
              <td class="c-number">{count(group.errors)}</td>
              <td class="c-number">{usd(group.costUsd)}</td>
              <td class="c-number muted">{usd(group.strongCostUsd)}</td>
              <td class="c-number">{quantilesText(group.latencyMs)}</td>
              <td class="c-number">{quantilesText(group.timeToFirstTokenMs)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  </section>
)

const BUCKET_NAMES: readonly string[] = BUCKETS

const barTone = (name: string): string => (BUCKET_NAMES.includes(name) ? `bucket-${name}` : 'cpu')

/** From cheap to hard, whatever has more. */
const inOrder = <T extends { readonly bucket: string }>(groups: readonly T[]): T[] =>
  [...groups].sort((a, b) => BUCKET_NAMES.indexOf(a.bucket) - BUCKET_NAMES.indexOf(b.bucket))

const quantilesText = (quantiles: Quantiles | null): string =>
  quantiles === null
    ? '–'
    : [quantiles.p50, quantiles.p95, quantiles.p99].map(milliseconds).join(' · ')
