import type { CostRates } from './database/dashboard-queries.ts'
import type { TierRetention } from './database/partition-queries.ts'
import { parseVmLabels } from './fleet/ingest/label-mapping.ts'
import type { SeriesShard } from './fleet/series-shard.ts'
import type { GatewaySettings } from './gateway/gateway-settings.ts'
import type { HealthBoard } from './gateway/health-board.ts'
import { type PassThroughAdapter, parsePassThrough } from './gateway/pass-through.ts'
import { parseCatalogUrl } from './gateway/provider-address.ts'
import type { Ledger } from './ledger/ledger.ts'
import {
  type ArtifactSettings,
  parseArtifactUrl,
  parsePublicKey,
} from './routing/artifact-settings.ts'
import { type EmbeddingSettings, parseEmbedding } from './routing/embedding-provider.ts'
import type { Hub } from './streams/hub.ts'

/** What the platform binds to the worker. Numbers arrive as text; `settingsOf` parses them once. */
export interface Env {
  readonly DATABASE_URL?: string
  /** host:port of a Neon-compatible proxy; absent in production, where the driver's own endpoint is used. */
  readonly NEON_PROXY?: string
  /** Present on the local stack only: the key that the page is handed on a loopback address. */
  readonly LOCAL_DEVELOPMENT_KEY?: string
  readonly ASSETS: Fetcher
  readonly SERIES_SHARD: DurableObjectNamespace<SeriesShard>
  readonly HUB: DurableObjectNamespace<Hub>
  readonly LEDGER: DurableObjectNamespace<Ledger>
  readonly HEALTH_BOARD: DurableObjectNamespace<HealthBoard>
  readonly FLUSH_INTERVAL_MS?: string
  readonly LIVE_INTERVAL_MS?: string
  readonly SHARDS_PER_ORGANISATION?: string
  readonly RAW_RETENTION_HOURS?: string
  readonly METRICS_RETENTION_DAYS?: string
  readonly FIVE_MINUTE_RETENTION_DAYS?: string
  readonly HOUR_RETENTION_DAYS?: string
  readonly LLM_REQUESTS_RETENTION_DAYS?: string
  readonly JOURNAL_SAMPLES_MAX?: string
  readonly LEDGER_RECORDS_MAX?: string
  readonly SERIES_MAX?: string
  readonly SERIES_CUT_SAMPLES?: string
  readonly SERIES_CUT_MINUTES?: string
  readonly VM_LABELS?: string
  readonly VMS_AUTO_CREATE?: string
  readonly VMS_MAX?: string
  readonly COST_USD_PER_CORE_HOUR?: string
  readonly COST_USD_PER_GIB_HOUR?: string
  readonly COST_USD_PER_100_GB_HOUR?: string
  /** Providers, see src/gateway/provider-settings.ts; their keys are bindings of any name. */
  readonly PROVIDERS?: string
  readonly PASS_THROUGH?: string
  readonly PASS_THROUGH_ORGANISATION?: string
  readonly CATALOG_URL?: string
  readonly CATALOG_RELOAD_SECONDS?: string
  readonly ROUTER_ARTIFACT_URL?: string
  readonly ROUTER_RELOAD_SECONDS?: string
  readonly ROUTER_PUBLIC_KEY?: string
  readonly ROUTER_EMBEDDING_URL?: string
  readonly ROUTER_EMBEDDING_MODEL?: string
  readonly ROUTER_EMBEDDING_DIMENSIONS?: string
  readonly ROUTER_EMBEDDING_TIMEOUT_MS?: string
  /** A secret. */
  readonly ROUTER_EMBEDDING_KEY?: string
  readonly GATEWAY_TOTAL_MS?: string
  readonly GATEWAY_HEADERS_MS?: string
  readonly GATEWAY_ANSWER_MS?: string
  readonly GATEWAY_FIRST_TOKEN_MS?: string
  readonly GATEWAY_PEEK_MS?: string
  readonly GATEWAY_IDLE_MS?: string
  readonly GATEWAY_OUTPUT_TOKENS?: string
  readonly GATEWAY_HEDGE_SHARE?: string
}

export interface Settings {
  readonly databaseUrl: string
  readonly neonProxy: string | null
  /** A shard writes to PostgreSQL at most this often. */
  readonly flushIntervalMs: number
  /** A shard publishes what changed to the hub at most this often. */
  readonly liveIntervalMs: number
  /** Shards a new organisation's VMs are spread over; part of where data lives, so never change it in place. */
  readonly shardsPerOrganisation: number
  /** Raw samples stay in the shard this long; older samples are refused. */
  readonly rawRetentionMs: number
  /** How long minutes, five minutes, hours and requests stay in PostgreSQL. */
  readonly retention: TierRetention
  /** Samples a shard holds that PostgreSQL does not have yet; beyond it ingest answers 503. */
  readonly journalSamplesMax: number
  /** Requests, and feedback, that a ledger holds for PostgreSQL; beyond it nothing more is taken. */
  readonly ledgerRecordsMax: number
  /** Label series of an organisation; an organisation at the bound gets no new ones. */
  readonly seriesMax: number
  /** Label series that a shard takes: its part of SERIES_MAX, which is an organisation's. */
  readonly seriesMaxPerShard: number
  /** Samples of label series in a shard's memory and journal before they are sealed into chunks. */
  readonly seriesCutSamples: number
  /** Longest time until they are sealed. */
  readonly seriesCutIntervalMs: number
  /** Labels that may name the VM of a series, the most telling first. */
  readonly vmLabels: readonly string[]
  /** Whether the first host metric of a name that no VM has makes a VM. */
  readonly vmsAutoCreate: boolean
  /** VMs of an organisation beyond which none is made so. */
  readonly vmsMax: number
  readonly costRates: CostRates
  /** Kinds of providers' credentials that callers may come with. */
  readonly passThrough: ReadonlySet<PassThroughAdapter>
  /** Slug of the organisation of callers who bring no key of ours; null: they must bring one. */
  readonly passThroughOrganisation: string | null
  /** Where the catalogue of models is refreshed from; null: the shipped one alone. */
  readonly catalogUrl: string | null
  readonly catalogReloadMs: number
  readonly routerArtifact: ArtifactSettings
  /** Null: questions are embedded by the lexical embedding alone. */
  readonly routerEmbedding: EmbeddingSettings | null
  readonly gateway: GatewaySettings
}

const number = (
  env: Env,
  name: keyof Env,
  fallback: number,
  { min, max }: { min: number; max: number },
) => {
  const text = env[name]
  if (text === undefined || text === '') return fallback
  const value = Number(text)
  if (!(value >= min && value <= max))
    throw new RangeError(`${name} must be a number from ${min} to ${max}`)
  return value
}

const whole = (
  env: Env,
  name: keyof Env,
  fallback: number,
  range: { min: number; max: number },
) => {
  const value = number(env, name, fallback, range)
  if (!Number.isInteger(value)) throw new RangeError(`${name} must be a whole number`)
  return value
}

const isOn = (env: Env, name: keyof Env): boolean => {
  const text = env[name]
  if (text === undefined || text === '' || text === 'on') return true
  if (text === 'off') return false
  throw new RangeError(`${name} must be on or off`)
}

/** Tails of more series would not fit the rows that a shard stores them in, nor its memory. */
const SERIES_PER_SHARD_MAX = 250_000

/** What a provider may be waited for. */
const WAIT_MS = { min: 10, max: 3_600_000 }

const parsed = new WeakMap<Env, Settings>()

/** The settings of one deployment. Throws RangeError naming the variable that is out of its range. */
export const settingsOf = (env: Env): Settings => {
  const known = parsed.get(env)
  if (known) return known
  const shardsPerOrganisation = whole(env, 'SHARDS_PER_ORGANISATION', 4, { min: 1, max: 1_024 })
  const seriesMax = whole(env, 'SERIES_MAX', 200_000, { min: 10, max: 100_000_000 })
  const settings: Settings = {
    databaseUrl: env.DATABASE_URL ?? '',
    neonProxy: env.NEON_PROXY || null,
    flushIntervalMs: whole(env, 'FLUSH_INTERVAL_MS', 5_000, { min: 100, max: 3_600_000 }),
    liveIntervalMs: whole(env, 'LIVE_INTERVAL_MS', 1_000, { min: 50, max: 60_000 }),
    shardsPerOrganisation,
    rawRetentionMs: whole(env, 'RAW_RETENTION_HOURS', 48, { min: 25, max: 24 * 30 }) * 3_600_000,
    retention: {
      minuteDays: whole(env, 'METRICS_RETENTION_DAYS', 30, { min: 3, max: 3_650 }),
      fiveMinuteDays: whole(env, 'FIVE_MINUTE_RETENTION_DAYS', 90, { min: 3, max: 3_650 }),
      hourDays: whole(env, 'HOUR_RETENTION_DAYS', 400, { min: 3, max: 36_500 }),
      requestDays: whole(env, 'LLM_REQUESTS_RETENTION_DAYS', 30, { min: 3, max: 3_650 }),
    },
    journalSamplesMax: whole(env, 'JOURNAL_SAMPLES_MAX', 1_000_000, { min: 100, max: 50_000_000 }),
    ledgerRecordsMax: whole(env, 'LEDGER_RECORDS_MAX', 200_000, { min: 10, max: 10_000_000 }),
    seriesMax,
    seriesMaxPerShard: Math.min(SERIES_PER_SHARD_MAX, Math.ceil(seriesMax / shardsPerOrganisation)),
    seriesCutSamples: whole(env, 'SERIES_CUT_SAMPLES', 500_000, { min: 100, max: 4_000_000 }),
    seriesCutIntervalMs: whole(env, 'SERIES_CUT_MINUTES', 30, { min: 1, max: 1_440 }) * 60_000,
    vmLabels: parseVmLabels(env.VM_LABELS ?? ''),
    vmsAutoCreate: isOn(env, 'VMS_AUTO_CREATE'),
    vmsMax: whole(env, 'VMS_MAX', 20_000, { min: 0, max: 1_000_000 }),
    costRates: {
      usdPerCoreHour: number(env, 'COST_USD_PER_CORE_HOUR', 0.05, { min: 0, max: 1_000 }),
      usdPerGibHour: number(env, 'COST_USD_PER_GIB_HOUR', 0.02, { min: 0, max: 1_000 }),
      usdPer100GbHour: number(env, 'COST_USD_PER_100_GB_HOUR', 0.01, { min: 0, max: 1_000 }),
    },
    passThrough: parsePassThrough(env.PASS_THROUGH ?? ''),
    passThroughOrganisation: env.PASS_THROUGH_ORGANISATION?.trim() || null,
    catalogUrl: parseCatalogUrl(env.CATALOG_URL ?? ''),
    catalogReloadMs:
      whole(env, 'CATALOG_RELOAD_SECONDS', 86_400, { min: 60, max: 2_592_000 }) * 1_000,
    routerArtifact: {
      url: parseArtifactUrl(env.ROUTER_ARTIFACT_URL ?? ''),
      reloadMs: whole(env, 'ROUTER_RELOAD_SECONDS', 300, { min: 10, max: 86_400 }) * 1_000,
      publicKey: parsePublicKey(env.ROUTER_PUBLIC_KEY ?? ''),
    },
    routerEmbedding: parseEmbedding(
      env.ROUTER_EMBEDDING_URL ?? '',
      env.ROUTER_EMBEDDING_MODEL ?? '',
      {
        dimensions: whole(env, 'ROUTER_EMBEDDING_DIMENSIONS', 384, { min: 1, max: 4_096 }),
        timeoutMs: whole(env, 'ROUTER_EMBEDDING_TIMEOUT_MS', 50, { min: 5, max: 5_000 }),
        key: env.ROUTER_EMBEDDING_KEY ?? '',
      },
    ),
    gateway: {
      totalMs: whole(env, 'GATEWAY_TOTAL_MS', 600_000, WAIT_MS),
      deadlines: {
        headersMs: whole(env, 'GATEWAY_HEADERS_MS', 60_000, WAIT_MS),
        answerMs: whole(env, 'GATEWAY_ANSWER_MS', 300_000, WAIT_MS),
        firstTokenMs: whole(env, 'GATEWAY_FIRST_TOKEN_MS', 60_000, WAIT_MS),
        peekMs: whole(env, 'GATEWAY_PEEK_MS', 30_000, WAIT_MS),
        idleMs: whole(env, 'GATEWAY_IDLE_MS', 60_000, WAIT_MS),
      },
      outputTokens: whole(env, 'GATEWAY_OUTPUT_TOKENS', 4_096, { min: 1, max: 1_000_000 }),
      hedgeShare: number(env, 'GATEWAY_HEDGE_SHARE', 0, { min: 0, max: 0.5 }),
    },
  }
  parsed.set(env, settings)
  return settings
}
