import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Answer } from './answers.ts'
import { DEMO_END_MS } from './demo-data.ts'

/** Answers of Prometheus 2.42 to range queries over the demo series, recorded by scripts/promql-compare.ts. */
export type Golden = Record<string, Answer>

export const GOLDEN_FILE = path.join(import.meta.dirname, 'golden', 'prometheus-2.42.json.gz')
/** Few steps, as much apart that windows differ, off the samples' own times. */
export const GOLDEN_GRID = { startMs: DEMO_END_MS - 1_802_000, stepMs: 599_000, steps: 4 }
/** Relative: sums and powers are rounded in another order, or by another library. */
export const TOLERANCE = 1e-9

export const readGolden = (): Golden | null =>
  existsSync(GOLDEN_FILE)
    ? (JSON.parse(gunzipSync(readFileSync(GOLDEN_FILE)).toString('utf8')) as Golden)
    : null
