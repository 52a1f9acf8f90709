import { useEffect, useRef, useState } from 'preact/hooks'
import { ApiError } from '../api.ts'
import type { Fleet } from '../fleet.ts'
import { Series } from '../series.ts'
import type { MetricsAnswer, Vm } from '../types.ts'
import { useRedraw } from './hooks.ts'

/** The VM that a page is about: the fleet's row where there is one, else read by itself. */
export const useVm = (fleet: Fleet, id: string) => {
  const [read, setRead] = useState<Vm | null>(null)
  const [error, setError] = useState<ApiError | null>(null)
  const uuid = read?.id ?? id
  const [row, setRow] = useState(() => fleet.store.rows.get(uuid) ?? null)

  useEffect(() => {
    // Most frames are about other VMs: the state then stays the same object, and nothing is drawn.
    const update = () => setRow(fleet.store.rows.get(uuid) ?? null)
    update()
    return fleet.store.subscribe(update)
  }, [fleet, uuid])
  useEffect(() => {
    let isGone = false
    fleet.api.vm(id).then(
      (vm) => isGone || setRead(vm),
      (reason) => isGone || (reason instanceof ApiError && setError(reason)),
    )
    return () => {
      isGone = true
    }
  }, [fleet, id])

  return { uuid, row, vm: row ?? read, error: row === null ? error : null, setRead }
}

export interface VmHistory {
  readonly series: Series | null
  readonly statistics: MetricsAnswer['statistics_24h']
  readonly error: ApiError | null
}

const EMPTY: VmHistory = { series: null, statistics: null, error: null }

/** Percentiles move slowly: they are read again with the whole range. */
const REREAD_MS = 60_000

/** Up to this range every sample is drawn, so that a VM that has just begun shows more than two minutes. */
const RAW_RANGE_MS = 3_600_000

const readRange = async (fleet: Fleet, id: string, rangeMs: number): Promise<MetricsAnswer> => {
  const fromMs = fleet.store.nowMs() - rangeMs
  if (rangeMs <= RAW_RANGE_MS) {
    const raw = await fleet.api.metrics(id, fromMs, 'raw')
    if (raw.columns.timestamp.length > 0 && !raw.truncated) return raw
  }
  return fleet.api.metrics(id, fromMs)
}

/** One VM's samples over a range, kept live by its own topic. */
export const useVmHistory = (fleet: Fleet, id: string, rangeMs: number): VmHistory => {
  const [history, setHistory] = useState<VmHistory>(EMPTY)
  const series = useRef<Series | null>(null)
  const redraw = useRedraw()

  useEffect(() => {
    let isGone = false
    series.current = null
    const read = async () => {
      try {
        const answer = await readRange(fleet, id, rangeMs)
        if (isGone) return
        series.current = new Series(answer, rangeMs)
        setHistory({ series: series.current, statistics: answer.statistics_24h, error: null })
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        if (!isGone) setHistory((held) => ({ ...held, error }))
      }
    }
    void read()
    const timer = setInterval(() => void read(), REREAD_MS)
    return () => {
      isGone = true
      clearInterval(timer)
    }
  }, [fleet, id, rangeMs])

  useEffect(
    () =>
      fleet.watch(id, (update) => {
        if (series.current === null || update.points === undefined) return
        series.current.append(update.points)
        series.current.trim(fleet.store.nowMs())
        redraw()
      }),
    [fleet, id],
  )
  return history
}
