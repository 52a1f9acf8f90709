import { describe, expect, it } from 'vitest'
import { limitsOf, newLimitsSchema, representLimits } from '../../src/access/limits.ts'
import { newKeySchema } from '../../src/access/schemas.ts'

describe('limits of a key', () => {
  it.each([
    { usd: 0, nano: 0 },
    { usd: 0.1, nano: 100_000_000 },
    { usd: 0.000_000_001, nano: 1 },
    { usd: 1.005, nano: 1_005_000_000 },
    { usd: 123_456.789_012_345, nano: 123_456_789_012_345 },
    { usd: 9_000_000, nano: 9_000_000_000_000_000 },
  ])('count $usd dollars as $nano billionths, and show them again', ({ usd, nano }) => {
    const limits = limitsOf(newLimitsSchema.parse({ budget_usd: usd }))
    expect(limits).toMatchObject({ budgetNanoUsd: nano, budgetPeriod: 'month' })
    expect(representLimits(limits, nano)).toMatchObject({ budget_usd: usd, spent_usd: usd })
  })

  it.each([
    { name: 'a tenth decimal', body: { budget_usd: 0.000_000_000_1 } },
    { name: 'a negative budget', body: { budget_usd: -1 } },
    { name: 'more than can be counted exactly', body: { budget_usd: 9_000_001 } },
    { name: 'no requests at all', body: { requests_per_minute: 0 } },
    { name: 'half a token', body: { tokens_per_minute: 0.5 } },
    { name: 'a period that there is not', body: { budget_period: 'week' } },
    { name: 'a foreign member', body: { budget: 1 } },
  ])('refuse $name', ({ body }) => {
    expect(newLimitsSchema.safeParse(body).success).toBe(false)
    expect(newKeySchema.safeParse({ name: 'a', scopes: ['read'], ...body }).success).toBe(false)
  })

  it('are none where nothing is limited, whatever the period', () => {
    expect(limitsOf(newLimitsSchema.parse({ budget_period: 'day' }))).toBeNull()
    expect(representLimits(null, 0)).toEqual({
      budget_usd: null,
      budget_period: 'month',
      requests_per_minute: null,
      tokens_per_minute: null,
      spent_usd: 0,
    })
  })
})
