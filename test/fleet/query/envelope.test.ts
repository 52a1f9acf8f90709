import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { piecesResponse } from '../../../src/fleet/query/envelope.ts'
import { ANSWER_MS_MAX } from '../../../src/fleet/query/limits.ts'

const bytes = (text: string) => new TextEncoder().encode(text).slice()

let left = 0
const onEnd = vi.fn()

function* pieces(count: number, failsAt = -1) {
  try {
    for (let n = 0; n < count; n++) {
      if (n === failsAt) throw new Error('broken')
      yield bytes(`${n},`)
    }
  } finally {
    left++
  }
}

beforeEach(() => {
  left = 0
  onEnd.mockClear()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('an answer in pieces', () => {
  it.each([0, 1, 2, 3, 40])('of %i is whole, and ends once', async (count) => {
    const response = piecesResponse(pieces(count), onEnd)
    const expected = Array.from({ length: count }, (_, n) => `${n},`).join('')
    expect(await response.text()).toBe(expected)
    expect(onEnd).toHaveBeenCalledOnce()
  })

  it('ends where its reader goes', async () => {
    const reader = piecesResponse(pieces(40), onEnd).body?.getReader()
    await reader?.read()
    expect(onEnd).not.toHaveBeenCalled()
    await reader?.cancel()
    expect([onEnd.mock.calls.length, left]).toEqual([1, 1])
  })

  it('ends where a piece fails', async () => {
    await expect(piecesResponse(pieces(40, 20), onEnd).text()).rejects.toThrow('broken')
    expect([onEnd.mock.calls.length, left]).toEqual([1, 1])
  })

  it('ends where nobody reads on', async () => {
    vi.useFakeTimers()
    const reader = piecesResponse(pieces(40), onEnd).body?.getReader()
    await reader?.read()
    await vi.advanceTimersByTimeAsync(ANSWER_MS_MAX)
    expect([onEnd.mock.calls.length, left]).toEqual([1, 1])
    await expect(reader?.read()).rejects.toThrow('was not read within')
  })
})
