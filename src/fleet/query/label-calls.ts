import type { Label } from '../series/labels.ts'
import type { Call } from './ast.ts'
import { type Column, labelValue, united, withLabel } from './column.ts'
import type { Budget } from './context.ts'
import { executionFault } from './query-error.ts'
import { compileReplacement } from './replacement.ts'

const LABEL_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

export const isLabelName = (name: string): boolean => LABEL_NAME.test(name)

const relabelled = (
  columns: readonly Column[],
  change: (labels: readonly Label[]) => readonly Label[],
): Column[] => columns.map((column) => ({ ...column, labels: change(column.labels) }))

/** `label_replace(v, destination, replacement, source, pattern)`: the pattern has to match the whole value. */
export const labelReplace = (
  budget: Budget,
  call: Call,
  columns: readonly Column[],
  [destination = '', replacement = '', source = '', pattern = '']: readonly string[],
): Column[] => {
  if (!isLabelName(destination))
    throw executionFault(
      `invalid destination label name in label_replace(): ${destination}`,
      call.args[1] ?? call,
    )
  const replace = compileReplacement(pattern, replacement, (length) => budget.make(length, call))
  if (!replace.ok)
    throw executionFault(
      `invalid regular expression in label_replace(): ${replace.error}`,
      call.args[4] ?? call,
    )
  const change = (labels: readonly Label[]) => {
    const text = replace.value(labelValue(labels, source))
    return text === null ? labels : withLabel(labels, destination, text)
  }
  return united(relabelled(columns, change), call)
}

/** `label_join(v, destination, separator, source…)`. */
export const labelJoin = (
  budget: Budget,
  call: Call,
  columns: readonly Column[],
  [destination = '', separator = '', ...sources]: readonly string[],
): Column[] => {
  const wrong = [destination, ...sources].findIndex((name) => !isLabelName(name))
  if (wrong >= 0)
    throw executionFault(
      `invalid ${wrong === 0 ? 'destination' : 'source'} label name in label_join(): ${[destination, ...sources][wrong]}`,
      call.args[wrong === 0 ? 1 : wrong + 2] ?? call,
    )
  const change = (labels: readonly Label[]) => {
    const values = sources.map((name) => labelValue(labels, name))
    const separators = Math.max(0, values.length - 1) * separator.length
    budget.make(
      values.reduce((length, value) => length + value.length, separators),
      call,
    )
    return withLabel(labels, destination, values.join(separator))
  }
  return united(relabelled(columns, change), call)
}
