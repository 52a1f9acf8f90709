import type { Group } from './aggregate.ts'
import type { Aggregate } from './ast.ts'
import { type Column, FLOAT, floatColumn, withLabel } from './column.ts'
import { boundPoints } from './context.ts'
import { formatCount } from './format.ts'
import { executionFault, type Span } from './query-error.ts'

/** The order of `topk`, or of `bottomk` where `sign` is −1; NaN come last in both. */
const byRank =
  (sign: 1 | -1) =>
  (a: { readonly value: number }, b: { readonly value: number }): number => {
    if (Number.isNaN(a.value)) return Number.isNaN(b.value) ? 0 : 1
    if (Number.isNaN(b.value)) return -1
    return sign * (b.value - a.value) || 0
  }

/** Members that are kept sorted by insertion while they are few. */
const INSERTION_MAX = 64

interface Ranked {
  readonly value: number
  readonly member: number
}

/** The first k of the members at a step, in order; of equal ones those that come first. */
const firstOf = (members: readonly Column[], step: number, k: number, sign: 1 | -1): Ranked[] => {
  const order = byRank(sign)
  const best: Ranked[] = []
  const sorted = k > INSERTION_MAX
  members.forEach(({ values, present }, member) => {
    if (present[step] !== FLOAT) return
    const ranked = { value: values[step] as number, member }
    if (sorted) {
      best.push(ranked)
      return
    }
    const last = best[best.length - 1]
    if (last && best.length >= k && order(ranked, last) >= 0) return
    let position = best.length
    while (position > 0 && order(ranked, best[position - 1] as Ranked) < 0) position--
    best.splice(position, 0, ranked)
    if (best.length > k) best.pop()
  })
  return sorted ? best.sort(order).slice(0, k) : best
}

const wholeNumber = (value: number, at: Span): number => {
  if (!(Math.abs(value) < 2 ** 63))
    throw executionFault(`Scalar value ${value} overflows int64`, at)
  return Math.trunc(value)
}

/** `topk` and `bottomk`: the members of a group with other members' values left out, in the order of the last step. */
export const rankGroup = (
  { members }: Group,
  parameter: Float64Array,
  sign: 1 | -1,
  at: Span,
): Column[] => {
  const present = members.map(() => new Uint8Array(parameter.length))
  let last: Ranked[] = []
  for (let step = 0; step < parameter.length; step++) {
    const k = wholeNumber(parameter[step] as number, at)
    last = k < 1 ? [] : firstOf(members, step, k, sign)
    for (const { member } of last) (present[member] as Uint8Array)[step] = FLOAT
  }
  const inOrder = new Set([...last.map(({ member }) => member), ...members.keys()])
  return [...inOrder].map((member) => {
    const { labels, values } = members[member] as Column
    return floatColumn(labels, values, present[member] as Uint8Array)
  })
}

/** The quantile of values by linear interpolation between ranks; sorts them. ±∞ for q outside of [0, 1]. */
export const quantileOf = (q: number, values: Float64Array): number => {
  if (values.length === 0 || Number.isNaN(q)) return Number.NaN
  if (q < 0) return Number.NEGATIVE_INFINITY
  if (q > 1) return Number.POSITIVE_INFINITY
  // NaN are the smallest here, but the largest to a typed array's own order.
  values.sort()
  const nans = values.length - firstNan(values)
  values.copyWithin(nans, 0, values.length - nans)
  values.fill(Number.NaN, 0, nans)
  const rank = q * (values.length - 1)
  const lower = Math.floor(rank)
  const upper = Math.min(values.length - 1, lower + 1)
  const weight = rank - lower
  return (values[lower] as number) * (1 - weight) + (values[upper] as number) * weight
}

const firstNan = (sorted: Float64Array): number => {
  const found = sorted.findIndex((value) => Number.isNaN(value))
  return found < 0 ? sorted.length : found
}

export const quantileGroup = ({ labels, members }: Group, parameter: Float64Array): Column => {
  const steps = parameter.length
  const values = new Float64Array(steps)
  const present = new Uint8Array(steps)
  const gathered = new Float64Array(members.length)
  for (let step = 0; step < steps; step++) {
    let count = 0
    for (const member of members)
      if (member.present[step] === FLOAT) gathered[count++] = member.values[step] as number
    if (count === 0) continue
    values[step] = quantileOf(parameter[step] as number, gathered.subarray(0, count))
    present[step] = FLOAT
  }
  return floatColumn(labels, values, present)
}

/**
 * `count_values`: a column a value that occurs in a group, its label the value. Throws QueryFault beyond
 * `POINTS_MAX` points in all groups.
 */
export const countValues = (
  groups: readonly Group[],
  label: string,
  steps: number,
  at: Aggregate,
): Column[] => {
  const all: Column[] = []
  for (const group of groups) {
    const room = (columns: number) => boundPoints(all.length + columns, steps, at)
    for (const column of countValuesGroup(group, label, steps, room)) all.push(column)
  }
  return all
}

/** @param room throws where there is none for that many columns */
const countValuesGroup = (
  { labels, members }: Group,
  label: string,
  steps: number,
  room: (columns: number) => void,
): Iterable<Column> => {
  const columns = new Map<number, Column>()
  for (const { values, present } of members)
    for (let step = 0; step < steps; step++) {
      if (present[step] !== FLOAT) continue
      const value = values[step] as number
      let column = columns.get(value)
      if (!column) {
        room(columns.size + 1)
        column = floatColumn(
          withLabel(labels, label, formatCount(value)),
          new Float64Array(steps),
          new Uint8Array(steps),
        )
        columns.set(value, column)
      }
      column.values[step] = (column.values[step] as number) + 1
      column.present[step] = FLOAT
    }
  return columns.values()
}
