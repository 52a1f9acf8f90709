import { Histogram } from '../kernels/histogram.ts'
import { HOUR_MS } from './periods.ts'
import type { RequestRecord } from './types.ts'

/** What an hour's requests are told apart by. */
export interface HourGroup {
  /** Start, ms since the epoch. */
  readonly hourMs: number
  readonly keyId: string | null
  readonly kind: RequestRecord['kind']
  readonly provider: string
  readonly model: string
  /** '' where no decision was made; so is `artifactVersion`. */
  readonly bucket: string
  readonly artifactVersion: string
}

/** Counts and sums of an hour, whole numbers. */
export const HOUR_SUMS = [
  'requests',
  'errors',
  'cancelled',
  'fallbacks',
  'cacheHits',
  'inputTokens',
  'cachedInputTokens',
  'cacheWriteTokens',
  'outputTokens',
  'reasoningTokens',
  'costNanoUsd',
  'strongCostNanoUsd',
] as const
export type HourSum = (typeof HOUR_SUMS)[number]
export type HourSums = Record<HourSum, number>

export const groupOf = (record: RequestRecord): HourGroup => ({
  hourMs: record.atMs - (record.atMs % HOUR_MS),
  keyId: record.keyId,
  kind: record.kind,
  provider: record.provider,
  model: record.model,
  bucket: record.bucket ?? '',
  artifactVersion: record.artifactVersion ?? '',
})

/** Text that is the same for the same group, and for no other. */
export const groupName = (group: HourGroup): string =>
  JSON.stringify([
    group.hourMs,
    group.keyId,
    group.kind,
    group.provider,
    group.model,
    group.bucket,
    group.artifactVersion,
  ])

/** Requests of one group, mergeable: sums, and sketches of latency and of time to the first token in ms. */
export class HourAggregate {
  readonly sums: HourSums
  readonly latency: Histogram
  readonly timeToFirstToken: Histogram

  constructor(
    sums: HourSums = Object.fromEntries(HOUR_SUMS.map((name) => [name, 0])) as HourSums,
    latency = new Histogram(),
    timeToFirstToken = new Histogram(),
  ) {
    this.sums = sums
    this.latency = latency
    this.timeToFirstToken = timeToFirstToken
  }

  add(record: RequestRecord): void {
    const { sums } = this
    sums.requests += 1
    if (record.outcome === 'error' || record.outcome === 'interrupted') sums.errors += 1
    if (record.outcome === 'cancelled') sums.cancelled += 1
    if (record.attempts > 1) sums.fallbacks += 1
    if (record.cache !== 'none') sums.cacheHits += 1
    sums.inputTokens += record.inputTokens
    sums.cachedInputTokens += record.cachedInputTokens
    sums.cacheWriteTokens += record.cacheWriteTokens
    sums.outputTokens += record.outputTokens
    sums.reasoningTokens += record.reasoningTokens
    sums.costNanoUsd += record.costNanoUsd
    sums.strongCostNanoUsd += record.strongCostNanoUsd
    this.latency.add(record.latencyMs)
    if (record.timeToFirstTokenMs !== null) this.timeToFirstToken.add(record.timeToFirstTokenMs)
  }
}
