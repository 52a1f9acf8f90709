import type { Label } from '../series/labels.ts'
import { type ArithmeticOp, type Binary, type ComparisonOp, isComparison } from './ast.ts'
import { ABSENT, type Column, FLOAT, HISTOGRAM, mapFloats, united, withoutName } from './column.ts'
import { combined, scaled } from './histogram-arithmetic.ts'
import type { FloatHistogram } from './native-histogram.ts'

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

/** What an operation is between: a column without its labels. */
export type Elements = Omit<Column, 'labels'>

/** Between values of which one at least is a histogram; null where the operation is none of them. */
const ofHistograms = (
  op: ElementOp,
  a: FloatHistogram | number,
  b: FloatHistogram | number,
): FloatHistogram | null => {
  if (typeof a !== 'number' && typeof b !== 'number')
    return op === '+' || op === '-' ? combined(a, b, op === '+' ? 1 : -1) : null
  if (typeof a === 'number') return op === '*' && typeof b !== 'number' ? scaled(b, a) : null
  if (typeof b !== 'number' || (op !== '*' && op !== '/')) return null
  return scaled(a, op === '*' ? b : 1 / b)
}

const elementAt = ({ values, present, histograms }: Elements, step: number) =>
  present[step] === HISTOGRAM ? (histograms?.[step] ?? null) : (values[step] as number)

/** Adds the steps at which one at least is a histogram. */
const withHistograms = (op: ElementOp, a: Elements, b: Elements, floats: Elements): Elements => {
  if (!a.histograms && !b.histograms) return floats
  const present = floats.present.slice()
  const histograms = Array.from(present, (_, step) => {
    if (a.present[step] === ABSENT || b.present[step] === ABSENT) return null
    if (a.present[step] === FLOAT && b.present[step] === FLOAT) return null
    const [x, y] = [elementAt(a, step), elementAt(b, step)]
    const result = x === null || y === null ? null : ofHistograms(op, x, y)
    if (result) present[step] = HISTOGRAM
    return result
  })
  return { values: floats.values, present, histograms }
}

/**
 * At the steps where both sides have a value. Between floats a comparison without `bool` keeps the value of
 * `kept` where it holds. Histograms are added, subtracted, and multiplied or divided by a float.
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
    const x = a.values[step] as number
    const y = b.values[step] as number
    if (apply) values[step] = apply(x, y)
    else {
      const holds = compare?.(x, y) ?? false
      if (!holds && !bool) continue
      values[step] = bool ? Number(holds) : (kept.values[step] as number)
    }
    present[step] = FLOAT
  }
  return withHistograms(op as ElementOp, a, b, { values, present, histograms: null })
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
  const all = {
    values: scalar,
    present: new Uint8Array(scalar.length).fill(FLOAT),
    histograms: null,
  }
  const results = columns.map((column) => ({
    labels: namedAs(binary, column.labels),
    ...(scalarIsLeft
      ? elementwise(binary, all, column, column)
      : elementwise(binary, column, all, column)),
  }))
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
