import { describe, expect, it } from 'vitest'
import { BUFFERED_MAX_BYTES, isSlowReader } from '../../src/streams/sockets.ts'

describe('slow readers', () => {
  it.each([
    { bufferedAmount: BUFFERED_MAX_BYTES, slow: false },
    { bufferedAmount: BUFFERED_MAX_BYTES + 1, slow: true },
    { bufferedAmount: undefined, slow: false },
  ])('a reader with $bufferedAmount bytes unread is slow: $slow', ({ bufferedAmount, slow }) => {
    expect(isSlowReader(bufferedAmount === undefined ? {} : { bufferedAmount })).toBe(slow)
  })
})
