import { z } from '@hono/zod-openapi'
import type { ApiKey } from '../database/access-queries.ts'
import type { Env } from '../env.ts'
import { ProblemError, problem } from '../http/problem.ts'
import { ledgerOf } from '../ledger/ledger-client.ts'
import type { KeyLimits } from '../ledger/types.ts'
import { logEvent } from '../observability/log.ts'

const NANO_PER_USD = 1e9
/** Budgets and what is spent of them are exact whole billionths up to this. */
export const BUDGET_USD_MAX = 9_000_000
export const REQUESTS_PER_MINUTE_MAX = 1_000_000
export const TOKENS_PER_MINUTE_MAX = 1_000_000_000
/** Smallest part of a dollar that money is counted in, as decimals. */
const DECIMALS = 9

const usd = z
  .number()
  .min(0)
  .max(BUDGET_USD_MAX)
  .refine(
    (value) => Number(value.toFixed(DECIMALS)) === value,
    `must have at most ${DECIMALS} decimals`,
  )

const fields = {
  budget_usd: usd.nullable().openapi({ description: 'US dollars in a period; null: no limit' }),
  budget_period: z
    .enum(['day', 'month', 'total'])
    .openapi({ description: 'When the budget begins anew, in UTC' }),
  requests_per_minute: z.number().int().min(1).max(REQUESTS_PER_MINUTE_MAX).nullable(),
  tokens_per_minute: z.number().int().min(1).max(TOKENS_PER_MINUTE_MAX).nullable(),
}

/** Limits in a body: what is missing is not limited. */
export const limitFields = {
  budget_usd: fields.budget_usd.default(null),
  budget_period: fields.budget_period.default('month'),
  requests_per_minute: fields.requests_per_minute.default(null),
  tokens_per_minute: fields.tokens_per_minute.default(null),
}

export const newLimitsSchema = z.strictObject(limitFields).openapi('NewKeyLimits')

export const limitsSchema = z
  .object({
    ...fields,
    spent_usd: z
      .number()
      .openapi({ description: 'In the present period; the month where there is no budget' }),
  })
  .openapi('KeyLimits')

type NewLimits = z.infer<typeof newLimitsSchema>

/** Null where nothing is limited. */
export const limitsOf = (wanted: NewLimits): KeyLimits | null => {
  const { budget_usd, budget_period, requests_per_minute, tokens_per_minute } = wanted
  if (budget_usd === null && requests_per_minute === null && tokens_per_minute === null) return null
  return {
    budgetNanoUsd: budget_usd === null ? null : Math.round(budget_usd * NANO_PER_USD),
    budgetPeriod: budget_period,
    requestsPerMinute: requests_per_minute,
    tokensPerMinute: tokens_per_minute,
  }
}

/** The limits of a key as they are shown. */
export const representLimits = (limits: KeyLimits | null, spentNanoUsd: number) => ({
  budget_usd: limits?.budgetNanoUsd == null ? null : limits.budgetNanoUsd / NANO_PER_USD,
  budget_period: limits?.budgetPeriod ?? 'month',
  requests_per_minute: limits?.requestsPerMinute ?? null,
  tokens_per_minute: limits?.tokensPerMinute ?? null,
  spent_usd: spentNanoUsd / NANO_PER_USD,
})

/**
 * What keys spent in the present period of their budgets, billionths of a dollar by key; isolates report what
 * they served within a quarter of a second.
 *
 * @throws ProblemError 503 where the ledger does not answer
 */
export const spentByKey = async (
  env: Pick<Env, 'LEDGER'>,
  organisationId: string,
  keys: readonly ApiKey[],
): Promise<ReadonlyMap<string, number>> => {
  const asked = keys.map(({ id, limits }) => ({
    keyId: id,
    budgetPeriod: limits?.budgetPeriod ?? ('month' as const),
  }))
  try {
    const spent = await ledgerOf(env, organisationId).spent(asked)
    return new Map(spent.map(({ keyId, spentNanoUsd }) => [keyId, spentNanoUsd]))
  } catch (error) {
    logEvent('access', 'warn', 'the ledger did not tell what keys spent', error)
    throw new ProblemError(
      problem(503, 'dependency-unavailable', 'the ledger does not answer; try again soon', {
        retryAfterSeconds: 2,
      }),
    )
  }
}
