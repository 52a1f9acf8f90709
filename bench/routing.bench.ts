/**
 * Decisions of the router: in one isolate, from the bytes of a body to the explained answer, and over HTTP
 * on bare workerd.
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { loadKernels } from '../src/kernels/module.ts'
import { readArtifact } from '../src/routing/artifact-read.ts'
import { type Decision, decide, type RoutingState } from '../src/routing/decide.ts'
import { DecisionCache } from '../src/routing/decision-cache.ts'
import { DEFAULT_CONFIG } from '../src/routing/default-config.ts'
import { LatencyTracker } from '../src/routing/latency.ts'
import { makeRouter, type Router } from '../src/routing/router.ts'
import { SessionAffinity } from '../src/routing/session-affinity.ts'
import { measureInterleaved, type Subject } from './measure.ts'
import { type Row, ratiosOf, type SuiteOptions } from './report.ts'
import { bytesOf, longBody, shortBody } from './routing/bodies.ts'
import { httpRows } from './routing/http.ts'

const ROOT = path.join(import.meta.dirname, '..')
const bodyOf = (i: number): Uint8Array => bytesOf(shortBody(i))
const longBodyOf = (i: number): Uint8Array => bytesOf(longBody(i))
const utf8 = new TextEncoder()

const stateOf = (): RoutingState => ({
  decisions: new DecisionCache(42),
  sessions: new SessionAffinity(),
  latencies: new LatencyTracker(),
  firstTokens: new LatencyTracker(),
  breakers: new Map(),
})

const routerOf = async (): Promise<Router> => {
  loadKernels(new Uint8Array(readFileSync(path.join(ROOT, 'build', 'kernels.wasm'))))
  const artifact = await readArtifact(
    new Uint8Array(readFileSync(path.join(ROOT, 'models', 'router.gjr'))),
  )
  if (!artifact.ok) throw new Error(JSON.stringify(artifact.error))
  return makeRouter(DEFAULT_CONFIG, artifact.value)
}

const decideOn = (body: Uint8Array, router: Router, state: RoutingState): Decision => {
  const result = decide(body, 'openai', router, state, { organisation: 1, artifact: 0, nowMs: 0 })
  if (!result.ok) throw new Error(JSON.stringify(result.error))
  return result.value
}

/** As other routers parse: what the JSON alone takes of a decision. */
const parseOnly = (bodies: readonly Uint8Array[]): (() => void) => {
  const decoder = new TextDecoder()
  let at = 0
  return () => {
    const body = bodies[at++ % bodies.length] ?? new Uint8Array()
    JSON.parse(decoder.decode(body))
  }
}

/** Every call on another body; what was asked has left the caches when it comes again. */
const over = (
  bodies: readonly Uint8Array[],
  router: Router,
  state: () => RoutingState,
): (() => void) => {
  let at = 0
  let current = state()
  return () => {
    if (at === bodies.length) {
      at = 0
      current = state()
    }
    decideOn(bodies[at++] ?? new Uint8Array(), router, current)
  }
}

interface Case {
  readonly title: string
  readonly bytes: number
  readonly ours: () => void
  readonly rivals: Record<string, Subject>
}

const casesOf = (router: Router, quick: boolean): Case[] => {
  const bodies = Array.from({ length: quick ? 2_000 : 20_000 }, (_, i) => bodyOf(i))
  const long = Array.from({ length: 20 }, (_, i) => longBodyOf(i))
  const warm = stateOf()
  const known = bodies.slice(0, 1_000)
  for (const body of known) decideOn(body, router, warm)
  // Other bytes with the same messages: the body is read, its analysis is known.
  let spelling = 0
  const respell = () => {
    const body = known[spelling % known.length] ?? new Uint8Array()
    const text = utf8.encode(`,"seed":${spelling++}}`)
    const bytes = new Uint8Array(body.length - 1 + text.length)
    bytes.set(body.subarray(0, -1))
    bytes.set(text, body.length - 1)
    decideOn(bytes, router, warm)
  }
  const titled = (title: string, some: readonly Uint8Array[], ours: () => void): Case => ({
    title,
    bytes: some[0]?.length ?? 0,
    ours,
    rivals: { 'JSON.parse alone': parseOnly(some) },
  })
  return [
    titled('1 KB in 4 messages, not asked before', bodies, over(bodies, router, stateOf)),
    titled('1 KB, the same messages in other bytes', known, respell),
    titled(
      '1 KB, the same body',
      known,
      over(known, router, () => warm),
    ),
    titled('50,000 tokens, not asked before', long, over(long, router, stateOf)),
  ]
}

const MICROSECONDS_PER_MS = 1_000

export const run = async ({ quick, log }: SuiteOptions): Promise<Row[]> => {
  const router = await routerOf()
  const rows: Row[] = []
  for (const { title, bytes, ours, rivals } of casesOf(router, quick)) {
    log(title)
    const options = quick
      ? { rounds: 7, batchMs: 50, budgetMs: 3_000 }
      : { rounds: 15, batchMs: 200, budgetMs: 15_000 }
    const times = await measureInterleaved({ ours, ...rivals }, options)
    const inMicroseconds = Object.fromEntries(
      Object.entries(times).map(([name, { median, p5 }]) => [
        name,
        { median: median * MICROSECONDS_PER_MS, p5: p5 * MICROSECONDS_PER_MS },
      ]),
    )
    const { ours: spread = { median: Number.NaN, p5: Number.NaN }, ...others } = inMicroseconds
    rows.push({
      case: title,
      n: bytes,
      unit: 'µs/decision',
      ours: spread,
      rivals: others,
      ratio: ratiosOf(spread, others),
    })
  }
  return [...rows, ...(await httpRows({ quick, log }))]
}

/** The same body decides the same way from every cache. */
export const smoke = async (): Promise<void> => {
  const router = await routerOf()
  const state = stateOf()
  const first = decideOn(bodyOf(0), router, state)
  const again = decideOn(bodyOf(0), router, state)
  if (first.cache !== 'miss' || again.cache !== 'hit' || first.model !== again.model)
    throw new Error(`${first.model} by ${first.cache}, then ${again.model} by ${again.cache}`)
}
