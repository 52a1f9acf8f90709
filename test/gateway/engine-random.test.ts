import { describe, expect, it } from 'vitest'
import '../kernels/load.ts'
import type { Dialect } from '../../src/routing/request.ts'
import { engineWith, PARTS, refusal, sound, stream, type Told } from './engine-fixture.ts'
import type { Act, Reply, SentRequest } from './scripted-fetch.ts'

const REQUESTS = 10_000
const BATCH = 25
const FAULT_RATIO = 0.2

/** Numbers in [0, 1). Source: Marsaglia 2003, xorshift32. */
const randomFrom = (seed: number) => {
  let state = seed
  return (): number => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

const partsOf = (id: string) => PARTS[id.startsWith('claude') ? 'anthropic' : 'openai']

/** What goes wrong, at every stage of a request. */
const faultOf = (id: string, request: SentRequest, random: () => number): Reply => {
  const parts = partsOf(id)
  const pieces = [parts.role, parts.hello, parts.world, parts.finish, parts.usage]
  const cut = (...end: Act[]): Reply =>
    stream(...pieces.slice(0, Math.floor(random() * (pieces.length + 1))), ...end)
  const statuses = [401, 404, 408, 429, 500, 502, 503, 529]
  const faults: (() => Reply)[] = [
    () => ({ kind: 'refused' }),
    () => ({ kind: 'reset' }),
    () => ({ kind: 'hang' }),
    () => refusal(id, statuses[Math.floor(random() * statuses.length)] ?? 500),
    () => ({ kind: 'answer', status: 502, acts: ['<html>'] }),
    () => cut(),
    () => cut('BREAK'),
    () => cut('HANG'),
    () => cut(parts.error),
    () => cut('data: {\n\n'),
    () => cut('\xff\xfe', 'BREAK'),
    () =>
      sound(id, { ...request, body: { ...request.body, stream: request.body.stream !== true } }),
  ]
  return (faults[Math.floor(random() * faults.length)] ?? cut)()
}

const isWellFormedError = (dialect: Dialect, text: string): boolean => {
  const body = JSON.parse(text)
  const { message, type } = body.error
  return (
    typeof message === 'string' &&
    typeof type === 'string' &&
    (dialect === 'openai' || body.type === 'error')
  )
}

/** How a client's answer ended. */
const endOf = (dialect: Dialect, isStream: boolean, { status, text }: Told) => {
  if (status !== 200) return isWellFormedError(dialect, text) ? 'error' : 'malformed'
  if (!isStream) return text.includes('Hello world') ? 'whole' : 'malformed'
  const events = text.split('\n\n').filter((event) => event !== '' && !event.startsWith(':'))
  const last = events.at(-1) ?? ''
  const isEnd = dialect === 'openai' ? last === 'data: [DONE]' : last.includes('"message_stop"')
  const error = events.find((event) => event.includes('"error":{'))
  if (isEnd) return error === undefined && text.includes(' world') ? 'whole' : 'malformed'
  if (error === undefined || error !== last) return 'malformed'
  return isWellFormedError(dialect, last.slice(last.indexOf('data: ') + 6)) ? 'told' : 'malformed'
}

describe('ten thousand requests with a fifth of faults', () => {
  it('each give a whole answer or a well-formed error, and are settled once', async () => {
    const random = randomFrom(42)
    const { ask, clock, records, healths } = engineWith(
      (id, request) => (random() < FAULT_RATIO ? faultOf(id, request, random) : sound(id, request)),
      { random },
    )
    const ends: Record<string, number> = {}
    for (let done = 0; done < REQUESTS; done += BATCH) {
      const batch = Array.from({ length: BATCH }, async () => {
        const dialect = random() < 0.5 ? 'openai' : 'anthropic'
        const isStream = random() < 0.5
        const targets = ['gpt/large', 'claude/large', 'gptspare/large'].slice(
          Math.floor(random() * 3),
        )
        const told = await ask({ dialect, isStream, targets })
        const end = endOf(dialect, isStream, told)
        ends[end] = (ends[end] ?? 0) + 1
        if (end === 'malformed') expect(told, `${dialect} ${isStream}`).toBe('well-formed')
      })
      await clock.until(Promise.all(batch))
      // Keys that were refused and breakers that opened are back for the next ones.
      await clock.until(new Promise<void>((resolve) => clock.after(61_000, resolve)))
    }
    expect(ends.malformed).toBeUndefined()
    expect(records).toHaveLength(REQUESTS)
    expect(new Set(records.map(({ id }) => id)).size).toBe(REQUESTS)
    const outcomes = (outcome: string) => records.filter((one) => one.outcome === outcome).length
    expect(outcomes('ok')).toBe(ends.whole)
    expect(outcomes('interrupted')).toBe(ends.told)
    expect(outcomes('error')).toBe(ends.error)
    expect(ends.whole).toBeGreaterThan(0.8 * REQUESTS)
    expect(ends.told).toBeGreaterThan(0)
    expect(ends.error).toBeGreaterThan(0)
    // Nothing is left behind: no place at a provider, no timer.
    for (const health of healths.values()) expect(health.snapshot(clock.now()).inFlight).toBe(0)
    expect(clock.pending).toBe(0)
  })
})
