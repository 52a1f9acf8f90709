import type { SyntaxNode } from '@lezer/common'
import { METRIC_NAME } from '../series/labels.ts'
import { compileMatchers, MATCHERS_MAX, type Matcher } from '../series/matchers.ts'
import type { Selector } from './ast.ts'
import { limitFault, parseFault } from './query-error.ts'
import { childrenOf, quotedText, spanOf, textOf } from './tree.ts'

const matcherOf = (text: string, node: SyntaxNode): Matcher => {
  const [name, op, value] = childrenOf(node)
  if (node.name === 'QuotedLabelName' || !name || !op || !value)
    return { name: METRIC_NAME, op: '=', value: quotedText(text, node) }
  const matcher: Matcher = {
    name: name.name === 'QuotedLabelName' ? quotedText(text, name) : textOf(text, name),
    op: textOf(text, op) as Matcher['op'],
    value: quotedText(text, value),
  }
  const compiled = compileMatchers([matcher])
  if (!compiled.ok) throw parseFault(compiled.error.detail, spanOf(value))
  return matcher
}

const matchesAbsent = (matcher: Matcher): boolean => {
  const compiled = compileMatchers([matcher])
  return compiled.ok && compiled.value.every((one) => one.matchesAbsent)
}

/** The instant selector of a VectorSelector. */
export const selectorOf = (text: string, node: SyntaxNode): Selector => {
  const name = node.getChild('Identifier')
  const braces = node.getChild('LabelMatchers')
  const inBraces = braces ? childrenOf(braces).map((child) => matcherOf(text, child)) : []
  const second = name && inBraces.find((matcher) => matcher.name === METRIC_NAME)
  if (second) {
    const names = [textOf(text, name), second.value].map((value) => JSON.stringify(value))
    throw parseFault(`metric name must not be set twice: ${names.join(' or ')}`, spanOf(node))
  }
  const matchers: Matcher[] = name
    ? [{ name: METRIC_NAME, op: '=', value: textOf(text, name) }, ...inBraces]
    : inBraces
  if (matchers.every(matchesAbsent))
    throw parseFault(
      'vector selector must contain at least one non-empty matcher',
      spanOf(node),
      'a matcher that an empty value does not fit',
    )
  if (matchers.length > MATCHERS_MAX)
    throw limitFault(`a selector has at most ${MATCHERS_MAX} matchers`, spanOf(node))
  return {
    kind: 'selector',
    type: 'vector',
    matchers,
    rangeMs: null,
    offsetMs: 0,
    at: null,
    ...spanOf(node),
  }
}
