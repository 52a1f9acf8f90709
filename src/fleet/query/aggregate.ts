import type { Label } from '../series/labels.ts'
import type { Aggregate } from './ast.ts'
import { ABSENT, type Column, FLOAT, floatColumn, grouped, HISTOGRAM, keyOf } from './column.ts'
import { combined, scaled } from './histogram-arithmetic.ts'
import type { FloatHistogram } from './native-histogram.ts'

export interface Group {
  readonly labels: readonly Label[]
  readonly members: Column[]
}

/** The columns by the labels that `by` keeps or `without` leaves. */
export const groupsOf = (
  columns: readonly Column[],
  { without, labels: names }: Aggregate['grouping'],
): Group[] => {
  const wanted = new Set(names)
  const groups = new Map<string, Group>()
  for (const column of columns) {
    const labels = grouped(column.labels, wanted, without)
    const key = keyOf(labels)
    const group = groups.get(key)
    if (group) group.members.push(column)
    else groups.set(key, { labels, members: [column] })
  }
  return [...groups.values()]
}

/** Adds the members' floats to sums with what each addition rounded away (Neumaier 1974). */
const addUp = (members: readonly Column[], steps: number) => {
  const sum = new Float64Array(steps)
  const lost = new Float64Array(steps)
  const count = new Float64Array(steps)
  for (const { values, present } of members)
    for (let step = 0; step < steps; step++) {
      if (present[step] !== FLOAT) continue
      const value = values[step] as number
      const before = sum[step] as number
      const after = before + value
      count[step] = (count[step] as number) + 1
      sum[step] = after
      // Past an infinity nothing was rounded, and the formula would make a NaN.
      if (Number.isFinite(after))
        lost[step] =
          (lost[step] as number) +
          (Math.abs(before) >= Math.abs(value) ? before - after + value : value - after + before)
    }
  for (let step = 0; step < steps; step++)
    if (Number.isFinite(sum[step])) sum[step] = (sum[step] as number) + (lost[step] as number)
  return { sum, count }
}

/** Where a sum of finite values left the range of f64, the mean is made value by value. */
const meanOf = (members: readonly Column[], step: number): number => {
  let mean = 0
  let count = 0
  for (const { values, present } of members) {
    if (present[step] !== FLOAT) continue
    count++
    const value = values[step] as number
    if (!Number.isFinite(mean) && (Number.isFinite(value) || mean === value)) continue
    mean += value / count - mean / count
  }
  return mean
}

const averages = (members: readonly Column[], steps: number) => {
  const { sum, count } = addUp(members, steps)
  const mean = sum.map((total, step) =>
    Number.isFinite(total) ? total / (count[step] as number) : meanOf(members, step),
  )
  return { mean, count }
}

const variances = (members: readonly Column[], steps: number): Float64Array => {
  const { mean, count } = averages(members, steps)
  const squares = new Float64Array(steps)
  for (const { values, present } of members)
    for (let step = 0; step < steps; step++)
      if (present[step] === FLOAT)
        squares[step] =
          (squares[step] as number) + ((values[step] as number) - (mean[step] as number)) ** 2
  return squares.map((square, step) => square / (count[step] as number))
}

const extremes = (members: readonly Column[], steps: number, sign: 1 | -1): Float64Array => {
  const best = new Float64Array(steps).fill(Number.NaN)
  for (const { values, present } of members)
    for (let step = 0; step < steps; step++) {
      if (present[step] !== FLOAT) continue
      const value = values[step] as number
      const known = best[step] as number
      if (sign * value > sign * known || Number.isNaN(known)) best[step] = value
    }
  return best
}

/** f64[steps] of an aggregation over floats; what stands at steps without any means nothing. */
const floatAggregate = (
  op: Aggregate['op'],
  members: readonly Column[],
  steps: number,
): Float64Array => {
  switch (op) {
    case 'sum':
      return addUp(members, steps).sum
    case 'avg':
      return averages(members, steps).mean
    case 'stdvar':
      return variances(members, steps)
    case 'stddev':
      return variances(members, steps).map(Math.sqrt)
    case 'min':
      return extremes(members, steps, -1)
    case 'max':
      return extremes(members, steps, 1)
    default:
      return new Float64Array(steps).fill(1)
  }
}

const countMembers = (members: readonly Column[], steps: number, kind: number): Float64Array => {
  const count = new Float64Array(steps)
  for (const { present } of members)
    for (let step = 0; step < steps; step++)
      if (present[step] === kind) count[step] = (count[step] as number) + 1
  return count
}

/** Sums and means of histograms; a step with floats among them has none. */
const histogramAggregate = (
  op: Aggregate['op'],
  { labels, members }: Group,
  floats: Column,
): Column => {
  const steps = floats.values.length
  const present = floats.present.slice()
  const histograms = new Array<FloatHistogram | null>(steps).fill(null)
  const count = countMembers(members, steps, HISTOGRAM)
  for (let step = 0; step < steps; step++) {
    if (count[step] === 0) continue
    if (present[step] !== ABSENT || (op !== 'sum' && op !== 'avg')) {
      if (op === 'sum' || op === 'avg') present[step] = ABSENT
      continue
    }
    let sum: FloatHistogram | null | undefined
    for (const { histograms: own } of members) {
      const next = own?.[step]
      if (next) sum = sum === undefined ? next : sum && combined(sum, next, 1)
    }
    if (!sum) continue
    histograms[step] = op === 'avg' ? scaled(sum, 1 / (count[step] as number)) : sum
    present[step] = HISTOGRAM
  }
  return { labels, values: floats.values, present, histograms }
}

/** One column a group of an aggregation that makes one value of many. */
export const aggregateGroup = (op: Aggregate['op'], group: Group, steps: number): Column => {
  const { labels, members } = group
  const hasHistograms = members.some((member) => member.histograms)
  const count = countMembers(members, steps, FLOAT)
  if (hasHistograms && (op === 'count' || op === 'group'))
    countMembers(members, steps, HISTOGRAM).forEach((more, step) => {
      count[step] = (count[step] as number) + more
    })
  const values = op === 'count' ? count : floatAggregate(op, members, steps)
  const present = Uint8Array.from(count, (members) => (members > 0 ? FLOAT : ABSENT))
  const floats = floatColumn(labels, values, present)
  return hasHistograms ? histogramAggregate(op, group, floats) : floats
}
