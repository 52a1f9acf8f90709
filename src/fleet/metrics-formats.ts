import { METRICS, type Metric } from './types.ts'

export interface RangeColumns extends Readonly<Record<Metric, ReadonlyArray<number | null>>> {
  /** Milliseconds since the epoch, ascending. */
  readonly timestamp: readonly number[]
}

export const COLUMNS_MEDIA_TYPE = 'application/vnd.gjallar.columns'

/** Names of the columns, in the order of every format. */
const NAMES = ['timestamp', ...METRICS] as const

export const CSV_HEADER = `${NAMES.join(',')}\r\n`

/** Lines of RFC 4180, times as RFC 3339, missing values empty. */
export const csvRows = (columns: RangeColumns): string => {
  let text = ''
  columns.timestamp.forEach((timestamp, row) => {
    text += new Date(timestamp).toISOString()
    for (const metric of METRICS) text += `,${columns[metric][row] ?? ''}`
    text += '\r\n'
  })
  return text
}

/** Samples as `POST /api/v1/metrics` takes them as NDJSON; missing values are left out. */
export const ndjsonRows = (vmId: string, columns: RangeColumns): string => {
  const start = `{"vm":${JSON.stringify(vmId)},"timestamp":`
  let text = ''
  columns.timestamp.forEach((timestamp, row) => {
    text += start + timestamp
    for (const metric of METRICS) {
      const value = columns[metric][row]
      if (value != null) text += `,"${metric}":${value}`
    }
    text += '}\n'
  })
  return text
}

/**
 * Columns for charts, without a digit to parse, all little-endian:
 *
 *     u32 length of the head, in bytes | head: JSON {rows, columns: [names]}, padded with spaces so that what
 *     follows is aligned to 8 | f64[rows] for each column, in the order of the head; NaN where a value is missing
 */
export const columnsBytes = (columns: RangeColumns): Uint8Array => {
  const rows = columns.timestamp.length
  const json = JSON.stringify({ rows, columns: NAMES })
  const headBytes = Math.ceil((json.length + 4) / 8) * 8 - 4
  const bytes = new Uint8Array(4 + headBytes + NAMES.length * rows * 8)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, headBytes, true)
  bytes.set(new TextEncoder().encode(json.padEnd(headBytes)), 4)
  NAMES.forEach((name, column) => {
    const start = 4 + headBytes + column * rows * 8
    columns[name].forEach((value, row) => {
      view.setFloat64(start + row * 8, value ?? Number.NaN, true)
    })
  })
  return bytes
}
