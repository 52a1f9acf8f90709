import { describe, expect, it } from 'vitest'
import { FleetStore } from '../../dashboard/src/fleet-store.ts'
import type { DashboardPage, FleetRow } from '../../dashboard/src/types.ts'
import { rowOf, sampleAt, updateOf, vmOf } from './fleet-rows.ts'

const pageOf = (vms: FleetRow[]): DashboardPage => ({
  vms,
  summary: {
    total: vms.length,
    by_status: { running: vms.length, starting: 0, stopping: 0, stopped: 0 },
    cpu_avg: null,
    memory_avg: null,
    health_avg: null,
    total_hourly_cost: 0,
  },
  next_cursor: null,
  generated_at: 5000,
})

const makeStore = () => {
  const frames: (() => void)[] = []
  const store = new FleetStore({ nowMs: () => 4000, requestFrame: (run) => frames.push(run) })
  const draw = () => {
    for (const run of frames.splice(0)) run()
  }
  return { store, frames, draw }
}

describe('fleet store', () => {
  it('applies a burst of updates in one frame, the last of each VM winning', () => {
    const { store, frames, draw } = makeStore()
    store.mergePage(pageOf([rowOf('a'), rowOf('b')]))
    draw()
    let told = 0
    store.subscribe(() => {
      told += 1
    })
    for (let i = 0; i < 1000; i += 1) store.enqueue([updateOf('a', 2000 + i, i / 10)])
    expect(frames).toHaveLength(1)
    expect(store.rows.get('a')?.latest?.cpu_usage).toBe(40)
    draw()
    expect(told).toBe(1)
    expect(store.rows.get('a')?.latest?.cpu_usage).toBe(99.9)
  })

  it('does not replace rows that nothing was said about', () => {
    const { store, draw } = makeStore()
    store.mergePage(pageOf([rowOf('a'), rowOf('b')]))
    const before = store.rows.get('b')
    store.enqueue([updateOf('a', 2000, 1)])
    draw()
    expect(store.rows.get('b')).toBe(before)
  })

  it('keeps the newer measurements when a page read by HTTP is older', () => {
    const { store, draw } = makeStore()
    store.mergePage(pageOf([rowOf('a')]))
    store.enqueue([updateOf('a', 3000, 77)])
    draw()
    store.mergePage(pageOf([rowOf('a', { latest: sampleAt(2000, 5), status: 'stopping' })]))
    expect(store.rows.get('a')).toMatchObject({ status: 'stopping', latest: { cpu_usage: 77 } })
  })

  it('ignores an update older than what it holds', () => {
    const { store, draw } = makeStore()
    store.mergePage(pageOf([rowOf('a', { latest: sampleAt(5000, 5) })]))
    store.enqueue([updateOf('a', 4000, 99)])
    draw()
    expect(store.rows.get('a')?.latest?.cpu_usage).toBe(5)
  })

  it('names the VMs that it has no row for', () => {
    const { store } = makeStore()
    store.mergePage(pageOf([rowOf('a')]))
    expect(store.enqueue([updateOf('a', 2, 1), updateOf('new', 2, 1)])).toEqual(['new'])
  })

  it('forgets rows that a whole reading did not name', () => {
    const { store } = makeStore()
    store.mergePage(pageOf([rowOf('a'), rowOf('b')]))
    store.keepOnly(new Set(['b']))
    expect([...store.rows.keys()]).toEqual(['b'])
    expect(store.traceOf('a')).toBeNull()
  })

  it('takes over a state change and keeps the measurements', () => {
    const { store } = makeStore()
    store.mergePage(pageOf([rowOf('a')]))
    store.mergeVm(vmOf('a', { status: 'stopping' }))
    expect(store.rows.get('a')).toMatchObject({ status: 'stopping', latest: { cpu_usage: 40 } })
  })

  it('tells the time by the clock of the service', () => {
    const { store } = makeStore()
    store.mergePage(pageOf([rowOf('a')]))
    expect(store.nowMs()).toBe(5000)
  })
})
