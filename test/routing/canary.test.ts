import { describe, expect, it } from 'vitest'
import '../kernels/load.ts'
import { canarySeed, isTried } from '../../src/routing/canary.ts'
import { makeRouter } from '../../src/routing/router.ts'
import { artifactWith, bodyOf, configWith, routedBy, stateWith } from './routers.ts'

const VERSIONS = { base: 'a'.repeat(64), tried: '0123abcd'.repeat(8) }
const base = makeRouter(configWith(), artifactWith())
const tried = makeRouter(configWith(), artifactWith({ version: VERSIONS.tried }))
const canaryOf = (share: number) => ({
  artifact: 2,
  share,
  seed: canarySeed(VERSIONS.tried),
  router: tried,
})
const CONVERSATIONS = Array.from({ length: 2_000 }, (_, i) => `conversation ${i}`)
const tell = (conversation: string, share: number, state = stateWith(), text = 'hello') =>
  routedBy(base, bodyOf(text, { conversation }), state, { canary: canaryOf(share) })

describe('an artifact that is tried', () => {
  it('decides for its share of conversations, and the decision says so', () => {
    const state = stateWith()
    const decisions = CONVERSATIONS.map((conversation) => tell(conversation, 0.1, state))
    const of = decisions.filter(({ isCanary }) => isCanary)
    // Four standard deviations of a binomial with 2,000 draws at 0.1.
    expect(Math.abs(of.length - 200)).toBeLessThan(4 * Math.sqrt(2_000 * 0.1 * 0.9))
    for (const { isCanary, artifactVersion } of decisions)
      expect(artifactVersion).toBe(isCanary ? VERSIONS.tried : VERSIONS.base)
  })

  it('keeps a conversation in every isolate and every turn, and as the share grows', () => {
    for (const conversation of CONVERSATIONS.slice(0, 200)) {
      const { isCanary } = tell(conversation, 0.3)
      expect(tell(conversation, 0.3, stateWith(), 'and then?').isCanary).toBe(isCanary)
      if (isCanary) expect(tell(conversation, 0.6).isCanary).toBe(true)
    }
  })

  it('knows a conversation without a name by its beginning', () => {
    const of = (start: string, ...more: string[]) =>
      routedBy(
        base,
        { messages: [start, ...more].map((content) => ({ role: 'user', content })) },
        stateWith(),
        { canary: canaryOf(0.5) },
      ).isCanary
    const first = CONVERSATIONS.slice(0, 100).map((start) => of(start))
    expect(CONVERSATIONS.slice(0, 100).map((start) => of(start, 'go on', 'stop'))).toEqual(first)
    expect(new Set(first).size).toBe(2)
  })

  it.each([
    [0, false],
    [1, true],
  ])('with a share of %d decides for all or none', (share, want) => {
    for (const conversation of CONVERSATIONS.slice(0, 100))
      expect(tell(conversation, share).isCanary).toBe(want)
  })

  it('follows a share that changes although the body is known', () => {
    const state = stateWith()
    const [conversation = ''] = CONVERSATIONS.filter((name) => !tell(name, 0.5).isCanary)
    expect(tell(conversation, 0.5, state)).toMatchObject({ isCanary: false, cache: 'miss' })
    expect(tell(conversation, 1, state)).toMatchObject({ isCanary: true, cache: 'miss' })
    expect(tell(conversation, 0.5, state)).toMatchObject({ isCanary: false, cache: 'hit' })
    const without = routedBy(base, bodyOf('hello', { conversation }), state)
    expect(without).toMatchObject({ isCanary: false, cache: 'hit' })
  })

  it('is tried on other conversations than another one', () => {
    const request = (conversationKey: string) => ({
      conversationKey,
      text: new Uint8Array(0),
      prefixBytes: 0,
    })
    const taken = (version: string) =>
      CONVERSATIONS.filter((name) =>
        isTried(request(name), { artifact: 1, share: 0.5, seed: canarySeed(version) }),
      )
    const other = new Set(taken('00000002'))
    const both = taken('00000001').filter((name) => other.has(name))
    expect(Math.abs(both.length - 500)).toBeLessThan(100)
    expect([canarySeed(''), canarySeed('ffffffff00')]).toEqual([0, 0xffff_ffff])
  })
})
