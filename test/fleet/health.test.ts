import { describe, expect, it } from 'vitest'
import { efficiencyOf, healthOf, hourlyCostUsd } from '../../src/fleet/health.ts'

const health = (cpu: number | null, memory: number | null, disk: number | null) =>
  healthOf({ cpu_usage: cpu, memory_usage: memory, disk_usage: disk })

describe('health', () => {
  it.each([
    [90, 50, 50, 'warning', 50],
    [90.1, 50, 50, 'critical', 0],
    [75, 50, 50, 'normal', 100],
    [75.1, 50, 50, 'warning', 50],
    [9.9, 50, 50, 'underutilized', 100],
    [10, 50, 50, 'normal', 100],
    [9.9, 19.9, 50, 'underutilized', 25],
    [9.9, 19.9, 96, 'underutilized', 0],
    [9.9, 20, 50, 'underutilized', 100],
  ])('cpu %s memory %s disk %s: cpu is %s, score %s', (cpu, memory, disk, status, score) => {
    const result = health(cpu, memory, disk)
    expect(result.cpu_status).toBe(status)
    expect(result.health_score).toBe(score)
  })

  it.each([
    [80, 'normal'],
    [80.1, 'warning'],
    [90.1, 'critical'],
    [19.9, 'underutilized'],
  ])('memory %s is %s', (memory, status) => {
    expect(health(50, memory, 50).memory_status).toBe(status)
  })

  it.each([
    [85, 'normal'],
    [85.1, 'warning'],
    [95, 'warning'],
    [95.1, 'critical'],
    [0, 'normal'],
  ])('disk %s is %s', (disk, status) => {
    expect(health(50, 50, disk).disk_status).toBe(status)
  })

  it('does not judge what never reported', () => {
    expect(healthOf(null)).toEqual({
      cpu_status: 'unknown',
      memory_status: 'unknown',
      disk_status: 'unknown',
      health_score: 100,
    })
  })
})

describe('efficiency and cost', () => {
  it('is the 24 h mean as a ratio', () => {
    expect(efficiencyOf({ cpu_avg: 25, memory_avg: null })).toEqual({
      cpu_efficiency: 0.25,
      memory_efficiency: null,
    })
  })

  it('adds cores, GiB and hundreds of GB at their rates', () => {
    const rates = { usdPerCoreHour: 0.05, usdPerGibHour: 0.02, usdPer100GbHour: 0.01 }
    expect(hourlyCostUsd({ cpu_cores: 4, memory_mb: 8_192, disk_gb: 250 }, rates)).toBeCloseTo(
      0.2 + 0.16 + 0.025,
      12,
    )
  })
})
