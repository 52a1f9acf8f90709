import type { Matcher } from '../series/matchers.ts'
import type { Span } from './query-error.ts'

export type ValueType = 'scalar' | 'string' | 'vector' | 'matrix'

/** The moment of an `@` modifier; null where there is none. */
export type At = { readonly kind: 'time'; readonly ms: number } | { readonly kind: 'start' | 'end' }

export type ArithmeticOp = '+' | '-' | '*' | '/' | '%' | '^' | 'atan2'
export type ComparisonOp = '==' | '!=' | '>' | '<' | '>=' | '<='
export type SetOp = 'and' | 'or' | 'unless'
export type BinaryOp = ArithmeticOp | ComparisonOp | SetOp

export type AggregateOp =
  | 'sum'
  | 'avg'
  | 'min'
  | 'max'
  | 'count'
  | 'group'
  | 'stddev'
  | 'stdvar'
  | 'topk'
  | 'bottomk'
  | 'quantile'
  | 'count_values'

export interface NumberLiteral extends Span {
  readonly kind: 'number'
  readonly type: 'scalar'
  readonly value: number
}

export interface StringLiteral extends Span {
  readonly kind: 'string'
  readonly type: 'string'
  readonly value: string
}

/** Series by matchers: the newest sample of each, or with `rangeMs` all in the range. */
export interface Selector extends Span {
  readonly kind: 'selector'
  readonly type: 'vector' | 'matrix'
  /** The metric's name is among them. */
  readonly matchers: readonly Matcher[]
  readonly rangeMs: number | null
  readonly offsetMs: number
  readonly at: At | null
}

export interface Subquery extends Span {
  readonly kind: 'subquery'
  readonly type: 'matrix'
  readonly expression: Expression
  readonly rangeMs: number
  /** Null for the default. */
  readonly stepMs: number | null
  readonly offsetMs: number
  readonly at: At | null
}

export interface Call extends Span {
  readonly kind: 'call'
  readonly type: 'scalar' | 'vector'
  readonly name: string
  readonly args: readonly Expression[]
}

export interface Grouping {
  readonly without: boolean
  readonly labels: readonly string[]
}

export interface Aggregate extends Span {
  readonly kind: 'aggregate'
  readonly type: 'vector'
  readonly op: AggregateOp
  readonly grouping: Grouping
  readonly parameter: Expression | null
  readonly expression: Expression
}

/** How series of both sides find each other. */
export interface Matching {
  /** `on` these labels, else `ignoring` them. */
  readonly on: boolean
  readonly labels: readonly string[]
  /** The side with many series to one of the other; null where each has one. */
  readonly many: 'left' | 'right' | null
  /** Labels taken over from the side with one. */
  readonly include: readonly string[]
}

export interface Binary extends Span {
  readonly kind: 'binary'
  readonly type: 'scalar' | 'vector'
  readonly op: BinaryOp
  readonly left: Expression
  readonly right: Expression
  /** A comparison answers 0 and 1 instead of filtering. */
  readonly bool: boolean
  readonly matching: Matching
}

/** A minus; a plus leaves no trace. */
export interface Negation extends Span {
  readonly kind: 'negation'
  readonly type: 'scalar' | 'vector'
  readonly expression: Expression
}

export type Expression =
  | NumberLiteral
  | StringLiteral
  | Selector
  | Subquery
  | Call
  | Aggregate
  | Binary
  | Negation

const SET_OPS: readonly string[] = ['and', 'or', 'unless']
const COMPARISON_OPS: readonly string[] = ['==', '!=', '>', '<', '>=', '<=']

export const isSetOp = (op: BinaryOp): op is SetOp => SET_OPS.includes(op)
export const isComparison = (op: BinaryOp): op is ComparisonOp => COMPARISON_OPS.includes(op)
