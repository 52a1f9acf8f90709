import type { SyntaxNode } from '@lezer/common'
import type { AggregateOp, Expression, Grouping } from './ast.ts'
import { chainOf } from './chain.ts'
import { FUNCTIONS } from './function-table.ts'
import { parseFault, unsupported } from './query-error.ts'
import { selectorOf } from './selector-ast.ts'
import { childrenOf, labelsOf, quotedText, spanOf, textOf } from './tree.ts'

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

/** The expression of a node of the grammar. Throws QueryFault for what is not answered here. */
export const expressionOf = (text: string, node: SyntaxNode): Expression => {
  const span = spanOf(node)
  switch (node.name) {
    case 'StringLiteral':
      return { kind: 'string', type: 'string', value: quotedText(text, node), ...span }
    case 'ParenExpr': {
      const [inner] = childrenOf(node)
      if (!inner) throw parseFault('an expression is missing', span)
      return expressionOf(text, inner)
    }
    case 'VectorSelector':
      return selectorOf(text, node)
    case 'AggregateExpr':
      return aggregateOf(text, node)
    case 'FunctionCall':
      return callOf(text, node)
    default:
      return chainOf(text, node, expressionOf)
  }
}
