import type { SyntaxNode } from '@lezer/common'
import { millisecondsOf, numberOf, stringOf } from './literals.ts'
import { parseFault, type Span, unsupported } from './query-error.ts'

export const spanOf = (node: SyntaxNode): Span => ({ start: node.from, end: node.to })

export const textOf = (text: string, node: SyntaxNode): string => text.slice(node.from, node.to)

/** The value of a quoted string. */
export const quotedText = (text: string, node: SyntaxNode): string =>
  stringOf(textOf(text, node), spanOf(node))

/** The grammar's own children of a node, without comments. */
export const childrenOf = (node: SyntaxNode): SyntaxNode[] => {
  const children: SyntaxNode[] = []
  for (let child = node.firstChild; child; child = child.nextSibling)
    if (child.name !== 'LineComment') children.push(child)
  return children
}

/** Labels of `by (…)`, `on (…)` and their like. */
export const labelsOf = (text: string, node: SyntaxNode | undefined): string[] =>
  node
    ? childrenOf(node).map((label) =>
        label.name === 'QuotedLabelName' ? quotedText(text, label) : textOf(text, label),
      )
    : []

const ARITHMETIC: Readonly<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
  Mod: (a, b) => a % b,
  Pow: (a, b) => a ** b,
}

/** Seconds of a duration: a number, a duration literal, or arithmetic on them. */
export const durationSeconds = (text: string, node: SyntaxNode): number => {
  if (node.name.startsWith('NumberDurationLiteral'))
    return numberOf(textOf(text, node), spanOf(node))
  const [first, second, third] = childrenOf(node)
  if (first && !second && !first.name.startsWith('Duration')) return durationSeconds(text, first)
  if (first?.name === 'DurationExpr' && !second) return durationSeconds(text, first)
  if (first?.name === 'UnaryOp' && second)
    return (textOf(text, first) === '-' ? -1 : 1) * durationSeconds(text, second)
  const apply = second && ARITHMETIC[second.name]
  if (!first || !third || !apply)
    throw unsupported('this form of duration is not answered here', spanOf(node))
  return apply(durationSeconds(text, first), durationSeconds(text, third))
}

/** A range or step, in whole ms above 0. */
export const positiveMs = (text: string, node: SyntaxNode): number => {
  const ms = millisecondsOf(durationSeconds(text, node), spanOf(node))
  if (ms <= 0) throw parseFault('duration must be greater than 0', spanOf(node))
  return ms
}
