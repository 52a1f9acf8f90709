import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SEQUENCE_BLOCK, Sequencer, type SequenceStore } from '../../src/streams/sequencer.ts'
import { SequenceTracker } from '../../src/streams/tracker.ts'

const createStore = () => {
  const store = {
    reserved: 0,
    writes: 0,
    reserve(upTo: number) {
      store.reserved = upTo
      store.writes += 1
    },
  }
  return store satisfies SequenceStore
}

describe('sequencer', () => {
  it('gives each frame its own number and each topic the number before', () => {
    const sequencer = new Sequencer(createStore())
    expect(sequencer.next('fleet')).toEqual({ sequence: 1, previous: 0 })
    expect(sequencer.next('vm:1')).toEqual({ sequence: 2, previous: 0 })
    expect(sequencer.next('fleet')).toEqual({ sequence: 3, previous: 1 })
    expect(sequencer.skip()).toBe(4)
    expect(sequencer.next('vm:1')).toEqual({ sequence: 5, previous: 2 })
    expect(sequencer.last).toBe(5)
  })

  it('writes once for a block of numbers', () => {
    const store = createStore()
    const sequencer = new Sequencer(store)
    for (let i = 0; i < SEQUENCE_BLOCK; i++) sequencer.skip()
    expect(store.writes).toBe(1)
    sequencer.skip()
    expect(store.writes).toBe(2)
  })

  it('never repeats a number whenever it is started anew', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 2 * SEQUENCE_BLOCK }), { maxLength: 10 }), (lives) => {
        const store = createStore()
        let newest = 0
        for (const uses of lives) {
          const sequencer = new Sequencer(store)
          for (let i = 0; i < uses; i++) {
            const { sequence } = sequencer.next('fleet')
            if (sequence <= newest) return false
            newest = sequence
          }
        }
        return true
      }),
      { seed: 42 },
    )
  })
})

describe('sequence tracker', () => {
  const hello = (epoch: string, sequence: number) => ({ kind: 'hello', epoch, sequence })
  const subscribed = (sequence: number, ...topics: string[]) => ({
    kind: 'subscribed',
    topics,
    sequence,
  })
  const update = (topic: string, sequence: number, previous: number) => ({
    kind: 'update',
    topic,
    sequence,
    previous,
  })

  it.each([
    { name: 'the same place', epoch: 'a', sequence: 7, verdict: 'apply' },
    { name: 'a newer number', epoch: 'a', sequence: 8, verdict: 'reread' },
    { name: 'an older number', epoch: 'a', sequence: 6, verdict: 'reread' },
    { name: 'another epoch', epoch: 'b', sequence: 7, verdict: 'reread' },
  ])('after reconnecting at $name the verdict is $verdict', ({ epoch, sequence, verdict }) => {
    const tracker = new SequenceTracker()
    expect(tracker.read(hello('a', 6))).toBe('apply')
    tracker.read(subscribed(6, 'fleet'))
    expect(tracker.read(update('fleet', 7, 6))).toBe('apply')
    expect(tracker.read(hello(epoch, sequence))).toBe(verdict)
  })

  it('ignores a number that it has read, and a jump between topics is no loss', () => {
    const tracker = new SequenceTracker()
    tracker.read(hello('a', 0))
    tracker.read(subscribed(0, 'fleet', 'vm:1'))
    expect(tracker.read(update('fleet', 1, 0))).toBe('apply')
    expect(tracker.read(update('fleet', 1, 0))).toBe('ignore')
    expect(tracker.read(update('vm:1', 1_001, 0))).toBe('apply')
    expect(tracker.read(update('fleet', 1_005, 1))).toBe('apply')
    expect(tracker.read(update('fleet', 1_009, 1_007))).toBe('reread')
    expect(tracker.read(update('fleet', 1_010, 1_009))).toBe('apply')
  })

  it('sees every lost frame of its topics, and no loss where there was none', () => {
    const topic = fc.constantFrom('fleet', 'vm:1', 'vm:2')
    const step = fc.record({ topic, lost: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const sequencer = new Sequencer(createStore())
        const tracker = new SequenceTracker()
        tracker.read(hello('a', sequencer.last))
        tracker.read(subscribed(sequencer.last, 'fleet', 'vm:1'))
        const missing = new Set<string>()
        for (const { topic, lost } of steps) {
          const at = sequencer.next(topic)
          if (topic === 'vm:2') continue
          if (lost) {
            missing.add(topic)
            continue
          }
          const verdict = tracker.read({ kind: 'update', topic, ...at })
          expect(verdict).toBe(missing.has(topic) ? 'reread' : 'apply')
          missing.delete(topic)
        }
      }),
      { seed: 42 },
    )
  })
})
