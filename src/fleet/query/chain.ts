import type { SyntaxNode } from '@lezer/common'
import type { BinaryOp, Expression, Matching } from './ast.ts'
import { numberOf } from './literals.ts'
import { POSTFIXES, withPostfix } from './postfix-ast.ts'
import { parseFault, type Span, unsupported } from './query-error.ts'
import { childrenOf, labelsOf, spanOf, textOf } from './tree.ts'

/** An operand with what stands behind it, the nearest first. */
interface Operand {
  readonly kind: 'operand'
  readonly atom: SyntaxNode
  readonly postfixes: SyntaxNode[]
}

interface Operator extends Span {
  readonly kind: 'operator'
  readonly op: BinaryOp
  readonly bool: boolean
  readonly matching: Matching
}

interface Sign extends Span {
  readonly kind: 'sign'
  readonly isMinus: boolean
}

type Token = Operand | Operator | Sign

/** How tightly operators bind; `^` alone takes what is to its right first. */
const PRECEDENCE: Readonly<Record<BinaryOp, number>> = {
  or: 1,
  and: 2,
  unless: 2,
  '==': 3,
  '!=': 3,
  '>': 3,
  '<': 3,
  '>=': 3,
  '<=': 3,
  '+': 4,
  '-': 4,
  '*': 5,
  '/': 5,
  '%': 5,
  atan2: 5,
  '^': 6,
}

const MODIFIERS = ['BoolModifier', 'MatchingModifierClause', 'FillModifier']

const matchingOf = (text: string, node: SyntaxNode | null): Matching => {
  const [keyword, labels, group, include] = node ? childrenOf(node) : []
  return {
    on: keyword?.name === 'On',
    labels: labelsOf(text, labels),
    many: group ? (group.name === 'GroupLeft' ? 'left' : 'right') : null,
    include: labelsOf(text, include),
  }
}

const operatorOf = (text: string, binary: SyntaxNode, node: SyntaxNode): Operator => {
  const fill = binary.getChild('FillModifier')
  if (fill) throw unsupported('fill modifiers are not answered here', spanOf(fill))
  if (node.name.startsWith('Trim'))
    throw unsupported('trimming of histograms is not answered here', spanOf(node))
  return {
    kind: 'operator',
    op: textOf(text, node).toLowerCase() as BinaryOp,
    bool: binary.getChild('BoolModifier') !== null,
    matching: matchingOf(text, binary.getChild('MatchingModifierClause')),
    ...spanOf(node),
  }
}

const SIGN = /^[+-]/

/** Appends the operands and operators of a node in the order of the text. */
const flatten = (text: string, node: SyntaxNode, tokens: Token[]): void => {
  const children = childrenOf(node)
  const [first] = children
  const sign = (at: Span, isMinus: boolean) => tokens.push({ kind: 'sign', isMinus, ...at })
  if (node.name === 'BinaryExpr') {
    const [left, operator, right] = children.filter((child) => !MODIFIERS.includes(child.name))
    if (!left || !operator || !right) throw parseFault('an operand is missing', spanOf(node))
    flatten(text, left, tokens)
    tokens.push(operatorOf(text, node, operator))
    flatten(text, right, tokens)
  } else if (node.name === 'UnaryExpr' && first && children[1]) {
    sign(spanOf(first), textOf(text, first) === '-')
    flatten(text, children[1], tokens)
  } else if (POSTFIXES.includes(node.name) && first) {
    flatten(text, first, tokens)
    const last = tokens.at(-1)
    if (last?.kind === 'operand') last.postfixes.push(node)
  } else {
    if (node.name === 'NumberDurationLiteral' && SIGN.test(textOf(text, node)))
      sign({ start: node.from, end: node.from + 1 }, textOf(text, node).startsWith('-'))
    tokens.push({ kind: 'operand', atom: node, postfixes: [] })
  }
}

const literalOf = (text: string, node: SyntaxNode): Expression => {
  const unsigned = textOf(text, node).replace(SIGN, '').trimStart()
  const span = { start: node.to - unsigned.length, end: node.to }
  return { kind: 'number', type: 'scalar', value: numberOf(unsigned, span), ...span }
}

/** Puts the operands together by how tightly their operators bind. */
class Chain {
  readonly #text: string
  readonly #tokens: readonly Token[]
  readonly #expressionOf: (text: string, node: SyntaxNode) => Expression
  #next = 0

  constructor(
    text: string,
    tokens: readonly Token[],
    expressionOf: (text: string, node: SyntaxNode) => Expression,
  ) {
    this.#text = text
    this.#tokens = tokens
    this.#expressionOf = expressionOf
  }

  /** What operators of at least this precedence hold together. */
  parse(precedence: number): Expression {
    let left = this.#operand()
    for (;;) {
      const operator = this.#tokens[this.#next]
      if (operator?.kind !== 'operator') return left
      const binds = PRECEDENCE[operator.op]
      if (binds < precedence) return left
      this.#next++
      const right = this.parse(operator.op === '^' ? binds : binds + 1)
      const { op, bool, matching } = operator
      const isScalar = left.type === 'scalar' && right.type === 'scalar'
      const span = { start: left.start, end: right.end }
      const type = isScalar ? ('scalar' as const) : ('vector' as const)
      left = { kind: 'binary', type, op, left, right, bool, matching, ...span }
    }
  }

  #operand(): Expression {
    const token = this.#tokens[this.#next++]
    if (token?.kind === 'sign') return this.#signed(token)
    if (token?.kind !== 'operand')
      throw parseFault('an operand is missing', token ?? { start: 0, end: 0 })
    const { atom, postfixes } = token
    let expression =
      atom.name === 'NumberDurationLiteral'
        ? literalOf(this.#text, atom)
        : this.#expressionOf(this.#text, atom)
    let isSelector = atom.name === 'VectorSelector'
    for (const postfix of postfixes) {
      expression = withPostfix(this.#text, { expression, isSelector }, postfix)
      isSelector = false
    }
    return expression
  }

  /** A sign binds less tightly than a power alone. */
  #signed({ start, isMinus }: Sign): Expression {
    const expression = this.parse(PRECEDENCE['^'])
    const span = { start, end: expression.end }
    if (expression.type !== 'scalar' && expression.type !== 'vector')
      throw parseFault(
        `unary expression only allowed on expressions of type scalar or instant vector, got ${expression.type}`,
        span,
      )
    if (!isMinus) return expression
    if (expression.kind === 'number') return { ...expression, value: -expression.value, ...span }
    return { kind: 'negation', type: expression.type, expression, ...span }
  }
}

/**
 * The expression of operands and operators. The grammar lets an offset, an `@` or a range take the whole
 * operation before it, `a + b offset 5m` as `(a + b) offset 5m`, and loses how tightly operators behind it bind:
 * here each belongs to the operand that it stands behind, as in Prometheus' own parser.
 */
export const chainOf = (
  text: string,
  node: SyntaxNode,
  expressionOf: (text: string, node: SyntaxNode) => Expression,
): Expression => {
  const tokens: Token[] = []
  flatten(text, node, tokens)
  const [only] = tokens
  if (tokens.length === 1 && only?.kind === 'operand' && only.postfixes.length === 0)
    if (only.atom.name !== 'NumberDurationLiteral')
      throw unsupported('this part of PromQL is not answered here', spanOf(node))
  return new Chain(text, tokens, expressionOf).parse(0)
}
