import { describe, expect, it } from 'vitest'
import { rowJsonOf, rowValuesOf, SILENT_ROW_VALUES } from '../../src/fleet/dashboard-row.ts'
import { efficiencyOf, healthOf } from '../../src/fleet/health.ts'
import type { LatestSample, Window24h } from '../../src/fleet/types.ts'

const window: Window24h = {
  cpu_avg: 100 / 3,
  cpu_max: 100,
  cpu_p95: 1e-7,
  memory_avg: null,
  memory_max: null,
  memory_p95: null,
  sample_count: 86_400,
}
const latest: LatestSample = {
  timestamp: 1_795_291_140_000,
  cpu_usage: 95.5,
  memory_usage: null,
  disk_usage: 0,
  network_in_bytes: Number.MAX_VALUE,
  network_out_bytes: Number.MIN_VALUE,
  iops_read: 1e21,
  iops_write: 2 ** 53,
}

describe('a dashboard row', () => {
  it.each([
    ['every kind of value', latest],
    ['no sample', null],
  ])('with %s reads as its parts, to the bit', (_, sample) => {
    const members = { id: 'x', name: 'a,b{c}"d\\e\u2028ü😀', health_score: 50 }
    const text = `${rowValuesOf(sample, window)},${JSON.stringify(members).slice(0, -1)}`
    const { health_score: _score, ...statuses } = healthOf(sample)
    expect(JSON.parse(rowJsonOf(text))).toEqual({
      ...members,
      latest: sample,
      window_24h: window,
      ...statuses,
      ...efficiencyOf(window),
    })
  })

  it('of a VM that never reported has nulls, no samples and unknown statuses', () => {
    expect(JSON.parse(rowJsonOf(`${SILENT_ROW_VALUES},{"name":"silent"`))).toEqual({
      name: 'silent',
      latest: null,
      window_24h: { ...window, cpu_avg: null, cpu_max: null, cpu_p95: null, sample_count: 0 },
      cpu_status: 'unknown',
      memory_status: 'unknown',
      disk_status: 'unknown',
      cpu_efficiency: null,
      memory_efficiency: null,
    })
  })

  it('holds null for what JSON has no number for', () => {
    expect(rowValuesOf({ ...latest, iops_read: Number.NaN }, window)).toContain(',null,')
  })
})
