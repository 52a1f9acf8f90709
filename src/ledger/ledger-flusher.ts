import { connect } from '../database/client.ts'
import { isRefusalOfData } from '../database/faults.ts'
import { flushLedger, type LedgerBatch } from '../database/ledger-queries.ts'
import type { Settings } from '../env.ts'
import { logEvent } from '../observability/log.ts'
import type { RequestRecord } from './types.ts'

/** Transactions of one flush that look for the rows that PostgreSQL refuses. */
const SEARCH_FLUSHES_MAX = 128

type Rows = Omit<LedgerBatch, 'organisationId'>
const NONE: Rows = { records: [], hours: [], outcomes: [], feedback: [] }

const countOf = ({ records, hours, outcomes, feedback }: Rows): number =>
  records.length + hours.length + outcomes.length + feedback.length

/** Parts that each hold rows of one kind, or half of the rows of the only kind there is. */
const partsOf = (rows: Rows): Rows[] => {
  const kinds = (['records', 'hours', 'outcomes', 'feedback'] as const).filter(
    (kind) => rows[kind].length > 0,
  )
  const [only] = kinds
  if (only === undefined) return []
  if (kinds.length > 1) return kinds.map((kind) => ({ ...NONE, [kind]: rows[kind] }))
  const middle = Math.ceil(rows[only].length / 2)
  return [
    { ...NONE, [only]: rows[only].slice(0, middle) },
    { ...NONE, [only]: rows[only].slice(middle) },
  ]
}

/** A flush that found rows which PostgreSQL refuses for what is in them. */
export interface Flushed {
  readonly refused: readonly RequestRecord[]
  /** Whether every row was written or refused; else the search goes on with the next flush. */
  readonly isComplete: boolean
}

/**
 * Writes rows to PostgreSQL: one transaction for all, and where it refuses that, one for each part, down to
 * the rows that are at fault.
 *
 * @throws what `faultOf` reads where the database is away; what is written then is written again
 */
export const flushRows = async (
  settings: Settings,
  organisationId: string,
  rows: Rows,
): Promise<Flushed> => {
  const refused: RequestRecord[] = []
  let searchesLeft = SEARCH_FLUSHES_MAX
  let isComplete = true
  const write = async (part: Rows): Promise<void> => {
    try {
      await flushLedger(connect(settings), { organisationId, ...part }, settings.retention)
    } catch (error) {
      if (!isRefusalOfData(error)) throw error
      if (countOf(part) === 1) {
        refused.push(...part.records)
        logEvent('ledger', 'error', 'PostgreSQL refused a row; it is set aside', error)
        return
      }
      for (const each of partsOf(part)) {
        if (searchesLeft-- > 0) await write(each)
        else isComplete = false
      }
    }
  }
  await write(rows)
  return { refused, isComplete }
}
