import { describe, expect, it } from 'vitest'
import { MINUTE_MS, MinuteBuffer } from '../../src/fleet/minute-buffer.ts'
import { pointsBetween } from '../../src/fleet/shard-reads.ts'

const row = (cpu: number) => new Float64Array([cpu, Number.NaN, 2, 3, 4, 5, 6])

/** A minute with samples at its first `count` seconds; their cpu tells where they were stored. */
const minute = (start: number, count: number, cpu: number) => {
  const buffer = new MinuteBuffer()
  for (let second = 0; second < count; second++) buffer.insert(start + second * 1_000, row(cpu), 0)
  return buffer
}

/** Stored minutes, newest first, counting how many were read. */
const storedOf = (count: number) => {
  const state = { read: 0 }
  function* stored() {
    for (let index = count - 1; index >= 0; index--) {
      state.read++
      yield { start: index * MINUTE_MS, samples: minute(index * MINUTE_MS, 60, 1) }
    }
  }
  return { state, stored: stored() }
}

describe('raw points of a shard', () => {
  it('are the newest ones, ascending, and read no more minutes than they need', () => {
    const { state, stored } = storedOf(1_000)
    const { columns, truncated } = pointsBetween(stored, new Map(), 0, 1e9, 130)
    expect(truncated).toBe(true)
    expect(columns.timestamp).toHaveLength(130)
    expect(columns.timestamp.at(-1)).toBe(999 * MINUTE_MS + 59_000)
    expect(columns.timestamp[0]).toBe(997 * MINUTE_MS + 50_000)
    expect([...columns.timestamp].sort((a, b) => a - b)).toEqual(columns.timestamp)
    expect(columns.memory_usage).toEqual(Array(130).fill(null))
    expect(state.read).toBe(3)
  })

  it('are not truncated where just as many are there', () => {
    const { columns, truncated } = pointsBetween(storedOf(2).stored, new Map(), 0, 1e9, 120)
    expect(truncated).toBe(false)
    expect(columns.timestamp).toHaveLength(120)
  })

  it('take a minute in memory in place of the stored one, wherever it stands', () => {
    const open = new Map([3, 1, 0].map((n) => [n * MINUTE_MS, minute(n * MINUTE_MS, 2, 10 + n)]))
    const { columns } = pointsBetween(storedOf(3).stored, open, 1_000, 1e9, 1_000)
    expect(columns.timestamp).toHaveLength(1 + 2 + 60 + 2)
    expect(columns.cpu_usage.slice(0, 3)).toEqual([10, 11, 11])
    expect(columns.cpu_usage.slice(-2)).toEqual([13, 13])
  })

  it('outside the range are left out', () => {
    const { columns } = pointsBetween(storedOf(3).stored, new Map(), 61_000, 62_999, 1_000)
    expect(columns.timestamp).toEqual([61_000, 62_000])
  })
})
