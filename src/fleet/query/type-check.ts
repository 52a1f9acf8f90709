import {
  type Aggregate,
  type Binary,
  type Call,
  type Expression,
  isComparison,
  isSetOp,
  type ValueType,
} from './ast.ts'
import { FUNCTIONS } from './function-table.ts'
import { NESTING_DEPTH_MAX, SELECTORS_MAX } from './limits.ts'
import { limitFault, parseFault } from './query-error.ts'

const TYPE_NAMES: Readonly<Record<ValueType, string>> = {
  scalar: 'scalar',
  string: 'string',
  vector: 'instant vector',
  matrix: 'range vector',
}

const expectType = (expression: Expression, wanted: ValueType, where: string): void => {
  if (expression.type !== wanted)
    throw parseFault(
      `expected type ${TYPE_NAMES[wanted]} in ${where}, got ${TYPE_NAMES[expression.type]}`,
      expression,
      TYPE_NAMES[wanted],
    )
}

const checkCall = (call: Call): void => {
  const signature = FUNCTIONS.get(call.name)
  if (!signature) return
  const max = signature.args.length
  const min = max - signature.optional
  const count = call.args.length
  if (count < min || (count > max && !signature.repeated)) {
    const wanted =
      min === max ? `${min}` : signature.repeated ? `at least ${min}` : `${min} to ${max}`
    throw parseFault(`expected ${wanted} argument(s) in call to "${call.name}", got ${count}`, call)
  }
  call.args.forEach((argument, index) => {
    const wanted = signature.args[Math.min(index, max - 1)]
    if (wanted) expectType(argument, wanted, `call to function "${call.name}"`)
  })
}

const checkAggregate = ({ op, parameter, expression }: Aggregate): void => {
  if (parameter)
    expectType(parameter, op === 'count_values' ? 'string' : 'scalar', 'aggregation parameter')
  expectType(expression, 'vector', 'aggregation expression')
}

const checkBinary = (binary: Binary): void => {
  const { op, left, right, bool, matching } = binary
  for (const side of [left, right])
    if (side.type !== 'scalar' && side.type !== 'vector')
      throw parseFault('binary expression must contain only scalar and instant vector types', side)
  const vectors = left.type === 'vector' && right.type === 'vector'
  if (bool && !isComparison(op))
    throw parseFault('bool modifier can only be used on comparison operators', binary)
  if (isComparison(op) && !bool && left.type === 'scalar' && right.type === 'scalar')
    throw parseFault('comparisons between scalars must use BOOL modifier', binary, 'bool')
  if (isSetOp(op) && !vectors)
    throw parseFault(`set operator "${op}" not allowed in binary scalar expression`, binary)
  if (isSetOp(op) && matching.many)
    throw parseFault(`no grouping allowed for "${op}" operation`, binary)
  if ((matching.on || matching.labels.length > 0) && !vectors)
    throw parseFault('vector matching only allowed between instant vectors', binary)
  const both = matching.on && matching.include.find((label) => matching.labels.includes(label))
  if (both)
    throw parseFault(`label "${both}" must not occur in ON and GROUP clause at once`, binary)
}

const partsOf = (expression: Expression): readonly Expression[] => {
  switch (expression.kind) {
    case 'number':
    case 'string':
    case 'selector':
      return []
    case 'subquery':
    case 'negation':
      return [expression.expression]
    case 'call':
      return expression.args
    case 'aggregate':
      return expression.parameter
        ? [expression.parameter, expression.expression]
        : [expression.expression]
    case 'binary':
      return [expression.left, expression.right]
  }
}

/** Throws QueryFault at the first expression whose parts have types that do not fit, or beyond a bound. */
export const checkTypes = (root: Expression): void => {
  let selectors = 0
  const check = (expression: Expression, depth: number): void => {
    if (depth > NESTING_DEPTH_MAX)
      throw limitFault(`expressions are nested deeper than ${NESTING_DEPTH_MAX}`, expression)
    for (const part of partsOf(expression)) check(part, depth + 1)
    if (expression.kind === 'selector' && ++selectors > SELECTORS_MAX)
      throw limitFault(`an expression has at most ${SELECTORS_MAX} selectors`, expression)
    if (expression.kind === 'subquery') expectType(expression.expression, 'vector', 'subquery')
    if (expression.kind === 'call') checkCall(expression)
    if (expression.kind === 'aggregate') checkAggregate(expression)
    if (expression.kind === 'binary') checkBinary(expression)
  }
  check(root, 0)
}
