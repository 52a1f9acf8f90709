import { useState } from 'preact/hooks'
import type { Fleet } from '../fleet.ts'
import { ago, diskSize, memorySize } from '../format.ts'
import type { Vm } from '../types.ts'
import { useNow } from './hooks.ts'
import { lazy } from './lazy.tsx'
import { LifecycleActions } from './lifecycle-actions.tsx'
import { Notice } from './notice.tsx'
import { Percentiles } from './percentiles.tsx'
import { useVm, useVmHistory } from './use-vm.ts'
import { VmNow } from './vm-now.tsx'
import { STALE_MS } from './vm-row.tsx'

/** The chart library is half of the page's code, and the fleet does without it. */
const VmCharts = lazy(() => import('./vm-charts.tsx'))

const RANGES: readonly { label: string; title: string; ms: number }[] = [
  { label: '15 m', title: '15 minutes', ms: 15 * 60_000 },
  { label: '1 h', title: '1 hour', ms: 3_600_000 },
  { label: '6 h', title: '6 hours', ms: 6 * 3_600_000 },
  { label: '24 h', title: '24 hours', ms: 24 * 3_600_000 },
]

export const VmPage = ({ fleet, id }: { fleet: Fleet; id: string }) => {
  const { uuid, row, vm, error, setRead } = useVm(fleet, id)
  const [rangeMs, setRangeMs] = useState(15 * 60_000)
  const history = useVmHistory(fleet, uuid, rangeMs)
  useNow(1000)
  const nowMs = fleet.store.nowMs()

  if (vm === null) {
    return (
      <div class="vm-page" data-testid="vm-page">
        <BackLink />
        {error === null ? (
          <p class="muted" role="status">
            Loading…
          </p>
        ) : (
          <Notice
            tone="critical"
            title={error.problem.status === 404 ? 'No such VM' : 'The VM could not be read'}
          >
            <p>
              {error.problem.status === 404
                ? 'It was deleted, or the address is wrong. Go back to the fleet to find it.'
                : error.message}
            </p>
          </Notice>
        )}
      </div>
    )
  }
  const seenMs = row?.latest?.timestamp ?? history.series?.lastTimestamp ?? null
  const isStale = seenMs !== null && nowMs - seenMs > STALE_MS
  return (
    <div class="vm-page" data-testid="vm-page" data-vm-id={vm.id}>
      <BackLink />
      <header class="vm-header">
        <div>
          <h1>{vm.name}</h1>
          <p class="vm-identity">
            <span class="vm-status" data-testid="vm-status">
              <i class={`status-dot is-${vm.status}`} aria-hidden="true" />
              {vm.status}
            </span>
            {identityOf(vm).map((text) => (
              <span key={text}>{text}</span>
            ))}
          </p>
        </div>
        <LifecycleActions fleet={fleet} vm={vm} onChanged={setRead} />
      </header>
      {isStale && (
        <p class="stale-note" role="status">
          Last seen {ago(nowMs - seenMs)}: the values below are the last ones that came.
        </p>
      )}
      <VmNow vm={vm} row={row} series={history.series} isStale={isStale} />
      <div class="section-head">
        <h2>Over time</h2>
        <fieldset class="segmented">
          <legend class="visually-hidden">Range</legend>
          {RANGES.map((range) => (
            <button
              key={range.ms}
              type="button"
              aria-pressed={range.ms === rangeMs}
              title={range.title}
              data-testid={`range-${range.label.replace(' ', '')}`}
              onClick={() => setRangeMs(range.ms)}
            >
              {range.label}
            </button>
          ))}
        </fieldset>
      </div>
      {history.error !== null && (
        <p class="fault" role="alert">
          The history could not be read: {history.error.message} It is tried again every minute.
        </p>
      )}
      {history.series === null ? (
        <div class="charts is-loading" aria-hidden="true">
          <i />
          <i />
          <i />
          <i />
        </div>
      ) : history.series.length === 0 ? (
        <p class="no-samples">No samples in this range. A longer one may have some.</p>
      ) : (
        <VmCharts series={history.series} nowMs={nowMs} rangeMs={rangeMs} />
      )}
      <Percentiles statistics={history.statistics} />
    </div>
  )
}

const BackLink = () => (
  <a class="back" href="#/">
    ← Fleet
  </a>
)

const identityOf = (vm: Vm): string[] => [
  vm.region,
  vm.instance_type,
  `${vm.cpu_cores} ${vm.cpu_cores === 1 ? 'core' : 'cores'}`,
  memorySize(vm.memory_mb),
  `${diskSize(vm.disk_gb)} disk`,
  `since ${new Date(vm.created_at).toLocaleDateString('en-GB', { dateStyle: 'medium' })}`,
]
