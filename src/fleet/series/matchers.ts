import { err, ok, type Result } from '../../result.ts'
import { compilePattern } from './pattern.ts'

export type MatchOperator = '=' | '!=' | '=~' | '!~'

/** A condition on one label; a label that a series has not counts as '' (Prometheus). */
export interface Matcher {
  readonly name: string
  readonly op: MatchOperator
  /** The value, or for `=~` and `!~` a pattern that the whole value must match, in RE2's syntax. */
  readonly value: string
}

export interface MatcherFault {
  readonly reason: 'invalid-pattern'
  /** The label whose pattern it is. */
  readonly name: string
  readonly detail: string
}

/** Matchers one selection may have. */
export const MATCHERS_MAX = 64

/** A matcher ready to run. */
export interface CompiledMatcher {
  readonly name: string
  matches(value: string): boolean
  /** Whether a series without the label is selected. */
  readonly matchesAbsent: boolean
  /** The only values that can match; null where there may be others. */
  readonly values: readonly string[] | null
}

const PLAIN_ALTERNATIVES = /^[^\\.+*?()[\]{}^$|]+(\|[^\\.+*?()[\]{}^$|]+)*$/

const predicateOf = ({
  op,
  value,
  name,
}: Matcher): Result<Pick<CompiledMatcher, 'matches' | 'values'>, MatcherFault> => {
  if (op === '=') return ok({ matches: (given) => given === value, values: [value] })
  if (op === '!=') return ok({ matches: (given) => given !== value, values: null })
  const wanted = op === '=~'
  // What dashboards send most, a list of names, needs no automaton.
  if (PLAIN_ALTERNATIVES.test(value)) {
    const values = new Set(value.split('|'))
    return ok({
      matches: (given) => values.has(given) === wanted,
      values: wanted ? [...values] : null,
    })
  }
  const pattern = compilePattern(value)
  if (!pattern.ok) return err({ reason: 'invalid-pattern', name, detail: pattern.error })
  return ok({ matches: (given) => pattern.value.matches(given) === wanted, values: null })
}

/** Compiles matchers, or tells what is wrong with the first faulty pattern. */
export const compileMatchers = (
  matchers: readonly Matcher[],
): Result<readonly CompiledMatcher[], MatcherFault> => {
  const compiled: CompiledMatcher[] = []
  for (const matcher of matchers) {
    const predicate = predicateOf(matcher)
    if (!predicate.ok) return predicate
    const matchesAbsent = predicate.value.matches('')
    compiled.push({ name: matcher.name, matchesAbsent, ...predicate.value })
  }
  return ok(compiled)
}
