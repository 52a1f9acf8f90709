import { describe, expect, it } from 'vitest'
import { createDiskNotice, FREE_BYTES_LOW } from '../../local/disk-watch.ts'

describe('the notice of a full state folder', () => {
  it('names the folder once when room runs out and once when there is room again', () => {
    const told: string[] = []
    const notice = createDiskNotice('/state', (text) => told.push(text))
    for (const share of [10, 1.01, 0.99, 0.5, 0, 1.5, 0.9, 2.1, 3]) notice(share * FREE_BYTES_LOW)
    expect(told).toHaveLength(2)
    expect(told[0]).toContain('/state is on a filesystem that is full (63 MiB free)')
    expect(told[1]).toContain('room again in /state')
  })
})
