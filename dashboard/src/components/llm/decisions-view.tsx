import { count, percent } from '../../format.ts'
import { DECISION_HOURS } from '../../llm/address.ts'
import type { LlmApi } from '../../llm/llm-api.ts'
import { milliseconds, share } from '../../llm/measures.ts'
import { usd } from '../../llm/money.ts'
import { BUCKETS, type RouterStatistics } from '../../llm/types.ts'
import { FirstRequest } from './first-request.tsx'
import { GroupTable } from './group-table.tsx'
import { Figure, Panel, RangeChoice } from './panel.tsx'
import { usePolled } from './use-polled.ts'

const ORDER: readonly string[] = BUCKETS
/** Ranges beyond a day are many sketches to merge, and move slowly. */
const pollMsOf = (hours: number): number => (hours <= 24 ? 5_000 : 30_000)

interface DecisionsViewProps {
  api: LlmApi
  apiKey: string
  hours: number
  onHours: (hours: number) => void
}

/** What the router decided, what that saved, and how fast the models were. */
export const DecisionsView = ({ api, apiKey, hours, onHours }: DecisionsViewProps) => {
  const polled = usePolled(
    String(hours),
    (signal) => api.statistics(hours, signal),
    pollMsOf(hours),
  )
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

/** From cheap to hard, whatever has more. */
const inOrder = <T extends { readonly bucket: string }>(groups: readonly T[]): T[] =>
  [...groups].sort((a, b) => ORDER.indexOf(a.bucket) - ORDER.indexOf(b.bucket))
