import { decodeLabels } from './labels.ts'
import type { CompiledMatcher } from './matchers.ts'

/** Series by their labels: for each name and value the slots that have it, ascending. */
export class SeriesIndex {
  readonly #postings = new Map<string, Map<string, number[]>>()
  readonly #labels: Uint8Array[] = []

  /** The series of the next slot. @param labels canonical bytes, kept */
  add(labels: Uint8Array): void {
    const slot = this.#labels.push(labels) - 1
    for (const [name, value] of decodeLabels(labels)) {
      let values = this.#postings.get(name)
      if (!values) {
        values = new Map()
        this.#postings.set(name, values)
      }
      const slots = values.get(value)
      if (slots) slots.push(slot)
      else values.set(value, [slot])
    }
  }

  get count(): number {
    return this.#labels.length
  }

  labels(slot: number): Uint8Array {
    return this.#labels[slot] ?? new Uint8Array()
  }

  /** Slots, by slot, that a matcher does not refuse; null where all pass. */
  #matching({ name, matches, values, matchesAbsent }: CompiledMatcher): Uint8Array | null {
    const known = this.#postings.get(name)
    if (!known) return matchesAbsent ? null : new Uint8Array(this.count)
    const passing = new Uint8Array(this.count).fill(matchesAbsent ? 1 : 0)
    const mark = (slots: readonly number[], mark: number) => {
      for (const slot of slots) passing[slot] = mark
    }
    if (values && !matchesAbsent) for (const value of values) mark(known.get(value) ?? [], 1)
    else for (const [value, slots] of known) mark(slots, matches(value) ? 1 : 0)
    return passing
  }

  /** Slots of the series that all matchers take, ascending. */
  select(matchers: readonly CompiledMatcher[]): number[] {
    const [narrow, ...others] = this.#ordered(matchers)
    const slots = narrow ? this.#candidates(narrow) : this.#labels.map((_, slot) => slot)
    const masks = others.map((matcher) => this.#matching(matcher))
    return slots.filter((slot) => masks.every((mask) => mask === null || mask[slot] === 1))
  }

  /** The matcher with fewest candidates in front. */
  #ordered(matchers: readonly CompiledMatcher[]): CompiledMatcher[] {
    const size = ({ name, values, matchesAbsent }: CompiledMatcher): number => {
      if (matchesAbsent) return Number.POSITIVE_INFINITY
      const known = this.#postings.get(name)
      if (!known || !values) return known ? this.count : 0
      return values.reduce((sum, value) => sum + (known.get(value)?.length ?? 0), 0)
    }
    return [...matchers].sort((a, b) => Math.sign(size(a) - size(b)) || 0)
  }

  #candidates(matcher: CompiledMatcher): number[] {
    const { name, values, matchesAbsent } = matcher
    const known = this.#postings.get(name)
    if (!matchesAbsent && values && known)
      return values
        .flatMap((value) => known.get(value) ?? [])
        .sort((a, b) => a - b)
        .filter((slot, index, all) => slot !== all[index - 1])
    const mask = this.#matching(matcher)
    const slots: number[] = []
    for (let slot = 0; slot < this.count; slot++)
      if (mask === null || mask[slot] === 1) slots.push(slot)
    return slots
  }

  /** Names and their values among the given slots; null: among all. */
  names(slots: readonly number[] | null): Set<string> {
    if (!slots) return new Set(this.#postings.keys())
    const names = new Set<string>()
    for (const slot of slots) for (const [name] of decodeLabels(this.labels(slot))) names.add(name)
    return names
  }

  /** Values of a name among the given slots; null: among all. */
  values(name: string, slots: readonly number[] | null): Set<string> {
    const known = this.#postings.get(name)
    if (!known) return new Set()
    if (!slots) return new Set(known.keys())
    const wanted = new Set(slots)
    const values = new Set<string>()
    for (const [value, having] of known)
      if (having.some((slot) => wanted.has(slot))) values.add(value)
    return values
  }
}
