import type { ComponentChildren } from 'preact'
import { count } from '../../format.ts'
import { milliseconds, share } from '../../llm/measures.ts'
import { usd } from '../../llm/money.ts'
import { BUCKETS, type DecisionGroup, type Quantiles } from '../../llm/types.ts'
import { Bar } from './panel.tsx'

interface GroupTableProps {
  title: string
  testId: string
  /** Decisions of all groups. */
  total: number
  groups: readonly (DecisionGroup & { name: string; label: ComponentChildren })[]
}

/** Decisions by bucket or by model: how many, what they cost, and how fast the answers came. */
export const GroupTable = ({ title, testId, total, groups }: GroupTableProps) => (
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

const quantilesText = (quantiles: Quantiles | null): string =>
  quantiles === null
    ? '–'
    : [quantiles.p50, quantiles.p95, quantiles.p99].map(milliseconds).join(' · ')
