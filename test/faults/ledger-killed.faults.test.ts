import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Api } from '../support/api.ts'
import { databaseUrlOf } from '../support/database.ts'
import { type Stack, startStack } from '../support/stack.ts'
import { until } from '../support/until.ts'

let stack: Stack
beforeAll(async () => {
  stack = await startStack()
})
afterAll(() => stack?.stop())

/** Decisions with feedback that was acknowledged, by id; what fails is tried again with the next one. */
const decide = async (api: Api, told: Map<string, number>): Promise<void> => {
  const messages = [{ role: 'user', content: `What is ${told.size} times seven?` }]
  const { decisionId } = await api.post<{ decisionId: string }>('/v1/route', { messages })
  const score = (told.size % 11) / 10
  await api.post('/v1/feedback', { decisionId, score })
  told.set(decisionId, score)
}

const rows = async (sql: string): Promise<Record<string, unknown>[]> => {
  const client = new pg.Client({ connectionString: await databaseUrlOf(stack.stateFolder) })
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

describe('kill −9 of the worker while decisions are made', () => {
  it('loses no feedback that was acknowledged, and counts none twice', async () => {
    const told = new Map<string, number>()
    const deadline = Date.now() + 12_000
    const kills = (async () => {
      for (let round = 0; round < 3; round++) {
        await sleep(2_500)
        const pid = await stack.kill('worker', 'SIGKILL')
        await stack.restarted('worker', pid)
      }
    })()
    while (Date.now() < deadline) await decide(stack.api, told).catch(() => sleep(50))
    await kills
    await stack.ready()
    expect(told.size).toBeGreaterThan(20)
    await until('PostgreSQL to have all feedback', async () => {
      const [row] = await rows('SELECT count(*)::integer AS n FROM llm_feedback')
      return Number(row?.n) >= told.size
    })
    const stored = await rows('SELECT decision_id, score FROM llm_feedback')
    const scores = new Map(stored.map(({ decision_id, score }) => [decision_id, score]))
    for (const [id, score] of told) expect(scores.get(id)).toBe(score)
    const kept = await rows('SELECT id FROM llm_requests')
    expect([...told.keys()].filter((id) => !kept.some((row) => row.id === id))).toEqual([])
    // Outcomes are what feedback adds up to: nothing was lost and nothing counted twice.
    const [sum] = await rows(
      'SELECT sum(trials)::integer AS trials, sum(success_sum) AS score FROM router_outcomes',
    )
    const scored = stored.reduce((total, { score }) => total + Number(score), 0)
    expect(sum?.trials).toBe(stored.length)
    expect(Number(sum?.score)).toBeCloseTo(scored, 6)
    // Hours count each request once.
    const [hours] = await rows('SELECT sum(requests)::integer AS n FROM llm_hours')
    expect(hours?.n).toBe(kept.length)
  })
})
