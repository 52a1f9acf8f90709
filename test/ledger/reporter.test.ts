import { describe, expect, it } from 'vitest'
import { Outbox } from '../../src/ledger/outbox.ts'
import type { Report, ReportAnswer } from '../../src/ledger/protocol.ts'
import { IDLE_MS, Reporter, type ReportPort } from '../../src/ledger/reporter.ts'
import { recordOf } from './records.ts'

const STORED: ReportAnswer = { stored: true, ended: [] }
const entryOf = () => ({ record: recordOf(), leaseId: null, reservedNanoUsd: 0 })

/** A request's way to a ledger that answers as it is told; time passes only where somebody sleeps. */
const portOf = (answer: (report: Report) => ReportAnswer | Error) => {
  const reports: Report[] = []
  const work: Promise<void>[] = []
  let nowMs = 1_000
  const port: ReportPort = {
    report: async (report) => {
      reports.push(report)
      const given = answer(report)
      if (given instanceof Error) throw given
      return given
    },
    now: () => nowMs,
    sleep: async (ms) => {
      nowMs += ms
    },
    waitUntil: (promise) => void work.push(promise),
    failed: () => {},
  }
  return { port, reports, done: () => Promise.all(work), work }
}

const reporterOf = (outbox: Outbox) => {
  const idle: boolean[] = []
  const reporter = new Reporter('isolate', outbox, {
    tell: (isIdle) => {
      idle.push(isIdle)
      return []
    },
    heard: () => {},
  })
  return { reporter, idle }
}

describe('reports', () => {
  it('are sent by one request for all, and end with the leases given back', async () => {
    const outbox = new Outbox()
    const { reporter, idle } = reporterOf(outbox)
    const first = portOf(() => STORED)
    const second = portOf(() => STORED)
    for (let n = 0; n < 5; n++) {
      outbox.push(entryOf())
      reporter.arrange(n === 0 ? first.port : second.port)
    }
    await first.done()
    expect(second.work).toHaveLength(0)
    expect(first.reports.map(({ sequence, entries }) => [sequence, entries.length])).toEqual([
      [1, 5],
    ])
    expect(idle.at(-1)).toBe(true)
    expect(first.port.now()).toBeGreaterThanOrEqual(1_000 + IDLE_MS)
    outbox.push(entryOf())
    reporter.arrange(second.port)
    await second.done()
    expect(second.reports[0]?.sequence).toBe(2)
  })

  it('that are not known to be taken are sent again as they were, with what came since behind them', async () => {
    const outbox = new Outbox()
    const { reporter } = reporterOf(outbox)
    let failures = 2
    const { port, reports, done } = portOf(() => {
      outbox.push(entryOf())
      return failures-- > 0 ? new Error('the network was lost') : STORED
    })
    outbox.push(entryOf())
    reporter.arrange(port)
    await Promise.race([done(), new Promise((resolve) => setTimeout(resolve, 50))])
    const [one, two, three, four] = reports
    expect(two).toEqual(one)
    expect(three).toEqual(one)
    expect(four).toMatchObject({ sequence: 2 })
    expect(four?.entries).toHaveLength(3)
  })

  it('are taken over when the request that sent them is gone', async () => {
    const outbox = new Outbox()
    const { reporter } = reporterOf(outbox)
    const gone = portOf(() => STORED)
    outbox.push(entryOf())
    reporter.arrange({ ...gone.port, sleep: () => new Promise(() => {}) })
    const next = portOf(() => STORED)
    outbox.push(entryOf())
    reporter.arrange(next.port)
    expect(next.work).toHaveLength(0)
    await next.port.sleep(60_000)
    reporter.arrange(next.port)
    await next.done()
    expect(next.reports[0]?.entries).toHaveLength(2)
  })

  it('go at once where a whole report waits', async () => {
    const outbox = new Outbox()
    const { reporter } = reporterOf(outbox)
    const held = portOf(() => STORED)
    reporter.arrange({ ...held.port, sleep: () => new Promise(() => {}) })
    for (let n = 0; n < 501; n++) {
      outbox.push(entryOf())
      reporter.arrange(held.port)
    }
    await Promise.all(held.work.slice(1))
    expect(held.reports[0]?.entries).toHaveLength(500)
  })
})
