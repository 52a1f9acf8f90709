import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { getKernels } from '../../src/kernels/module.ts'
import { sendJson, sendNumbers, sendText } from './client.ts'

const { arena } = getKernels()

// Each refusal is logged as a fault of the service.
beforeEach(() => void vi.spyOn(console, 'error').mockImplementation(() => {}))
afterEach(() => void vi.restoreAllMocks())

/** Runs `use` while all of the kernels' memory is taken. */
async function whileFull<T>(use: () => Promise<T>): Promise<T> {
  const lease = arena.openLease()
  try {
    for (let sizeBytes = arena.bytesMax; sizeBytes >= 256; ) {
      try {
        lease.allocate(sizeBytes)
      } catch {
        // ArenaExhaustedError: the next smaller class may still fit.
        sizeBytes /= 2
      }
    }
    return await use()
  } finally {
    lease.close()
  }
}

const numbers = Float64Array.from({ length: 10_000 }, (_, i) => i)

describe('requests while the kernels have no memory left', () => {
  it.each([
    ['percentiles?percentiles=50', 'binary'],
    ['similarity?dims=10', 'binary'],
    ['pipeline?operations=[{"op":"abs"}]', 'binary'],
    ['summary', { values: [1, 2] }],
    ['summary', { x: 1, values: [1, 2] }],
    ['percentiles', { values: [...numbers], percentiles: [50] }],
    ['similarity', { query: [1, 2], candidates: [[2, 1]] }],
    ['pipeline', { values: [1, 2], operations: [{ op: 'abs' }] }],
  ] as const)('to %s are told to come again, and served when they do', async (path, body) => {
    const ask = () => (body === 'binary' ? sendNumbers(path, numbers) : sendJson(path, body))
    const refused = await whileFull(ask)
    expect(refused.status).toBe(503)
    expect(refused.body.type).toBe('/problems/dependency-unavailable')
    expect((await ask()).status).toBe(200)
    expect(arena.liveBlocks).toBe(0)
  })
})

describe('requests beyond what the memory may hold', () => {
  it('are refused by their size, and leave nothing behind', async () => {
    const { status, body } = await sendText('percentiles', ' '.repeat(9 * 1024 * 1024))
    expect(status).toBe(413)
    expect(body.type).toBe('/problems/body-too-large')
    expect(arena.liveBlocks).toBe(0)
    expect(arena.memoryBytes).toBeLessThanOrEqual(1040 * 65_536)
  })

  it('may come many at once: all are answered, none with a crash', async () => {
    const large = new Float64Array(1_000_000).fill(1)
    const asked = Array.from({ length: 40 }, () =>
      sendNumbers('percentiles?percentiles=50,99', large),
    )
    const statuses = new Set((await Promise.all(asked)).map(({ status }) => status))
    for (const status of statuses) expect([200, 503]).toContain(status)
    expect(statuses).toContain(200)
    expect(arena.liveBlocks).toBe(0)
  })
})
