import type { SyntaxNode } from '@lezer/common'
import type { AggregateOp, At, BinaryOp, Expression, Grouping, Matching } from './ast.ts'
import { FUNCTIONS } from './function-table.ts'
import { TIME_MS_MAX } from './limits.ts'
import { millisecondsOf, numberOf } from './literals.ts'
import { parseFault, unsupported } from './query-error.ts'
import { selectorOf } from './selector-ast.ts'
import {
  childrenOf,
  durationSeconds,
  labelsOf,
  positiveMs,
  quotedText,
  spanOf,
  textOf,
} from './tree.ts'

const AGGREGATES: readonly string[] = [
  'sum',
  'avg',
  'min',
  'max',
  'count',
  'group',
  'stddev',
  'stdvar',
  'topk',
  'bottomk',
  'quantile',
  'count_values',
]
const WITH_PARAMETER: readonly string[] = ['topk', 'bottomk', 'quantile', 'count_values']

const atOf = (text: string, node: SyntaxNode): At => {
  const [, , moment] = childrenOf(node)
  if (moment?.name === 'AtModifierPreprocessors')
    return { kind: textOf(text, moment).startsWith('start') ? 'start' : 'end' }
  const span = moment ? spanOf(moment) : spanOf(node)
  const ms = Math.round(numberOf(moment ? textOf(text, moment) : '', span) * 1_000)
  if (!(Math.abs(ms) <= TIME_MS_MAX))
    throw parseFault('timestamp out of bounds for @ modifier', span)
  return { kind: 'time', ms }
}

/** Adds an offset or an `@` to the selector or subquery before it. */
const modified = (text: string, node: SyntaxNode): Expression => {
  const [inner, , moment] = childrenOf(node)
  const expression = inner && expressionOf(text, inner)
  const modifier = node.name === 'OffsetExpr' ? 'offset' : '@'
  if (
    !expression ||
    !moment ||
    inner.name === 'ParenExpr' ||
    (expression.kind !== 'selector' && expression.kind !== 'subquery')
  )
    throw parseFault(
      `${modifier} modifier must be preceded by an instant vector selector or range vector selector or a subquery`,
      spanOf(node),
    )
  if (modifier === '@') {
    if (expression.at) throw parseFault('@ may not be set multiple times', spanOf(node))
    return { ...expression, ...spanOf(node), at: atOf(text, node) }
  }
  if (expression.offsetMs !== 0)
    throw parseFault('offset may not be set multiple times', spanOf(node))
  const offsetMs = millisecondsOf(durationSeconds(text, moment), spanOf(moment))
  return { ...expression, ...spanOf(node), offsetMs }
}

const subqueryOf = (text: string, node: SyntaxNode): Expression => {
  const [inner, range, step] = childrenOf(node)
  if (!inner || !range) throw parseFault('a subquery needs a range', spanOf(node))
  return {
    kind: 'subquery',
    type: 'matrix',
    expression: expressionOf(text, inner),
    rangeMs: positiveMs(text, range),
    stepMs: step ? positiveMs(text, step) : null,
    offsetMs: 0,
    at: null,
    ...spanOf(node),
  }
}

const groupingOf = (text: string, node: SyntaxNode | null): Grouping => {
  const [keyword, labels] = node ? childrenOf(node) : []
  return { without: keyword?.name === 'Without', labels: labelsOf(text, labels) }
}

const aggregateOf = (text: string, node: SyntaxNode): Expression => {
  const operator = node.getChild('AggregateOp')
  const body = node.getChild('FunctionCallBody')
  const op = operator ? textOf(text, operator).toLowerCase() : ''
  if (!operator || !body || !AGGREGATES.includes(op))
    throw unsupported(`the aggregation "${op}" is not answered here`, spanOf(operator ?? node))
  const args = childrenOf(body).map((child) => expressionOf(text, child))
  const wanted = WITH_PARAMETER.includes(op) ? 2 : 1
  const expression = args.at(-1)
  if (args.length !== wanted || !expression)
    throw parseFault(
      `wrong number of arguments for aggregate expression provided, expected ${wanted}, got ${args.length}`,
      spanOf(node),
    )
  return {
    kind: 'aggregate',
    type: 'vector',
    op: op as AggregateOp,
    grouping: groupingOf(text, node.getChild('AggregateModifier')),
    parameter: wanted === 2 ? (args[0] ?? null) : null,
    expression,
    ...spanOf(node),
  }
}

const callOf = (text: string, node: SyntaxNode): Expression => {
  const identifier = node.getChild('FunctionIdentifier')
  const body = node.getChild('FunctionCallBody')
  const name = identifier ? textOf(text, identifier) : ''
  const signature = FUNCTIONS.get(name)
  if (!identifier || !body || !signature)
    throw unsupported(`the function "${name}" is not answered here`, spanOf(identifier ?? node))
  const args = childrenOf(body).map((child) => expressionOf(text, child))
  return { kind: 'call', type: signature.returns, name, args, ...spanOf(node) }
}

const matchingOf = (text: string, node: SyntaxNode | null): Matching => {
  const [keyword, labels, group, include] = node ? childrenOf(node) : []
  return {
    on: keyword?.name === 'On',
    labels: labelsOf(text, labels),
    many: group ? (group.name === 'GroupLeft' ? 'left' : 'right') : null,
    include: labelsOf(text, include),
  }
}

const MODIFIERS = ['BoolModifier', 'MatchingModifierClause', 'FillModifier']

const binaryOf = (text: string, node: SyntaxNode): Expression => {
  const [leftNode, operator, rightNode] = childrenOf(node).filter(
    (child) => !MODIFIERS.includes(child.name),
  )
  const fill = node.getChild('FillModifier')
  if (fill) throw unsupported('fill modifiers are not answered here', spanOf(fill))
  if (!leftNode || !operator || !rightNode) throw parseFault('an operand is missing', spanOf(node))
  if (operator.name.startsWith('Trim'))
    throw unsupported('trimming of histograms is not answered here', spanOf(operator))
  const right = expressionOf(text, rightNode)
  const op = textOf(text, operator).toLowerCase() as BinaryOp
  const rest = {
    kind: 'binary' as const,
    op,
    right,
    bool: node.getChild('BoolModifier') !== null,
    matching: matchingOf(text, node.getChild('MatchingModifierClause')),
  }
  const left = expressionOf(text, leftNode)
  const typeWith = (other: Expression) =>
    other.type === 'scalar' && right.type === 'scalar' ? ('scalar' as const) : ('vector' as const)
  // The grammar reads -1 ^ 2 as (-1) ^ 2, but the power binds more tightly.
  if (op === '^' && left.kind === 'number' && /^[+-]/.test(textOf(text, leftNode))) {
    const positive = { ...left, value: Math.abs(left.value) }
    const power = { ...rest, type: typeWith(positive), left: positive, ...spanOf(node) }
    return textOf(text, leftNode).startsWith('-')
      ? { kind: 'negation', type: power.type, expression: power, ...spanOf(node) }
      : power
  }
  return { ...rest, type: typeWith(left), left, ...spanOf(node) }
}

const negationOf = (text: string, node: SyntaxNode): Expression => {
  const [operator, operand] = childrenOf(node)
  if (!operator || !operand) throw parseFault('an operand is missing', spanOf(node))
  const expression = expressionOf(text, operand)
  if (expression.type !== 'scalar' && expression.type !== 'vector')
    throw parseFault(
      `unary expression only allowed on expressions of type scalar or instant vector, got ${expression.type}`,
      spanOf(node),
    )
  if (textOf(text, operator) === '+') return expression
  return { kind: 'negation', type: expression.type, expression, ...spanOf(node) }
}

/** The expression of a node of the grammar. Throws QueryFault for what is not answered here. */
export const expressionOf = (text: string, node: SyntaxNode): Expression => {
  const span = spanOf(node)
  switch (node.name) {
    case 'NumberDurationLiteral':
      return { kind: 'number', type: 'scalar', value: numberOf(textOf(text, node), span), ...span }
    case 'StringLiteral':
      return { kind: 'string', type: 'string', value: quotedText(text, node), ...span }
    case 'ParenExpr': {
      const [inner] = childrenOf(node)
      if (!inner) throw parseFault('an expression is missing', span)
      return expressionOf(text, inner)
    }
    case 'VectorSelector':
    case 'MatrixSelector':
      return selectorOf(text, node)
    case 'OffsetExpr':
    case 'StepInvariantExpr':
      return modified(text, node)
    case 'SubqueryExpr':
      return subqueryOf(text, node)
    case 'AggregateExpr':
      return aggregateOf(text, node)
    case 'FunctionCall':
      return callOf(text, node)
    case 'BinaryExpr':
      return binaryOf(text, node)
    case 'UnaryExpr':
      return negationOf(text, node)
    default:
      throw unsupported('this part of PromQL is not answered here', span)
  }
}
