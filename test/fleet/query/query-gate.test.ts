import { beforeEach, describe, expect, it } from 'vitest'
import {
  POINTS_RUNNING_MAX,
  POINTS_RUNNING_PER_ORGANISATION_MAX,
  QUERIES_RUNNING_MAX,
  QUERIES_RUNNING_PER_ORGANISATION_MAX,
  QUERIES_WAITING_MAX,
  QUERIES_WAITING_PER_ORGANISATION_MAX,
  QUERY_WAIT_MS_MAX,
} from '../../../src/fleet/query/limits.ts'
import { type Place, QueryGate } from '../../../src/fleet/query/query-gate.ts'

let clock = 0
let timers: Array<{ readonly at: number; readonly resolve: () => void }> = []
let signs = new Set<() => void>()
let gate: QueryGate

/** Time passes in steps of 10 ms; requests that are there say so. */
const pass = async (ms: number) => {
  for (const end = clock + ms; clock < end; ) {
    clock += 10
    for (const sign of signs) sign()
    const due = timers.filter(({ at }) => at <= clock)
    timers = timers.filter(({ at }) => at > clock)
    for (const { resolve } of due) resolve()
    for (let turn = 0; turn < 4; turn++) await Promise.resolve()
  }
}

beforeEach(() => {
  clock = 0
  timers = []
  signs = new Set()
  gate = new QueryGate({
    now: () => clock,
    wait: (ms) => new Promise((resolve) => timers.push({ at: clock + ms, resolve })),
    every: (_, work) => {
      signs.add(work)
      return () => signs.delete(work)
    },
  })
})

const entered = async (organisation: string): Promise<Place> => {
  const place = await gate.enter(organisation)
  if (!place) throw new Error('no place')
  return place
}

const fill = (organisation: string, count = QUERIES_RUNNING_PER_ORGANISATION_MAX) =>
  Promise.all(Array.from({ length: count }, () => entered(organisation)))

describe('places for queries', () => {
  it('are bounded for an organisation, and in all', async () => {
    await fill('a')
    let isIn = false
    const waiting = gate.enter('a').then((place) => {
      isIn = place !== null
    })
    await pass(100)
    expect(isIn).toBe(false)
    await fill('b', QUERIES_RUNNING_MAX - QUERIES_RUNNING_PER_ORGANISATION_MAX)
    const other = gate.enter('c')
    await pass(QUERY_WAIT_MS_MAX)
    await waiting
    expect(isIn).toBe(false)
    expect(await other).toBeNull()
  })

  it('go to those who wait once they are given back, and only once', async () => {
    const [first] = await fill('a')
    const waiting = [gate.enter('a'), gate.enter('a')]
    first?.end()
    first?.end()
    await pass(QUERY_WAIT_MS_MAX)
    const found = await Promise.all(waiting)
    expect(found.filter(Boolean)).toHaveLength(1)
  })

  it('are not taken from under those who wait', async () => {
    const [first] = await fill('a')
    const waiting = gate.enter('a')
    first?.end()
    const late = gate.enter('a')
    await pass(10)
    expect(await waiting).not.toBeNull()
    await pass(QUERY_WAIT_MS_MAX)
    expect(await late).toBeNull()
  })

  it('are refused at once where too many wait', async () => {
    await fill('a')
    const waiting = Array.from({ length: QUERIES_WAITING_PER_ORGANISATION_MAX }, () =>
      gate.enter('a'),
    )
    expect(await gate.enter('a')).toBeNull()
    await fill('b', QUERIES_RUNNING_MAX - QUERIES_RUNNING_PER_ORGANISATION_MAX)
    const more = Array.from(
      { length: QUERIES_WAITING_MAX - QUERIES_WAITING_PER_ORGANISATION_MAX },
      (_, n) => gate.enter(`other ${n}`),
    )
    expect(await gate.enter('c')).toBeNull()
    await pass(QUERY_WAIT_MS_MAX)
    expect((await Promise.all([...waiting, ...more])).every((place) => place === null)).toBe(true)
    expect(signs.size).toBe(QUERIES_RUNNING_MAX)
  })

  it('of requests that are gone come back, those of long queries do not', async () => {
    await fill('a')
    const [ofLost] = signs
    if (ofLost) signs.delete(ofLost)
    await pass(10_000)
    await entered('a')
    const another = gate.enter('a')
    await pass(QUERY_WAIT_MS_MAX)
    expect(await another).toBeNull()
  })
})

describe('points of queries', () => {
  it('are bounded where several run, for an organisation and in all', async () => {
    const alone = await entered('a')
    expect(alone.take(2 * POINTS_RUNNING_MAX)).toBe(true)
    const beside = await entered('b')
    expect(beside.take(1)).toBe(false)
    alone.end()
    expect(beside.take(POINTS_RUNNING_PER_ORGANISATION_MAX)).toBe(true)
    const same = await entered('b')
    expect(same.take(1)).toBe(false)
    same.end()
    const other = await entered('a')
    expect(other.take(POINTS_RUNNING_MAX - POINTS_RUNNING_PER_ORGANISATION_MAX)).toBe(true)
    expect(other.take(1)).toBe(false)
  })

  it('wait for those of others, for a while', async () => {
    const first = await entered('a')
    first.take(POINTS_RUNNING_MAX)
    const second = await entered('b')
    expect(second.take(5)).toBe(false)
    const inTime = second.takeLater(5)
    await pass(100)
    first.end()
    await pass(10)
    expect(await inTime).toBe(true)
    const third = await entered('b')
    const late = third.takeLater(POINTS_RUNNING_MAX)
    await pass(QUERY_WAIT_MS_MAX)
    expect(await late).toBe(false)
    expect(third.take(POINTS_RUNNING_PER_ORGANISATION_MAX - 5)).toBe(true)
  })
})
