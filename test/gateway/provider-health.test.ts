import { describe, expect, it } from 'vitest'
import type { UpstreamFault } from '../../src/gateway/faults.ts'
import { HealthRegistry } from '../../src/gateway/health-registry.ts'
import { type Admission, MODELS_MAX, ProviderHealth } from '../../src/gateway/provider-health.ts'
import type { Credential } from '../../src/gateway/providers/types.ts'

const key = (secret: string, weight = 1) => ({
  credential: { scheme: 'bearer', secret } as Credential,
  weight,
})
const SERVER: UpstreamFault = { reason: 'server', status: 500, detail: '', retryAfterMs: null }
const UNREACHABLE: UpstreamFault = { reason: 'connection', detail: '' }
const LIMITED: UpstreamFault = { reason: 'rate-limited', status: 429, retryAfterMs: 2_000 }

const admitted = (health: ProviderHealth, model: string, nowMs = 0): Admission => {
  const result = health.admit(model, nowMs)
  if (!result.ok) throw new Error(result.error.reason)
  return result.value
}
const refusal = (health: ProviderHealth, model: string, nowMs = 0) => {
  const result = health.admit(model, nowMs)
  return result.ok ? null : result.error
}

describe('the health of a provider', () => {
  it('closes one model to calls whose answers fail, and leaves the others open', () => {
    const health = new ProviderHealth([key('a')])
    for (let i = 0; i < 5; i++) admitted(health, 'm').failed(0, SERVER)
    expect(refusal(health, 'm')).toEqual({ reason: 'breaker-open', retryAfterMs: 5_000 })
    expect(health.stateOf('m', 0)).toBe('open')
    expect(refusal(health, 'other')).toBeNull()
    expect(health.snapshot(0).models.map(({ state }) => state)).toEqual(['open', 'closed'])
  })

  it('closes all models of an address that cannot be reached', () => {
    const health = new ProviderHealth([key('a')])
    for (let i = 0; i < 5; i++) admitted(health, `m${i}`).failed(0, UNREACHABLE)
    expect(refusal(health, 'never asked')?.reason).toBe('breaker-open')
  })

  it('does not count what the client got wrong, nor a client that left', () => {
    const health = new ProviderHealth([key('a')])
    for (let i = 0; i < 50; i++) {
      const request = { status: 400, detail: '', type: null, code: null, param: null }
      admitted(health, 'm').failed(0, { reason: 'request', ...request })
      admitted(health, 'm').failed(0, { reason: 'cancelled' })
      admitted(health, 'm').dropped()
    }
    expect(health.stateOf('m', 0)).toBe('closed')
    expect(health.snapshot(0).inFlight).toBe(0)
  })

  it('rests a key for the model whose limit it reached, as long as the provider says', () => {
    const health = new ProviderHealth([key('a'), key('b')])
    const first = admitted(health, 'm')
    first.failed(0, LIMITED)
    const others = [admitted(health, 'm'), admitted(health, 'm')]
    expect(others.map(({ credential }) => credential.secret)).not.toContain(first.credential.secret)
    others[0]?.failed(0, LIMITED)
    expect(refusal(health, 'm', 500)).toEqual({ reason: 'keys-resting', retryAfterMs: 1_500 })
    expect(refusal(health, 'another model', 500)).toBeNull()
    expect(refusal(health, 'm', 2_000)).toBeNull()
  })

  it('leaves a key out that the provider refuses, for every model, longer each time', () => {
    const health = new ProviderHealth([key('a')])
    let nowMs = 0
    for (const restMs of [5_000, 10_000, 20_000, 40_000, 60_000, 60_000]) {
      admitted(health, 'm', nowMs).failed(nowMs, { reason: 'credential', status: 401 })
      expect(refusal(health, 'other', nowMs + 1)?.retryAfterMs).toBe(restMs - 1)
      expect(health.snapshot(nowMs + 1).keysResting).toBe(1)
      expect(health.stateOf('other', nowMs + 1)).toBe('closed')
      nowMs += restMs
    }
    admitted(health, 'm', nowMs).succeeded(nowMs, 10)
    admitted(health, 'm', nowMs).failed(nowMs, { reason: 'credential', status: 401 })
    expect(refusal(health, 'm', nowMs)?.retryAfterMs).toBe(5_000)
  })

  it('uses the credential of the client where it has one, and lets it harm no one', () => {
    const health = new ProviderHealth([key('a')])
    const own: Credential = { scheme: 'bearer', secret: 'own' }
    const before = health.snapshot(0).limit
    for (let i = 0; i < 20; i++) {
      const result = health.admit('m', 0, own)
      if (!result.ok) throw new Error(result.error.reason)
      expect(result.value.credential).toBe(own)
      result.value.failed(0, i % 2 ? LIMITED : { reason: 'credential', status: 403 })
    }
    expect(health.snapshot(0).limit).toBe(before)
    expect(refusal(health, 'm')).toBeNull()
  })

  it('ejects a key that fails far more than the others', () => {
    const health = new ProviderHealth([key('bad'), key('good'), key('better')])
    for (let i = 0; i < 400; i++) {
      const admission = health.admit('m', i)
      if (!admission.ok) continue
      if (admission.value.credential.secret === 'bad') admission.value.failed(i, SERVER)
      else admission.value.succeeded(i, 10)
    }
    const seen = new Set(
      Array.from({ length: 9 }, () => admitted(health, 'm', 400).credential.secret),
    )
    expect([...seen].sort()).toEqual(['better', 'good'])
  })

  it('counts a call once, whatever is said of it afterwards', () => {
    const health = new ProviderHealth([key('a')])
    const admission = admitted(health, 'm')
    admission.succeeded(0, 5)
    admission.dropped()
    for (let i = 0; i < 20; i++) admission.failed(0, SERVER)
    expect(health.snapshot(0)).toMatchObject({ inFlight: 0, state: 'closed' })
  })

  it('lets at most a bound of models have a state', () => {
    const health = new ProviderHealth([key('a')])
    for (let i = 0; i < MODELS_MAX + 50; i++) admitted(health, `m${i}`).succeeded(0, null)
    expect(health.snapshot(0).models).toHaveLength(MODELS_MAX)
  })

  it('forgets the model that was used longest ago, not one that is in use', () => {
    const health = new ProviderHealth([key('a')])
    for (let i = 0; i < 5; i++) admitted(health, 'm').failed(0, SERVER)
    for (let i = 0; i < MODELS_MAX + 50; i++) {
      admitted(health, `m${i}`).succeeded(0, null)
      expect(refusal(health, 'm')?.reason).toBe('breaker-open')
    }
  })
})

describe('the health of all providers', () => {
  it('is told to other isolates, which open the same breakers and tell nothing longer', async () => {
    const board = new Map<string, { provider: string; model: string | null; untilMs: number }>()
    const stub = {
      exchange: async (
        opened: readonly { provider: string; model: string | null; untilMs: number }[],
      ) => {
        for (const one of opened) board.set(`${one.provider} ${one.model}`, one)
        return [...board.values()]
      },
    }
    const isolates = [new HealthRegistry(), new HealthRegistry()]
    const [here, there] = isolates.map((registry) => registry.of('p', () => [key('a')]))
    if (here === undefined || there === undefined) throw new Error('two isolates')
    for (let i = 0; i < 5; i++) admitted(here, 'm', 1_000).failed(1_000, SERVER)
    for (let round = 0; round < 3; round++)
      for (const registry of isolates) await registry.exchange(stub, () => 2_000 + round)
    expect(there.stateOf('m', 5_999)).toBe('open')
    expect(there.stateOf('m', 6_000)).toBe('half-open')
    expect(here.stateOf('m', 6_000)).toBe('half-open')
  })

  it('is exchanged at most every two seconds', () => {
    const registry = new HealthRegistry()
    expect(registry.isExchangeDue(0)).toBe(true)
    expect(registry.isExchangeDue(1_999)).toBe(false)
    expect(registry.isExchangeDue(2_000)).toBe(true)
  })
})
