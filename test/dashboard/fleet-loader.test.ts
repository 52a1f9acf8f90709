import { beforeEach, describe, expect, it } from 'vitest'
import { ApiError } from '../../dashboard/src/api.ts'
import {
  FIRST_PAGE_ROWS,
  FleetLoader,
  type LoadState,
  NEXT_PAGE_ROWS,
  REFRESH_SPACING_MS,
  SINGLE_READS_MAX,
} from '../../dashboard/src/fleet-loader.ts'
import { FleetStore } from '../../dashboard/src/fleet-store.ts'
import type { DashboardPage, FleetRow, Vm } from '../../dashboard/src/types.ts'
import { rowOf, vmOf } from './fleet-rows.ts'
import { FakeClock } from './live-fakes.ts'

let clock: FakeClock
let fleet: FleetRow[]
let calls: string[]
let fault: ApiError | null
let states: LoadState[]
let unauthorized: number
let store: FleetStore
let loader: FleetLoader

const dashboard = async (limit: number, cursor: string | null): Promise<DashboardPage> => {
  calls.push(`dashboard ${limit} ${cursor}`)
  if (fault !== null) throw fault
  const from = Number(cursor ?? 0)
  const end = from + limit
  return {
    vms: fleet.slice(from, end),
    summary: {
      total: fleet.length,
      by_status: { running: fleet.length, starting: 0, stopping: 0, stopped: 0 },
      cpu_avg: null,
      memory_avg: null,
      health_avg: null,
      total_hourly_cost: 0,
    },
    next_cursor: end < fleet.length ? String(end) : null,
    generated_at: clock.nowMs,
  }
}

const vm = async (id: string): Promise<Vm> => {
  calls.push(`vm ${id}`)
  if (fault !== null) throw fault
  return vmOf(id, { status: 'stopping' })
}

beforeEach(() => {
  clock = new FakeClock()
  fleet = [rowOf('a'), rowOf('b')]
  calls = []
  fault = null
  states = []
  unauthorized = 0
  store = new FleetStore({ nowMs: () => clock.nowMs, requestFrame: (run) => run() })
  loader = new FleetLoader(
    { dashboard, vm },
    store,
    {
      nowMs: () => clock.nowMs,
      random: () => 0,
      setTimer: (callback, delayMs) => clock.setTimer(callback, delayMs),
      clearTimer: (timer) => clock.clearTimer(timer),
    },
    {
      loadStateChanged: (state) => states.push(state),
      unauthorized: () => {
        unauthorized += 1
      },
    },
  )
})

describe('fleet loader', () => {
  it('shows a small first page and follows the cursors through 10,000 VMs', async () => {
    fleet = Array.from({ length: 10_000 }, (_, i) => rowOf(`vm-${i}`))
    await loader.refresh()
    expect(calls[0]).toBe(`dashboard ${FIRST_PAGE_ROWS} null`)
    expect(calls[1]).toBe(`dashboard ${NEXT_PAGE_ROWS} ${FIRST_PAGE_ROWS}`)
    expect(store.rows.size).toBe(10_000)
    expect(states[0]).toEqual({ kind: 'partial', total: 10_000 })
    expect(loader.state.kind).toBe('ready')
  })

  it('reads once for many announcements, and not again before the spacing', async () => {
    await loader.refresh()
    for (let i = 0; i < 50; i += 1) loader.requestRefresh()
    await clock.advance(REFRESH_SPACING_MS - 1)
    expect(calls).toHaveLength(1)
    await clock.advance(1)
    expect(calls).toHaveLength(2)
  })

  it('reads again after a reading that something overtook, without interrupting it', async () => {
    const reading = loader.refresh()
    void loader.refresh()
    await reading
    await clock.advance(REFRESH_SPACING_MS)
    expect(calls).toHaveLength(2)
  })

  it('says why it failed and when it tries again, no sooner than it was told', async () => {
    fault = new ApiError({ title: 'Unavailable', status: 503 }, 7000)
    await loader.refresh()
    expect(loader.state).toMatchObject({ kind: 'failed', retryAtMs: clock.nowMs + 7000 })
    fault = null
    await clock.advance(7000)
    expect(loader.state.kind).toBe('ready')
  })

  it('reports a refused key and does not try it again', async () => {
    fault = new ApiError({ title: 'Unauthorized', status: 401 })
    await loader.refresh()
    await clock.advance(120_000)
    expect(unauthorized).toBe(1)
    expect(calls).toHaveLength(1)
  })

  it('reads a changed VM by itself and drops one that is gone', async () => {
    await loader.refresh()
    loader.vmChanged('a', 'updated')
    loader.vmChanged('b', 'deleted')
    await clock.advance(200)
    expect(store.rows.get('a')?.status).toBe('stopping')
    expect(store.rows.has('b')).toBe(false)
    fault = new ApiError({ title: 'Not Found', status: 404 })
    loader.vmChanged('a', 'updated')
    await clock.advance(200)
    expect(store.rows.size).toBe(0)
  })

  it('reads the whole fleet for a new VM and for many changed ones', async () => {
    fleet = Array.from({ length: 40 }, (_, i) => rowOf(`vm-${i}`))
    await loader.refresh()
    loader.vmChanged('unheard-of', 'created')
    await clock.advance(REFRESH_SPACING_MS)
    expect(calls).toHaveLength(2)
    for (const { id } of fleet.slice(0, SINGLE_READS_MAX + 1)) loader.vmChanged(id, 'updated')
    await clock.advance(REFRESH_SPACING_MS + 200)
    expect(calls).toHaveLength(3)
  })

  it('does nothing more once stopped', async () => {
    await loader.refresh()
    loader.requestRefresh()
    loader.stop()
    await clock.advance(60_000)
    expect(calls).toHaveLength(1)
  })
})
