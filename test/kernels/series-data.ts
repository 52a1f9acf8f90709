import { existsSync, globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'

const FOLDER = path.join(import.meta.dirname, '../../../shared/data/fleet')

/** Why tests over measured series are left out; false where the data is there. */
export const missingSeries: string | false = existsSync(FOLDER)
  ? false
  : '../shared/data/fleet is absent'

export interface MeasuredSeries {
  readonly name: string
  /** ms */
  readonly timestamps: Float64Array<ArrayBuffer>
  readonly values: Float64Array<ArrayBuffer>
}

const linesOf = (file: string): string[][] =>
  gunzipSync(readFileSync(path.join(FOLDER, file)))
    .toString()
    .trim()
    .split('\n')
    .map((line) => line.split(/;\s*|,/).map((field) => field.trim()))

/** Every metric of the Bitbrains VM, and every series of the Numenta Anomaly Benchmark that is there. */
export const measuredSeries = (): MeasuredSeries[] => {
  const [names = [], ...rows] = linesOf('bitbrains_1vm.csv.gz')
  const timestamps = Float64Array.from(rows, (row) => Number(row[0]) * 1000)
  const bitbrains = names.slice(1).map((name, column) => ({
    name: `bitbrains ${name}`,
    timestamps,
    values: Float64Array.from(rows, (row) => Number(row[column + 1])),
  }))
  const nab = globSync('nab/*/*.csv.gz', { cwd: FOLDER })
    .sort()
    .map((file) => {
      const lines = linesOf(file).slice(1)
      return {
        name: file.replace('.csv.gz', ''),
        timestamps: Float64Array.from(lines, ([time = '']) =>
          Date.parse(`${time.replace(' ', 'T')}Z`),
        ),
        values: Float64Array.from(lines, (line) => Number(line[1])),
      }
    })
  return [...bitbrains, ...nab]
}

/** The series in pieces of at most `size` samples, as they are sealed. */
export const piecesOf = ({ name, timestamps, values }: MeasuredSeries, size: number) =>
  Array.from({ length: Math.ceil(values.length / size) }, (_, piece) => ({
    name,
    timestamps: timestamps.slice(piece * size, (piece + 1) * size),
    values: values.slice(piece * size, (piece + 1) * size),
  }))
