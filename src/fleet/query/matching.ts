import type { Label } from '../series/labels.ts'
import type { Binary } from './ast.ts'
import { anyPresent, dropsName, elementwise } from './binary.ts'
import {
  ABSENT,
  type Column,
  grouped,
  isEmpty,
  keyOf,
  labelValue,
  united,
  withLabel,
  withoutName,
} from './column.ts'
import { boundPoints } from './context.ts'
import { executionFault } from './query-error.ts'

/** The columns of both sides by the labels they are matched on. */
export const matchGroups = (binary: Binary, columns: readonly Column[]): Map<string, Column[]> => {
  const names = new Set(binary.matching.labels)
  const groups = new Map<string, Column[]>()
  for (const column of columns) {
    const key = keyOf(grouped(column.labels, names, !binary.matching.on))
    const group = groups.get(key)
    if (group) group.push(column)
    else groups.set(key, [column])
  }
  return groups
}

const labelsText = (labels: readonly Label[]): string =>
  `{${labels.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(', ')}}`

/** Two of a group have a value at a step where the other side has any: there is no telling which is meant. */
const rejectDuplicates = (
  binary: Binary,
  group: readonly Column[],
  othersPresent: () => Uint8Array,
  side: 'left' | 'right',
): void => {
  if (group.length < 2) return
  const steps = group[0]?.present.length ?? 0
  const others = othersPresent()
  const owner = new Int32Array(steps).fill(-1)
  group.forEach(({ present }, index) => {
    for (let step = 0; step < steps; step++) {
      if (present[step] === ABSENT || others[step] === 0) continue
      const first = group[owner[step] as number]
      if (!first) {
        owner[step] = index
        continue
      }
      const names = new Set(binary.matching.labels)
      const key = labelsText(grouped(first.labels, names, !binary.matching.on))
      throw executionFault(
        `found duplicate series for the match group ${key} on the ${side} hand-side of the operation: [${labelsText(group[index]?.labels ?? [])}, ${labelsText(first.labels)}];many-to-many matching not allowed: matching labels must be unique on one side`,
        binary,
      )
    }
  })
}

const resultLabels = (
  binary: Binary,
  many: readonly Label[],
  one: readonly Label[],
): readonly Label[] => {
  const { matching } = binary
  let labels = dropsName(binary) ? withoutName(many) : many
  if (matching.many === null) {
    const names = new Set(matching.labels)
    labels = labels.filter(([name]) => names.has(name) === matching.on)
  }
  for (const name of matching.include) labels = withLabel(labels, name, labelValue(one, name))
  return labels
}

/** Several series of the left match one of the right without `group_left` having said so. */
const rejectOverlap = (binary: Binary, taken: Uint8Array, present: Uint8Array): void => {
  for (let step = 0; step < taken.length; step++) {
    if (present[step] === ABSENT) continue
    if (taken[step] !== 0)
      throw executionFault(
        'multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)',
        binary,
      )
    taken[step] = 1
  }
}

/** Arithmetic or comparison between the series of two vectors that match. */
export const vectorBinary = (
  binary: Binary,
  left: readonly Column[],
  right: readonly Column[],
  steps: number,
): Column[] => {
  const swapped = binary.matching.many === 'right'
  const [manySide, oneSide] = swapped ? [right, left] : [left, right]
  const manyGroups = matchGroups(binary, manySide)
  const oneGroups = matchGroups(binary, oneSide)
  let present: Uint8Array | undefined
  const manyPresent = () => {
    present ??= anyPresent(manySide, steps)
    return present
  }
  for (const group of oneGroups.values())
    rejectDuplicates(binary, group, manyPresent, swapped ? 'left' : 'right')
  const results: Column[] = []
  for (const [key, group] of manyGroups) {
    const partners = oneGroups.get(key)
    if (!partners) continue
    const taken = new Uint8Array(steps)
    for (const many of group)
      for (const one of partners) {
        const [a, b] = swapped ? [one, many] : [many, one]
        const elements = elementwise(binary, a, b, a)
        if (binary.matching.many === null && group.length > 1)
          rejectOverlap(binary, taken, elements.present)
        const column = { ...elements, labels: resultLabels(binary, many.labels, one.labels) }
        if (isEmpty(column)) continue
        results.push(column)
        boundPoints(results.length, steps, binary)
      }
  }
  return united(results, binary)
}

/** `and`, `or` and `unless`. */
export const setBinary = (
  binary: Binary,
  left: readonly Column[],
  right: readonly Column[],
  steps: number,
): Column[] => {
  const leftGroups = matchGroups(binary, left)
  const rightGroups = matchGroups(binary, right)
  const masked = (
    columns: Map<string, Column[]>,
    others: Map<string, Column[]>,
    where: 0 | 1,
  ): Column[] =>
    [...columns].flatMap(([key, group]) => {
      const other = others.get(key)
      if (!other) return where === 0 ? group : []
      const any = anyPresent(other, steps)
      return group.map((column) => ({
        ...column,
        present: column.present.map((kind, step) => (any[step] === where ? kind : ABSENT)),
      }))
    })
  if (binary.op === 'and') return united(masked(leftGroups, rightGroups, 1), binary)
  if (binary.op === 'unless') return united(masked(leftGroups, rightGroups, 0), binary)
  const either = united([...left, ...masked(rightGroups, leftGroups, 0)], binary)
  boundPoints(either.length, steps, binary)
  return either
}
