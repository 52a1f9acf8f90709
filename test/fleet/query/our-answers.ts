import { instantAnswer, rangeAnswer, rawAnswer } from '../../../src/fleet/query/answer.ts'
import type { Expression } from '../../../src/fleet/query/ast.ts'
import { evaluateQuery } from '../../../src/fleet/query/evaluate.ts'
import type { Grid } from '../../../src/fleet/query/grid.ts'
import { parseQuery } from '../../../src/fleet/query/parse.ts'
import { rawSamples } from '../../../src/fleet/query/raw-samples.ts'
import { rangeTypeFault } from '../../../src/fleet/query/request.ts'
import type { SeriesSource } from '../../../src/fleet/query/source.ts'
import type { Answer } from './answers.ts'

const textOf = (pieces: Iterable<Uint8Array>): Answer =>
  JSON.parse(Buffer.concat([...pieces]).toString()) as Answer

const isMatrix = (expression: Expression): expression is Expression & { type: 'matrix' } =>
  expression.type === 'matrix'

/** The evaluator's answer as the API would give it; with one step an instant query's. */
export const ourAnswer = async (
  query: string,
  grid: Grid,
  source: SeriesSource,
  kind: 'range' | 'instant',
): Promise<Answer> => {
  const parsed = parseQuery(query)
  if (!parsed.ok) return { status: 'error', error: parsed.error.message }
  if (kind === 'instant' && isMatrix(parsed.value)) {
    const raw = await rawSamples(parsed.value, grid.startMs, source)
    return raw.ok ? textOf(rawAnswer(raw.value)) : { status: 'error', error: raw.error.message }
  }
  const fault = kind === 'range' ? rangeTypeFault(parsed.value) : null
  if (fault) return { status: 'error', error: fault }
  const result = await evaluateQuery(parsed.value, grid, source)
  if (!result.ok) return { status: 'error', error: result.error.message }
  return textOf(
    kind === 'range' ? rangeAnswer(result.value, grid) : instantAnswer(result.value, grid),
  )
}
