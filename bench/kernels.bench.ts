/**
 * The kernels, beside a plain TypeScript loop, the packages of npm that do the same (simple-statistics
 * and bench/rivals) and what C makes of this processor (bench/native).
 */
import { ArenaExhaustedError } from '../src/kernels/memory.ts'
import * as base64 from './kernels/base64.bench.ts'
import * as chunk from './kernels/chunk.bench.ts'
import * as elementwise from './kernels/elementwise.bench.ts'
import * as histogram from './kernels/histogram.bench.ts'
import * as parse from './kernels/parse.bench.ts'
import * as points from './kernels/points.bench.ts'
import * as quantile from './kernels/quantile.bench.ts'
import * as reduce from './kernels/reduce.bench.ts'
import * as remoteWrite from './kernels/remote-write.bench.ts'
import * as rolling from './kernels/rolling.bench.ts'
import * as routing from './kernels/routing.bench.ts'
import * as seriesIdentity from './kernels/series-identity.bench.ts'
import * as similarity from './kernels/similarity.bench.ts'
import * as snappy from './kernels/snappy.bench.ts'
import * as text from './kernels/text.bench.ts'
import * as trees from './kernels/trees.bench.ts'
import * as windows from './kernels/windows.bench.ts'
import { type MeasureOptions, measureInterleaved, type Subject } from './measure.ts'
import { compileNative, NativeProcess, type Program } from './native/program.ts'
import { type Row, ratiosOf, type Spread, type SuiteOptions } from './report.ts'
import { type Load, rivals as loadRivals } from './rivals/load.ts'
import type { BenchCase } from './types.ts'

const families = [
  reduce,
  quantile,
  histogram,
  similarity,
  elementwise,
  rolling,
  parse,
  base64,
  trees,
  text,
  routing,
  snappy,
  chunk,
  windows,
  points,
  seriesIdentity,
  remoteWrite,
]

/** Values, not bytes: in the first cache, in the second, in the third or none, in none. */
const SIZES = [1e3, 1e5, 1e6, 1e7]
const SIZES_QUICK = [1e3, 1e5]

/** A quick run is done within 45 s, of which installing and compiling may take some. */
const QUICK_MS = 32_000
const FULL: MeasureOptions = { rounds: 15, batchMs: 30, budgetMs: 10_000 }

/** Throws where a rival's checksum is further from ours than the case allows. */
const check = (one: BenchCase, name: string, theirs: number): void => {
  const ours = one.checksum()
  if (!(ours === theirs || Math.abs(theirs / ours - 1) <= one.tolerance)) {
    throw new Error(`${one.case}, n = ${one.n}: ours gives ${ours}, ${name} gives ${theirs}`)
  }
}

const compare = (one: BenchCase): void => {
  for (const [name, checksum] of Object.entries(one.rivalChecksums)) check(one, name, checksum())
}

interface Others {
  readonly subjects: Record<string, Subject>
  readonly absent: Record<string, string>
  stop(): void
}

/** Installed and compiled rivals, their results compared with ours; those that are not there, and why. */
const othersOf = async (
  one: BenchCase,
  load: Load,
  programs: Readonly<Record<string, Program>>,
): Promise<Others> => {
  const subjects: Record<string, Subject> = {}
  const absent: Record<string, string> = {}
  const started: NativeProcess[] = []
  for (const [name, build] of Object.entries(one.packages ?? {})) {
    let work: () => number
    try {
      work = build(load)
    } catch (error) {
      absent[name] = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
      continue
    }
    check(one, name, work())
    subjects[name] = () => {
      sink += work()
    }
  }
  for (const [name, program] of Object.entries(programs)) {
    if (!one.native) break
    if ('absent' in program) {
      absent[name] = program.absent
      continue
    }
    const child = new NativeProcess(program.file, one.native)
    started.push(child)
    check(one, name, await child.read())
    subjects[name] = child
  }
  return {
    subjects,
    absent,
    stop: () => {
      for (const child of started) child.stop()
    },
  }
}

let sink = 0

const perElement = ({ median, p5 }: Spread, elements: number): Spread => ({
  median: (median * 1e6) / elements,
  p5: (p5 * 1e6) / elements,
})

const rowOf = async (one: BenchCase, others: Others, options: MeasureOptions): Promise<Row> => {
  const { ours, ...rivals } = await measureInterleaved(
    { ours: one.ours, ...one.rivals, ...others.subjects },
    options,
  )
  if (!ours) throw new Error('ours was not measured')
  const mine = perElement(ours, one.elements)
  const theirs = Object.fromEntries(
    Object.entries(rivals).map(([name, spread]) => [name, perElement(spread, one.elements)]),
  )
  const inputBytes = one.inputBytes ?? one.elements * 8
  return {
    case: one.case,
    n: one.n,
    unit: one.unit,
    ours: mine,
    rivals: theirs,
    ratio: ratiosOf(mine, theirs),
    gigabytesPerSecond: inputBytes / (ours.median * 1e6),
    ...(Object.keys(others.absent).length > 0 ? { absent: others.absent } : {}),
  }
}

/** The case's row; undefined, and a word about it, where its input is beyond the kernels' memory. */
const tryRow = async (
  one: BenchCase,
  { load, programs, options, log }: Run,
): Promise<Row | undefined> => {
  log(`${one.case}, n = ${one.n}`)
  try {
    compare(one)
    const others = await othersOf(one, load, programs)
    try {
      return await rowOf(one, others, options())
    } finally {
      others.stop()
    }
  } catch (error) {
    if (!(error instanceof ArenaExhaustedError)) throw error
    log(`  left out: ${error.message}`)
    return undefined
  } finally {
    one.close?.()
  }
}

interface Run {
  readonly load: Load
  readonly programs: Readonly<Record<string, Program>>
  readonly log: (text: string) => void
  /** How thoroughly the next case is measured. */
  options(): MeasureOptions
}

/** One size at a time, for the inputs of all would not fit in memory together. */
const rowsOf = async (sizes: readonly number[], run: Run): Promise<Row[]> => {
  const rows: Row[] = []
  for (const family of families) {
    for (const size of sizes) {
      for (const one of await family.cases(size)) {
        const row = await tryRow(one, run)
        if (row) rows.push(row)
      }
    }
  }
  // The sizes of one case under one another.
  return [...Map.groupBy(rows, (row) => row.case).values()].flat()
}

export const run = async ({ quick, log }: SuiteOptions): Promise<Row[]> => {
  const startedMs = performance.now()
  const load = loadRivals(log)
  const programs = await compileNative()
  if (!quick) return rowsOf(SIZES, { load, programs, log, options: () => FULL })
  const small = (await Promise.all(families.map((family) => family.cases('smoke')))).flat()
  for (const one of small) one.close?.()
  let left = small.length * SIZES_QUICK.length
  const options = (): MeasureOptions => {
    const leftMs = QUICK_MS - (performance.now() - startedMs)
    const caseMs = Math.max(40, leftMs / Math.max(1, left--))
    return { rounds: 7, batchMs: caseMs / 100, warmUpMs: caseMs / 6, budgetMs: caseMs / 4 }
  }
  return rowsOf(SIZES_QUICK, { load, programs, log, options })
}

export const smoke = async (): Promise<void> => {
  for (const family of families) {
    for (const one of await family.cases('smoke')) {
      compare(one)
      one.close?.()
    }
  }
}

/** Read by nobody; it keeps results from being optimised away. */
export const checksumOfAll = (): number => sink
