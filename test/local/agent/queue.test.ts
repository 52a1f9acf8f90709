import { describe, expect, it } from 'vitest'
import { BoundedQueue } from '../../../local/agent/queue.ts'

const filled = (max: number, count: number): BoundedQueue<number> => {
  const queue = new BoundedQueue<number>(max)
  for (let entry = 0; entry < count; entry++) queue.push(entry)
  return queue
}

describe('the bounded queue', () => {
  it('drops nothing up to its bound', () => {
    const queue = filled(5, 5)
    expect(queue.dropped).toBe(0)
    expect(queue.take(10)).toEqual([0, 1, 2, 3, 4])
  })

  it('drops the oldest beyond its bound, and counts them', () => {
    const queue = filled(3, 5)
    expect(queue.dropped).toBe(2)
    expect(queue.take(10)).toEqual([2, 3, 4])
  })

  it('gives entries in order, also after some were put back', () => {
    const queue = filled(10, 4)
    const batch = queue.take(2)
    queue.push(4)
    queue.putBack(batch)
    expect(queue.take(10)).toEqual([0, 1, 2, 3, 4])
    expect(queue.dropped).toBe(0)
  })

  it('stays within its bound when entries are put back, and keeps the newest of them', () => {
    const queue = filled(4, 4)
    const batch = queue.take(3)
    queue.push(4)
    queue.push(5)
    queue.putBack(batch)
    expect(queue.take(10)).toEqual([2, 3, 4, 5])
    expect(queue.dropped).toBe(2)
  })

  it('refuses a bound below one', () => {
    expect(() => new BoundedQueue(0)).toThrow(RangeError)
  })
})
