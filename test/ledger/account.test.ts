import { expect, it } from 'vitest'
import type { AppContext } from '../../src/http/context.ts'
import { accountOf } from '../../src/ledger/account.ts'
import type { Report, ReportAnswer } from '../../src/ledger/protocol.ts'
import { recordOf } from './records.ts'

/** More organisations than an isolate remembers. */
const OTHERS = 10_001

it('an organisation that was forgotten reports as another isolate would, not with numbers that were taken', async () => {
  const reports: Report[] = []
  const ledger = {
    report: async (_: string, report: Report): Promise<ReportAnswer> => {
      reports.push(report)
      return { stored: true, ended: [] }
    },
  }
  const work: Promise<unknown>[] = []
  const context = {
    env: { LEDGER: { idFromName: (name: string) => name, get: () => ledger } },
    executionCtx: { waitUntil: (promise: Promise<unknown>) => void work.push(promise) },
  }
  const account = accountOf(context as unknown as AppContext)
  account.record('first', recordOf())
  expect(await account.flush('first')).toBe(true)
  for (let n = 0; n < OTHERS; n++) await account.flush(`other ${n}`)
  account.record('first', recordOf())
  expect(await account.flush('first')).toBe(true)
  await Promise.all(work)
  const taken = reports.filter(({ entries }) => entries.length > 0)
  expect(taken.map(({ entries }) => entries.length)).toEqual([1, 1])
  expect(new Set(taken.map(({ holder, sequence }) => `${holder} ${sequence}`)).size).toBe(2)
})
