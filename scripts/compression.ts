/**
 * `node scripts/compression.ts`: bytes a sample that chunks take on the measured series, a timestamp and a
 * value together, beside what others make of the same pieces. A Markdown table, for docs/results.md.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { deflateSync, zstdCompressSync } from 'node:zlib'
import { encodeGorilla } from '../bench/rivals/gorilla.ts'
import { decodeChunk, encodeChunk } from '../src/kernels/chunk.ts'
import { loadKernels } from '../src/kernels/module.ts'
import {
  type MeasuredSeries,
  measuredSeries,
  missingSeries,
  piecesOf,
} from '../test/kernels/series-data.ts'

const SIZES = [120, 480, 2000] as const

/** What others are given: pieces of the middle size. */
const RIVAL_SIZE = 480

type Piece = Pick<MeasuredSeries, 'timestamps' | 'values'>

const rawOf = ({ timestamps, values }: Piece): Uint8Array => {
  const raw = new Float64Array(timestamps.length * 2)
  raw.set(timestamps)
  raw.set(values, timestamps.length)
  return new Uint8Array(raw.buffer)
}

const bitsOf = (values: Float64Array) =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength)

/** Bytes of a chunk that gives the piece back, bit for bit. */
const chunkBytes = (piece: Piece, effort: 'fast' | 'small'): number => {
  const bytes = encodeChunk(piece.timestamps, piece.values, { effort })
  const found = decodeChunk(bytes)
  if (
    !found.ok ||
    !bitsOf(found.values).equals(bitsOf(piece.values)) ||
    !bitsOf(found.timestamps).equals(bitsOf(piece.timestamps))
  ) {
    throw new Error('a chunk does not give its samples back')
  }
  return bytes.length
}

/** Denominators that are tried for the whole series, ascending. */
const DENOMINATORS = [
  1, 2, 3, 4, 5, 10, 15, 20, 25, 30, 45, 50, 60, 100, 500, 1000, 1e4, 1e5, 1e6, 1e10,
]

/** LEB128 of zigzag, for xz to find its patterns in. */
const varints = (numbers: readonly bigint[]): Uint8Array => {
  const bytes: number[] = []
  for (const number of numbers) {
    let rest = number < 0n ? -number * 2n - 1n : number * 2n
    for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
    bytes.push(Number(rest))
  }
  return Uint8Array.from(bytes)
}

const xzBytes = (bytes: Uint8Array): number =>
  execFileSync('xz', ['-9e', '--format=raw', '-c'], {
    input: bytes,
    stdio: ['pipe', 'pipe', 'ignore'],
  }).length

/**
 * An estimate of what must remain: the whole series as whole numbers of its smallest denominator, their
 * differences or themselves, and the last bits that rounding left, each by xz -9e; timestamps left out.
 */
const floorBytes = ({ values }: MeasuredSeries): number => {
  const denominator = DENOMINATORS.find((q) => {
    const fits = values.filter((x) => Math.abs(x - Math.round(x * q) / q) <= Math.abs(x) * 2 ** -50)
    return fits.length > values.length * 0.95
  })
  if (denominator === undefined) return xzBytes(bitsOf(values))
  const wholes = Array.from(values, (x) => BigInt(Math.round(x * denominator)))
  const deltas = wholes.map((x, i) => x - (wholes[i - 1] ?? 0n))
  const nearest = Float64Array.from(wholes, (x) => Number(x) / denominator)
  const [got, want] = [new BigInt64Array(nearest.buffer), new BigInt64Array(values.buffer)]
  const rests = Array.from(want, (bits, i) => bits - (got[i] ?? 0n))
  const restBytes = rests.every((rest) => rest === 0n) ? 0 : xzBytes(varints(rests))
  return Math.min(xzBytes(varints(deltas)), xzBytes(varints(wholes))) + restBytes
}

const totalOf = (series: MeasuredSeries, size: number, bytesOf: (piece: Piece) => number): number =>
  piecesOf(series, size).reduce((total, piece) => total + bytesOf(piece), 0)

const COLUMNS: Readonly<Record<string, (series: MeasuredSeries) => number>> = {
  ...Object.fromEntries(
    (['fast', 'small'] as const).flatMap((effort) =>
      SIZES.map((size) => [
        `${effort}, ${size}`,
        (series: MeasuredSeries) => totalOf(series, size, (piece) => chunkBytes(piece, effort)),
      ]),
    ),
  ),
  Gorilla: (series) =>
    totalOf(
      series,
      RIVAL_SIZE,
      ({ timestamps, values }) => encodeGorilla(timestamps, values).length,
    ),
  'zlib -9': (series) =>
    totalOf(series, RIVAL_SIZE, (piece) => deflateSync(rawOf(piece), { level: 9 }).length),
  zstd: (series) => totalOf(series, RIVAL_SIZE, (piece) => zstdCompressSync(rawOf(piece)).length),
  'xz of integers': floorBytes,
}

if (import.meta.main) {
  if (missingSeries) {
    console.error(missingSeries)
    process.exit(1)
  }
  const build = path.join(import.meta.dirname, '../build/kernels.wasm')
  loadKernels(new Uint8Array(readFileSync(build)))
  const names = Object.keys(COLUMNS)
  const row = (cells: readonly string[]) => console.log(`| ${cells.join(' | ')} |`)
  row(['bytes a sample', 'samples', ...names])
  row(['---', ...names.map(() => '---:'), '---:'])
  const totals = new Map(names.map((name) => [name, 0]))
  let samples = 0
  for (const series of measuredSeries()) {
    const count = series.values.length
    samples += count
    const cells = names.map((name) => {
      const bytes = COLUMNS[name]?.(series) ?? 0
      totals.set(name, (totals.get(name) ?? 0) + bytes)
      return (bytes / count).toFixed(2)
    })
    row([series.name, String(count), ...cells])
  }
  const means = names.map((name) => `**${((totals.get(name) ?? 0) / samples).toFixed(3)}**`)
  row(['**all, weighted by samples**', String(samples), ...means])
}
