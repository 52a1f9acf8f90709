import { beforeEach, describe, expect, it } from 'vitest'
import {
  HELLO_TIMEOUT_MS,
  LiveClient,
  type LiveState,
  PING_INTERVAL_MS,
  PONG_TIMEOUT_MS,
  RETRY_BASE_MS,
  RETRY_CAP_MS,
  retryDelayMs,
} from '../../dashboard/src/live.ts'
import { FakeClock, FakeSocket } from './live-fakes.ts'

let clock: FakeClock
let sockets: FakeSocket[]
let states: LiveState[]
let missed: number
let updates: string[]
let changes: string[]
let isSignedIn: boolean
let client: LiveClient

const socket = (): FakeSocket => {
  const last = sockets.at(-1)
  if (last === undefined) throw new Error('nothing was opened')
  return last
}
const hello = (epoch = 'e1', sequence = 0) =>
  socket().receive({ kind: 'hello', epoch, sequence, organisation: 'local' })
const subscribed = (sequence = 0) =>
  socket().receive({ kind: 'subscribed', topics: ['fleet'], sequence })
const update = (sequence: number, previous: number, id = 'a') =>
  socket().receive({ kind: 'update', topic: 'fleet', sequence, previous, vms: [{ id }] })

beforeEach(() => {
  clock = new FakeClock()
  sockets = []
  states = []
  updates = []
  changes = []
  missed = 0
  isSignedIn = true
  client = new LiveClient(
    {
      open: () => {
        sockets.push(new FakeSocket())
        return socket()
      },
      isSignedIn: async () => isSignedIn,
      nowMs: () => clock.nowMs,
      random: () => 0.5,
      setTimer: (callback, delayMs) => clock.setTimer(callback, delayMs),
      clearTimer: (timer) => clock.clearTimer(timer),
    },
    {
      stateChanged: (state) => states.push(state),
      updated: (topic, vms) => updates.push(`${topic}:${vms.map((vm) => vm.id).join()}`),
      vmChanged: (id, change) => changes.push(`${id} ${change}`),
      missed: () => {
        missed += 1
      },
    },
  )
  client.subscribe('fleet')
  client.start()
})

describe('live client', () => {
  it('subscribes after the hello and hands updates and changes on', () => {
    expect(socket().sent).toEqual([])
    hello()
    expect(client.state.kind).toBe('connected')
    expect(socket().sent).toEqual(['{"kind":"subscribe","topics":["fleet"]}'])
    subscribed()
    update(1, 0)
    socket().receive({
      kind: 'vm-changed',
      topic: 'fleet',
      sequence: 2,
      previous: 1,
      id: 'b',
      change: 'created',
    })
    expect(updates).toEqual(['fleet:a'])
    expect(changes).toEqual(['b created'])
    expect(missed).toBe(0)
  })

  it('subscribes and unsubscribes while connected', () => {
    hello()
    client.subscribe('vm:1')
    client.subscribe('vm:1')
    client.unsubscribe('vm:1')
    client.unsubscribe('vm:1')
    expect(socket().sent.slice(1)).toEqual([
      '{"kind":"subscribe","topics":["vm:1"]}',
      '{"kind":"unsubscribe","topics":["vm:1"]}',
    ])
  })

  it('does not call a jump a loss when nothing on its topic lies between', () => {
    hello()
    subscribed(3)
    update(4, 3)
    update(900, 4)
    expect(missed).toBe(0)
  })

  it('notices a gap on its topic and still applies the update', () => {
    hello()
    subscribed()
    update(1, 0)
    update(5, 4)
    expect(missed).toBe(1)
    expect(updates).toHaveLength(2)
  })

  it('ignores what it has seen already', () => {
    hello()
    subscribed()
    update(2, 0)
    update(2, 0)
    expect(updates).toHaveLength(1)
  })

  it('ignores frames of unknown kinds and broken text', () => {
    hello()
    socket().receive({ kind: 'weather', sequence: 1 })
    socket().receiveText('{"kind":"update"')
    socket().receiveText('pong')
    expect(client.state.kind).toBe('connected')
    expect(updates).toEqual([])
  })

  it.each([
    { epoch: 'e1', sequence: 1, misses: 0 },
    { epoch: 'e1', sequence: 2, misses: 1 },
    { epoch: 'e2', sequence: 1, misses: 1 },
  ])('back at epoch $epoch, number $sequence: $misses re-reading', async (back) => {
    hello()
    subscribed()
    update(1, 0)
    socket().end()
    await clock.advance(RETRY_BASE_MS)
    hello(back.epoch, back.sequence)
    expect(missed).toBe(back.misses)
    expect(socket().sent).toEqual(['{"kind":"subscribe","topics":["fleet"]}'])
  })

  it('says when it will try again and doubles the range up to the cap', async () => {
    const delays: number[] = []
    for (let i = 0; i < 9; i += 1) {
      socket().end()
      const state = client.state
      if (state.kind !== 'reconnecting') throw new Error(`is ${state.kind}`)
      delays.push(state.retryAtMs - clock.nowMs)
      await clock.advance(state.retryAtMs - clock.nowMs)
    }
    expect(delays).toEqual([250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000])
    expect(sockets).toHaveLength(10)
  })

  it('starts at the base again after a connection that lasted', async () => {
    for (let i = 0; i < 4; i += 1) {
      socket().end()
      await clock.advance(RETRY_CAP_MS)
    }
    hello()
    await clock.advance(11_000)
    socket().end()
    expect(client.state).toEqual({ kind: 'reconnecting', retryAtMs: clock.nowMs + 250 })
  })

  it('does not start at the base again after a connection that broke at once', async () => {
    socket().end()
    await clock.advance(RETRY_BASE_MS)
    hello()
    socket().end()
    expect(client.state).toEqual({ kind: 'reconnecting', retryAtMs: clock.nowMs + 500 })
  })

  it('is signed out when an upgrade was refused and the key no longer holds', async () => {
    isSignedIn = false
    socket().end()
    await clock.advance(RETRY_BASE_MS)
    expect(client.state.kind).toBe('signed-out')
    expect(sockets).toHaveLength(1)
  })

  it('is signed out by a problem that says so, and stays away', async () => {
    hello()
    socket().receive({ kind: 'problem', title: 'Unauthorized', status: 401, detail: 'revoked' })
    socket().end()
    await clock.advance(60_000)
    expect(client.state).toEqual({ kind: 'signed-out', detail: 'revoked' })
    expect(sockets).toHaveLength(1)
  })

  it('comes back after other problems', async () => {
    hello()
    socket().receive({ kind: 'problem', title: 'Later', status: 503 })
    socket().end()
    await clock.advance(RETRY_BASE_MS)
    expect(sockets).toHaveLength(2)
  })

  it('pings a silent connection and gives up a dead one', async () => {
    hello()
    await clock.advance(PING_INTERVAL_MS)
    expect(socket().sent.at(-1)).toBe('ping')
    socket().receiveText('pong')
    await clock.advance(PONG_TIMEOUT_MS)
    expect(client.state.kind).toBe('connected')
    await clock.advance(PING_INTERVAL_MS)
    expect(client.state.kind).toBe('reconnecting')
    expect(socket().isClosed).toBe(true)
  })

  it('gives up a connection that never says hello', async () => {
    await clock.advance(HELLO_TIMEOUT_MS)
    expect(client.state.kind).toBe('reconnecting')
  })

  it('does not listen to a connection that it has left', async () => {
    const first = socket()
    first.end()
    await clock.advance(RETRY_BASE_MS)
    hello()
    subscribed()
    first.receive({ kind: 'update', topic: 'fleet', sequence: 9, previous: 8, vms: [{ id: 'x' }] })
    first.end()
    expect(client.state.kind).toBe('connected')
    expect(updates).toEqual([])
  })

  it.each(['paused', 'offline'] as const)('stays %s until it is started', async (reason) => {
    hello()
    client.stop(reason)
    await clock.advance(600_000)
    expect(client.state.kind).toBe(reason)
    expect(sockets).toHaveLength(1)
    client.start()
    hello()
    expect(client.state.kind).toBe('connected')
  })

  it('spreads retries over the whole range', () => {
    expect(retryDelayMs(3, 0)).toBe(0)
    expect(retryDelayMs(3, 0.999)).toBeCloseTo(RETRY_BASE_MS * 8 * 0.999)
    expect(retryDelayMs(1000, 0.999)).toBeLessThan(RETRY_CAP_MS)
  })
})
