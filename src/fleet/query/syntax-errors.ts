import type { SyntaxNode, Tree } from '@lezer/common'
import { NESTING_DEPTH_MAX } from './limits.ts'
import { stringOf } from './literals.ts'
import { limitFault, parseFault, type QueryFault, type Span, unsupported } from './query-error.ts'

const END = 'end of input'
/** A token as a message quotes it: a string, a word, or one or two other characters. */
const TOKEN = /["'`][^"'`\n]{0,40}["'`]?|[\w:.]+|[=!<>][=~]|\S/y

const tokenAt = (text: string, position: number): { text: string; span: Span } => {
  const start = position + (/^\s*/.exec(text.slice(position))?.[0].length ?? 0)
  TOKEN.lastIndex = start
  const token = TOKEN.exec(text)?.[0]
  if (token === undefined) return { text: END, span: { start: text.length, end: text.length } }
  return { text: JSON.stringify(token), span: { start, end: start + token.length } }
}

const EXPECTED: Readonly<Record<string, string>> = {
  LabelMatchers: 'a label matcher, "," or "}"',
  GroupingLabels: 'a label, "," or ")"',
  FunctionCallBody: 'an expression, "," or ")"',
  ParenExpr: 'an operator or ")"',
  MatrixSelector: 'a duration, ":" or "]"',
  SubqueryExpr: 'a duration, ":" or "]"',
  OffsetExpr: 'a duration',
  StepInvariantExpr: 'a time, start() or end()',
  BinaryExpr: 'an expression',
  UnaryExpr: 'an expression',
  AggregateExpr: 'by, without or "("',
  AggregateModifier: 'labels in "(" and ")"',
  MatchingModifierClause: 'labels in "(" and ")"',
}

const expectedAt = (error: SyntaxNode): string => {
  const parent = error.parent
  const before = error.prevSibling?.name
  if (parent?.name.endsWith('LabelMatcher'))
    return before === 'MatchOp' ? 'a quoted string' : 'one of = != =~ !~'
  if (parent?.name === 'PromQL' && before === undefined) return 'an expression'
  return EXPECTED[parent?.name ?? ''] ?? 'an operator or the end'
}

/** Functions of Prometheus 2 that the grammar, which is of 3, has no more. */
const FORMER_FUNCTIONS: ReadonlySet<string> = new Set(['holt_winters'])

const faultAt = (text: string, error: SyntaxNode): QueryFault => {
  const found = tokenAt(text, error.from)
  const name = error.prevSibling
  if (found.text === '"("' && name?.name === 'Identifier') {
    const called = text.slice(name.from, name.to).slice(0, 100)
    const span = { start: name.from, end: name.to }
    return FORMER_FUNCTIONS.has(called)
      ? unsupported(`the function "${called}" is not answered here`, span)
      : parseFault(`unknown function with name "${called}"`, span)
  }
  if (text.trim() === '') return parseFault('no expression found in input', found.span)
  return parseFault(`unexpected ${found.text}`, found.span, expectedAt(error))
}

/** Throws QueryFault at the first place where the text is not PromQL, or is nested too deeply. */
export const rejectSyntaxErrors = (text: string, tree: Tree): void => {
  let depth = 0
  tree.iterate({
    enter: (node) => {
      depth++
      const span = { start: node.from, end: node.to }
      if (depth > 2 * NESTING_DEPTH_MAX)
        throw limitFault(`expressions are nested deeper than ${NESTING_DEPTH_MAX}`, span)
      if (node.type.isError) throw faultAt(text, node.node)
      if (node.name === 'StringLiteral') stringOf(text.slice(node.from, node.to), span)
    },
    leave: () => {
      depth--
    },
  })
}
