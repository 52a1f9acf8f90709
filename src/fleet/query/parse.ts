import { parser } from '@prometheus-io/lezer-promql'
import { err, ok, type Result } from '../../result.ts'
import type { Expression } from './ast.ts'
import { EXPRESSION_LENGTH_MAX } from './limits.ts'
import { limitFault, parseFault, type QueryError, QueryFault } from './query-error.ts'
import { rejectSyntaxErrors } from './syntax-errors.ts'
import { expressionOf } from './to-ast.ts'
import { checkTypes } from './type-check.ts'

const parseOrThrow = (text: string): Expression => {
  if (text.length > EXPRESSION_LENGTH_MAX)
    throw limitFault(`an expression has at most ${EXPRESSION_LENGTH_MAX} characters`, null)
  const tree = parser.parse(text)
  rejectSyntaxErrors(text, tree)
  const node = tree.topNode.firstChild
  const root = node?.name === 'LineComment' ? tree.topNode.lastChild : node
  if (!root) throw parseFault('no expression found in input', { start: 0, end: text.length })
  const expression = expressionOf(text, root)
  checkTypes(expression)
  return expression
}

/**
 * The checked expression of a text in PromQL, by the grammar of Prometheus' own page.
 *
 * Durations may be numbers of seconds and arithmetic on them, as in Prometheus 3. Positions are
 * UTF-16 offsets.
 */
export const parseQuery = (text: string): Result<Expression, QueryError> => {
  try {
    return ok(parseOrThrow(text))
  } catch (fault) {
    if (fault instanceof QueryFault) return err(fault.error)
    throw fault
  }
}
