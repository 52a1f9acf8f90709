import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Machine, readMachine, usedPercent } from '../../../local/agent/readers.ts'
import {
  cpuPercent,
  hasMetrics,
  memoryPercent,
  type Reading,
  ratePerSecond,
  sampleBetween,
} from '../../../local/agent/sample.ts'

const captured = (name: string, moment: number): string =>
  readFileSync(
    path.join(import.meta.dirname, 'captured', `${name.replace('/', '-')}.${moment}.txt`),
    'utf8',
  )

const capturedMachine = (moment: number, atMs: number): Machine => ({
  procText: async (name) => captured(name, moment),
  filesystem: async () => ({ blocks: 1_000, bfree: 400, bavail: 200 }),
  osCpuTicks: () => null,
  osMemory: () => null,
  nowMs: () => 1_790_000_000_000 + atMs,
  monotonicMs: () => atMs,
})

const silentMachine: Machine = {
  procText: async () => null,
  filesystem: async () => null,
  osCpuTicks: () => ({ busy: 10, total: 100 }),
  osMemory: () => ({ totalBytes: 100, availableBytes: 25 }),
  nowMs: () => 0,
  monotonicMs: () => 0,
}

describe('a sample', () => {
  it('holds shares and rates between two captured readings 1.25 s apart', async () => {
    const before = await readMachine(capturedMachine(1, 0), '/')
    const now = await readMachine(capturedMachine(2, 1_250), '/')
    expect(sampleBetween(before, now)).toEqual({
      timestamp: 1_790_000_001_250,
      cpu_usage: 4.18,
      memory_usage: expect.closeTo(1.23, 1),
      disk_usage: 75,
      network_in_bytes: (519_723_134 - 519_719_947) / 1.25,
      network_out_bytes: (595_796 - 594_086) / 1.25,
      iops_read: 98.4,
      iops_write: 320.8,
    })
  })

  it('leaves out what a machine without /proc does not tell', async () => {
    const before = await readMachine(silentMachine, '/')
    const now: Reading = {
      ...(await readMachine(silentMachine, '/')),
      monotonicMs: 1_000,
      cpu: { busy: 60, total: 200 },
    }
    expect(sampleBetween(before, now)).toEqual({ timestamp: 0, cpu_usage: 50, memory_usage: 75 })
  })

  it('is empty when nothing is known', () => {
    const nothing: Reading = {
      timestampMs: 1,
      monotonicMs: 1,
      cpu: null,
      memory: null,
      diskUsedPercent: null,
      network: null,
      disk: null,
    }
    expect(hasMetrics(sampleBetween(nothing, nothing))).toBe(false)
  })
})

describe('rates', () => {
  it.each([
    { before: 100, now: 300, elapsedMs: 2_000, rate: 100 },
    { before: 100, now: 100, elapsedMs: 1_000, rate: 0 },
    { before: 300, now: 100, elapsedMs: 1_000, rate: null },
    { before: 100, now: 300, elapsedMs: 0, rate: null },
    { before: undefined, now: 300, elapsedMs: 1_000, rate: null },
  ])('from $before to $now in $elapsedMs ms is $rate', ({ before, now, elapsedMs, rate }) => {
    expect(ratePerSecond(before, now, elapsedMs)).toBe(rate)
  })

  it('clamps a processor share and gives none when no tick passed', () => {
    expect(cpuPercent({ busy: 10, total: 100 }, { busy: 9, total: 200 })).toBe(0)
    expect(cpuPercent({ busy: 10, total: 100 }, { busy: 10, total: 100 })).toBeNull()
    expect(cpuPercent(null, { busy: 10, total: 100 })).toBeNull()
  })

  it('counts memory that can be had without swapping as free', () => {
    expect(memoryPercent({ totalBytes: 1_000, availableBytes: 250 })).toBe(75)
  })

  it('fills a filesystem as df does, without the blocks kept for root', () => {
    expect(usedPercent({ blocks: 100, bfree: 20, bavail: 0 })).toBe(100)
    expect(usedPercent({ blocks: 0, bfree: 0, bavail: 0 })).toBeNull()
  })
})
