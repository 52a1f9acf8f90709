import { HOUR_MS } from './periods.ts'
import type { RequestRecord } from './types.ts'

/** Longest name of a model, provider, fault or artifact that is kept. */
const TEXT_LENGTH_MAX = 200
/** Features of one record; an artifact has fewer than a hundred. */
const FEATURES_MAX = 256

/** A record may wait for so long in an isolate: less than its hour and its decision are kept. */
const AGE_MS_MAX = 46 * HOUR_MS
const AHEAD_MS_MAX = HOUR_MS

/** What a database cannot store, and a log should not show. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}]/gu

const clean = (text: string): string =>
  text.slice(0, TEXT_LENGTH_MAX).replace(UNPRINTABLE, '\ufffd')
const cleanOr = (text: string | null): string | null => (text === null ? null : clean(text))

const whole = (value: number): number => {
  if (!(value > 0)) return 0
  return Math.min(Math.round(value), Number.MAX_SAFE_INTEGER)
}

/** f64, not below zero and finite. */
const duration = (ms: number): number => (ms > 0 && Number.isFinite(ms) ? ms : 0)

/** A time that no clock but one that is far off tells is the present: no other has a day that it is spent on. */
const believable = (atMs: number, nowMs: number): number =>
  atMs >= nowMs - AGE_MS_MAX && atMs <= nowMs + AHEAD_MS_MAX ? Math.round(atMs) : nowMs

/** The record as it can be stored: whole counts, finite times, texts without control characters. */
export const storable = (record: RequestRecord, nowMs: number): RequestRecord => ({
  ...record,
  atMs: believable(record.atMs, nowMs),
  fault: cleanOr(record.fault),
  requestedModel: cleanOr(record.requestedModel),
  provider: clean(record.provider),
  model: clean(record.model),
  artifactVersion: cleanOr(record.artifactVersion),
  attempts: Math.min(whole(record.attempts), 1_000),
  inputTokens: whole(record.inputTokens),
  cachedInputTokens: whole(record.cachedInputTokens),
  cacheWriteTokens: whole(record.cacheWriteTokens),
  outputTokens: whole(record.outputTokens),
  reasoningTokens: whole(record.reasoningTokens),
  costNanoUsd: whole(record.costNanoUsd),
  strongCostNanoUsd: whole(record.strongCostNanoUsd),
  latencyMs: duration(record.latencyMs),
  timeToFirstTokenMs:
    record.timeToFirstTokenMs === null ? null : duration(record.timeToFirstTokenMs),
  features:
    record.features === null
      ? null
      : record.features
          .slice(0, FEATURES_MAX)
          .map((value) => (value !== null && Number.isFinite(value) ? value : null)),
})
