import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Env, settingsOf } from '../../src/env.ts'
import { Upkeep } from '../../src/fleet/upkeep.ts'

const ORGANISATION = '0190a000-0000-7000-8000-0000000000aa'
const settings = settingsOf({
  DATABASE_URL: 'postgresql://user:password@localhost/gjallar',
  NEON_PROXY: 'localhost:1',
} as Env)

const answer = (status: number, body: unknown) =>
  vi.stubGlobal('fetch', async () => new Response(JSON.stringify(body), { status }))

afterEach(() => vi.unstubAllGlobals())

describe('upkeep of a shard', () => {
  it('is due 75 s after the newest sample, and not again until another came', async () => {
    const upkeep = new Upkeep(settings)
    expect(upkeep.dueAt(1_000_000)).toBe(1_075_000)
    answer(200, { fields: [], rows: [] })
    await upkeep.run(1_075_000, ORGANISATION, [])
    expect(upkeep.dueAt(1_000_000)).toBeNull()
    expect(upkeep.dueAt(1_010_000)).toBe(1_135_000)
  })

  it('is due again a minute after a try that failed', async () => {
    const upkeep = new Upkeep(settings)
    answer(503, {})
    await upkeep.run(1_075_000, ORGANISATION, [ORGANISATION])
    expect(upkeep.dueAt(1_000_000)).toBe(1_135_000)
  })
})
