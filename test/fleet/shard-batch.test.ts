import { describe, expect, it } from 'vitest'
import { decodeBatch, encodeBatch, selectSamples } from '../../src/fleet/shard-batch.ts'

const batch = {
  vmIds: ['0190a000-0000-7000-8000-000000000001', '0190a000-0000-7000-8000-000000000002'],
  vm: Uint32Array.from([0, 1, 0]),
  timestamp: Float64Array.from([1_700_000_000_000, 1_700_000_000_001, 1_700_000_000_002]),
  values: Float64Array.from({ length: 21 }, (_, n) => (n % 5 === 0 ? Number.NaN : n / 3)),
}

describe('journal rows', () => {
  it('come back as they were', () => {
    expect(decodeBatch(encodeBatch(batch).buffer as ArrayBuffer)).toEqual(batch)
  })

  it('of a wrong length are not read', () => {
    const bytes = encodeBatch(batch).slice(0, -4)
    expect(() => decodeBatch(bytes.buffer)).toThrow(RangeError)
  })

  it('of some of the samples name only the VMs of these', () => {
    const some = selectSamples(batch, [1])
    expect(some.vmIds).toEqual(['0190a000-0000-7000-8000-000000000002'])
    expect([...some.vm]).toEqual([0])
  })

  it('can hold some of the samples', () => {
    const some = selectSamples(batch, [2, 0])
    expect([...some.timestamp]).toEqual([1_700_000_000_002, 1_700_000_000_000])
    expect([...some.vm]).toEqual([0, 0])
    expect(some.values).toEqual(
      Float64Array.from([...batch.values.subarray(14, 21), ...batch.values.subarray(0, 7)]),
    )
  })
})
