/** The file is no RFC 4180 text; `line` counts from 1. */
export class CsvError extends Error {
  override readonly name = 'CsvError'
  readonly line: number

  constructor(line: number, detail: string) {
    super(`line ${line}: ${detail}`)
    this.line = line
  }
}

/**
 * Rows of fields (RFC 4180): quoted fields may hold commas, quotes ("") and line ends.
 *
 * @throws CsvError where a quoted field does not end, or goes on behind its quote
 */
export function readCsv(text: string): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  let at = 0
  let line = 1
  while (at < text.length) {
    let field: string
    if (text[at] === '"') {
      const parts: string[] = []
      for (;;) {
        const end = text.indexOf('"', at + 1)
        if (end === -1) throw new CsvError(line, 'a quoted field does not end')
        parts.push(text.slice(at + 1, end))
        at = end + 1
        if (text[at] !== '"') break
      }
      field = parts.join('"')
      if (at < text.length && !',\r\n'.includes(text[at] ?? '')) {
        throw new CsvError(line, 'a field goes on behind its quote')
      }
    } else {
      const start = at
      while (at < text.length && !',\r\n'.includes(text[at] ?? '')) at++
      field = text.slice(start, at)
    }
    line += field.split('\n').length - 1
    row.push(field)
    if (text[at] === ',') {
      at++
      if (at === text.length) row.push('')
      continue
    }
    if (text[at] === '\r') at++
    if (text[at] === '\n') at++
    rows.push(row)
    row = []
    line++
  }
  if (row.length > 0) rows.push(row)
  return rows
}
