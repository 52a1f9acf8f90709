import type { SyntaxNode } from '@lezer/common'
import type { At, Expression } from './ast.ts'
import { TIME_MS_MAX } from './limits.ts'
import { millisecondsOf, numberOf } from './literals.ts'
import { parseFault, unsupported } from './query-error.ts'
import { childrenOf, durationSeconds, positiveMs, spanOf, textOf } from './tree.ts'

/** What stands behind an expression: a range, a subquery's range, an offset, an `@`. */
export const POSTFIXES: readonly string[] = [
  'MatrixSelector',
  'SubqueryExpr',
  'OffsetExpr',
  'StepInvariantExpr',
  'AnchoredExpr',
  'SmoothedExpr',
]

/** An expression and whether nothing but its own text makes it: no parentheses, no postfix. */
interface Base {
  readonly expression: Expression
  readonly isSelector: boolean
}

const atOf = (text: string, node: SyntaxNode): At => {
  const [, , moment] = childrenOf(node)
  if (moment?.name === 'AtModifierPreprocessors')
    return { kind: textOf(text, moment).startsWith('start') ? 'start' : 'end' }
  const span = spanOf(moment ?? node)
  const ms = Math.round(numberOf(moment ? textOf(text, moment) : '', span) * 1_000)
  if (!(Math.abs(ms) <= TIME_MS_MAX))
    throw parseFault('timestamp out of bounds for @ modifier', span)
  return { kind: 'time', ms }
}

const modified = (text: string, { expression }: Base, node: SyntaxNode): Expression => {
  const isOffset = node.name === 'OffsetExpr'
  const span = { start: expression.start, end: node.to }
  if (expression.kind !== 'selector' && expression.kind !== 'subquery')
    throw parseFault(
      `${isOffset ? 'offset' : '@'} modifier must be preceded by an instant vector selector or range vector selector or a subquery`,
      span,
    )
  if (!isOffset) {
    if (expression.at) throw parseFault('@ may not be set multiple times', span)
    return { ...expression, ...span, at: atOf(text, node) }
  }
  const [, , duration] = childrenOf(node)
  if (expression.offsetMs !== 0) throw parseFault('offset may not be set multiple times', span)
  if (!duration) throw parseFault('a duration is missing', span)
  const offsetMs = millisecondsOf(durationSeconds(text, duration), spanOf(duration))
  return { ...expression, ...span, offsetMs }
}

const ranged = (text: string, { expression, isSelector }: Base, node: SyntaxNode): Expression => {
  const [, range] = childrenOf(node)
  const span = { start: expression.start, end: node.to }
  if (expression.kind === 'selector' && (expression.offsetMs !== 0 || expression.at))
    throw parseFault('no offset or @ modifiers allowed before range', span)
  if (expression.kind !== 'selector' || !isSelector || !range)
    throw parseFault('ranges only allowed for vector selectors', span)
  return { ...expression, ...span, type: 'matrix', rangeMs: positiveMs(text, range) }
}

const subquery = (text: string, { expression }: Base, node: SyntaxNode): Expression => {
  const [, range, step] = childrenOf(node)
  const span = { start: expression.start, end: node.to }
  if (!range) throw parseFault('a subquery needs a range', span)
  return {
    kind: 'subquery',
    type: 'matrix',
    expression,
    rangeMs: positiveMs(text, range),
    stepMs: step ? positiveMs(text, step) : null,
    offsetMs: 0,
    at: null,
    ...span,
  }
}

/** The expression with one postfix added, whose node says where it ends. */
export const withPostfix = (text: string, base: Base, node: SyntaxNode): Expression => {
  switch (node.name) {
    case 'MatrixSelector':
      return ranged(text, base, node)
    case 'SubqueryExpr':
      return subquery(text, base, node)
    case 'OffsetExpr':
    case 'StepInvariantExpr':
      return modified(text, base, node)
    default:
      throw unsupported('this modifier of a range is not answered here', {
        start: node.lastChild?.from ?? node.from,
        end: node.to,
      })
  }
}
