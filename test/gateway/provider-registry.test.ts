import { describe, expect, it } from 'vitest'
import type { Env } from '../../src/env.ts'
import { HealthRegistry } from '../../src/gateway/health-registry.ts'
import { PASS_THROUGH_ADAPTERS, readCredentials } from '../../src/gateway/pass-through.ts'
import { providersFor, providersOf } from '../../src/gateway/provider-registry.ts'
import type { Credential } from '../../src/gateway/providers/types.ts'

const envOf = (bindings: Record<string, string>) => bindings as unknown as Env

const passThroughOf = (headers: Record<string, string>) => {
  const read = readCredentials(new Headers(headers), new Set(PASS_THROUGH_ADAPTERS))
  if (!read.ok || read.value.passThrough === null) throw new Error('no credential')
  return read.value.passThrough
}

describe('the registry of providers', () => {
  it('is read once for a deployment, each provider with its protocol', () => {
    const env = envOf({ OPENAI_API_KEY: 'sk-operator', GEMINI_API_KEY: 'AIza' })
    const registry = providersOf(env)
    expect(providersOf(env)).toBe(registry)
    expect(registry.all().map(({ id, protocol }) => [id, protocol.kind])).toEqual([
      ['openai', 'openai'],
      ['google', 'gemini'],
    ])
    expect(registry.get('google')?.kind).toBe('gemini')
    expect(registry.get('anthropic')).toBeNull()
  })

  it('has one provider for a caller with its own credential, which is none of its keys', () => {
    const env = envOf({ OPENAI_API_KEY: 'sk-operator', GROQ_API_KEY: 'gsk-operator' })
    const registry = providersFor(env, passThroughOf({ authorization: 'Bearer sk-caller' }))
    expect(registry.all().map(({ id }) => id)).toEqual(['openai'])
    expect(registry.get('groq')).toBeNull()
    expect(JSON.stringify(registry.all())).not.toContain('sk-caller')
  })

  it('never gives a credential to a caller who came after its own', () => {
    const env = envOf({ OPENAI_API_KEY: 'sk-operator' })
    const health = new HealthRegistry()
    const admitted = (
      registry: ReturnType<typeof providersFor>,
      own: Credential | null,
    ): Credential | null => {
      const provider = registry.get('openai')
      const admission = provider && health.of('openai', () => provider.keys).admit('m', 0, own)
      return admission?.ok ? admission.value.credential : null
    }
    const first = passThroughOf({ authorization: 'Bearer sk-caller' })
    expect(admitted(providersFor(env, first), first.credential)?.secret).toBe('sk-caller')
    expect(admitted(providersOf(env), null)?.secret).toBe('sk-operator')
    const unkeyed = new HealthRegistry()
    const provider = providersFor(envOf({}), first).get('openai')
    const next = unkeyed.of('openai', () => provider?.keys ?? []).admit('m', 0)
    expect(next.ok && next.value.credential).toEqual({ scheme: 'none', secret: '' })
  })

  it('has a provider for its credential where the operator has no key of it', () => {
    const registry = providersFor(envOf({}), passThroughOf({ 'x-goog-api-key': 'AIza-caller' }))
    expect(registry.get('google')).toMatchObject({
      kind: 'gemini',
      baseUrl: 'https://generativelanguage.googleapis.com/v1beta',
      isMock: false,
    })
    expect(providersFor(envOf({}), null).all()).toEqual([])
  })

  it('sends a credential to the address that the operator gave its provider', () => {
    const env = envOf({
      PROVIDERS: JSON.stringify([
        { id: 'anthropic', baseUrl: 'http://127.0.0.1:9/v1', keys: [], mock: true },
      ]),
    })
    const registry = providersFor(env, passThroughOf({ 'x-api-key': 'sk-ant-caller' }))
    expect(registry.get('anthropic')).toMatchObject({
      baseUrl: 'http://127.0.0.1:9/v1',
      isMock: true,
      keys: [{ credential: { scheme: 'none' } }],
    })
  })
})
