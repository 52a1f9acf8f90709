import { describe, expect, it } from 'vitest'
import { Subscriptions } from '../../src/streams/subscriptions.ts'

describe('subscriptions', () => {
  it('finds the listeners of a topic and not those of another', () => {
    const subscriptions = new Subscriptions<string>()
    subscriptions.add('a', ['fleet'])
    subscriptions.add('b', ['vm:1', 'fleet'])
    subscriptions.add('c')
    expect(subscriptions.size).toBe(3)
    expect([...subscriptions.subscribersOf('fleet')]).toEqual(['a', 'b'])
    expect([...subscriptions.subscribersOf('vm:1')]).toEqual(['b'])
    expect([...subscriptions.subscribersOf('vm:2')]).toEqual([])
  })

  it('names a topic deserted when its last listener leaves, and not before', () => {
    const subscriptions = new Subscriptions<string>()
    subscriptions.add('a', ['fleet', 'vm:1'])
    subscriptions.add('b', ['fleet'])
    expect(subscriptions.unsubscribe('a', ['fleet', 'vm:2'])).toEqual([])
    expect(subscriptions.remove('a')).toEqual(['vm:1'])
    expect(subscriptions.hasSubscribers('vm:1')).toBe(false)
    expect(subscriptions.remove('b')).toEqual(['fleet'])
    expect(subscriptions.size).toBe(0)
  })

  it('counts a topic that is subscribed twice once', () => {
    const subscriptions = new Subscriptions<string>()
    subscriptions.add('a', ['fleet'])
    subscriptions.subscribe('a', ['fleet'])
    expect(subscriptions.topicsOf('a').size).toBe(1)
    expect(subscriptions.unsubscribe('a', ['fleet'])).toEqual(['fleet'])
  })

  it('does not take up a socket that was removed', () => {
    const subscriptions = new Subscriptions<string>()
    subscriptions.add('a')
    subscriptions.remove('a')
    subscriptions.subscribe('a', ['fleet'])
    expect(subscriptions.hasSubscribers('fleet')).toBe(false)
    expect(subscriptions.remove('a')).toEqual([])
  })
})
