import type { Label } from '../series/labels.ts'
import { type ArithmeticOp, type Binary, type ComparisonOp, isComparison } from './ast.ts'
import { ABSENT, type Column, FLOAT, floatsOf, mapFloats, united, withoutName } from './column.ts'

export type ElementOp = ArithmeticOp | ComparisonOp

/** Go's power, which the standard asks for too: 1 to any power is 1, and −1 to ±∞. */
const power = (a: number, b: number): number => {
  if (a === 1 || (a === -1 && (b === Number.POSITIVE_INFINITY || b === Number.NEGATIVE_INFINITY)))
    return 1
  return a ** b
}

const ARITHMETIC: Readonly<Record<ArithmeticOp, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
  '^': power,
  atan2: Math.atan2,
}

const COMPARISON: Readonly<Record<ComparisonOp, (a: number, b: number) => boolean>> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '>': (a, b) => a > b,
  '<': (a, b) => a < b,
  '>=': (a, b) => a >= b,
  '<=': (a, b) => a <= b,
}

/** Between two scalars, at every step; comparisons answer 0 and 1. */
export const scalarBinary = (op: ElementOp, a: Float64Array, b: Float64Array): Float64Array => {
  if (isComparison(op)) {
    const holds = COMPARISON[op]
    return a.map((value, step) => (holds(value, b[step] as number) ? 1 : 0))
  }
  const apply = ARITHMETIC[op]
  return a.map((value, step) => apply(value, b[step] as number))
}

export interface Elements {
  readonly values: Float64Array
  readonly present: Uint8Array
}

/**
 * Between floats at the steps where both are; a comparison without `bool` keeps the value of `kept` where
 * it holds.
 */
export const elementwise = (
  { op, bool }: Pick<Binary, 'op' | 'bool'>,
  a: Elements,
  b: Elements,
  kept: Elements,
): Elements => {
  const steps = a.values.length
  const values = new Float64Array(steps)
  const present = new Uint8Array(steps)
  const compare = isComparison(op) ? COMPARISON[op] : null
  const apply = compare ? null : ARITHMETIC[op as ArithmeticOp]
  for (let step = 0; step < steps; step++) {
    if (a.present[step] !== FLOAT || b.present[step] !== FLOAT) continue
    const [x, y] = [a.values[step] as number, b.values[step] as number]
    if (apply) values[step] = apply(x, y)
    else {
      const holds = compare?.(x, y) ?? false
      if (!holds && !bool) continue
      values[step] = bool ? Number(holds) : (kept.values[step] as number)
    }
    present[step] = FLOAT
  }
  return { values, present }
}

/** Whether the answer is another quantity than its operand, which then loses its name. */
export const dropsName = ({ op, bool }: Pick<Binary, 'op' | 'bool'>): boolean =>
  !isComparison(op) || bool

export const namedAs = (binary: Binary, labels: readonly Label[]): readonly Label[] =>
  dropsName(binary) ? withoutName(labels) : labels

/** Between a vector and a scalar on either side. */
export const vectorScalar = (
  binary: Binary,
  columns: readonly Column[],
  scalar: Float64Array,
  scalarIsLeft: boolean,
): Column[] => {
  const all = { values: scalar, present: new Uint8Array(scalar.length).fill(FLOAT) }
  const results = columns.map((column) => {
    const floats = { values: column.values, present: floatsOf(column) }
    const elements = scalarIsLeft
      ? elementwise(binary, all, floats, floats)
      : elementwise(binary, floats, all, floats)
    return {
      labels: namedAs(binary, column.labels),
      ...elements,
      histograms: null,
    }
  })
  return united(results, binary)
}

/** −v. */
export const negated = (columns: readonly Column[], at: Binary | { start: number; end: number }) =>
  united(
    columns.map((column) => mapFloats(column, withoutName(column.labels), (value) => -value)),
    at,
  )

/** u8[steps]: 1 where any of the columns has a value. */
export const anyPresent = (columns: readonly Column[], steps: number): Uint8Array => {
  const any = new Uint8Array(steps)
  for (const { present } of columns)
    for (let step = 0; step < steps; step++) if (present[step] !== ABSENT) any[step] = 1
  return any
}
