import { describe, expect, it } from 'vitest'
import { type Env, settingsOf } from '../src/env.ts'

const settings = (texts: Partial<Record<keyof Env, string>>) => settingsOf(texts as unknown as Env)

describe('settings', () => {
  it('have defaults, also where a variable is empty', () => {
    expect(settings({})).toMatchObject({ shardsPerOrganisation: 4, vmsAutoCreate: true })
    expect(settings({ SHARDS_PER_ORGANISATION: '', VMS_AUTO_CREATE: '' })).toEqual(settings({}))
  })

  it('are read from texts', () => {
    expect(settings({ VMS_AUTO_CREATE: 'off' }).vmsAutoCreate).toBe(false)
    expect(settings({ VMS_AUTO_CREATE: 'on' }).vmsAutoCreate).toBe(true)
    expect(settings({ COST_USD_PER_GIB_HOUR: '0.005' }).costRates.usdPerGibHour).toBe(0.005)
    expect(settings({ SERIES_MAX: '1000' }).seriesMaxPerShard).toBe(250)
  })

  it.each([
    ['SHARDS_PER_ORGANISATION', '2.5'],
    ['SHARDS_PER_ORGANISATION', '0'],
    ['METRICS_RETENTION_DAYS', '30.5'],
    ['RAW_RETENTION_HOURS', '24'],
    ['SERIES_MAX', 'many'],
    ['FLUSH_INTERVAL_MS', 'NaN'],
    ['VMS_AUTO_CREATE', 'false'],
    ['COST_USD_PER_CORE_HOUR', '-1'],
  ] as const)('refuse %s=%s by name', (name, text) => {
    expect(() => settings({ [name]: text })).toThrow(name)
  })
})
