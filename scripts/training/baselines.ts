import type { Example } from './dataset.ts'
import { seeded } from './seeded.ts'

const REASONING = /\b(prove|derive|calculate|compute|explain|analy[sz]e|compare|step by step)\b/i
const CODE = /```|\b(function|def|class|return|import)\b|[{};]/
const MATH = /[=+*/^∑∫√]|\\[a-z]+|\b\d+\b.*\b\d+\b/i
const LONG_TOKENS = [60, 150, 400] as const

/** What routers by regular expressions and if/else do: points for length, code, mathematics, verbs. */
const rulePoints = ({ prompt, features }: Example): number =>
  LONG_TOKENS.filter((bound) => features.tokens > bound).length +
  Number(CODE.test(prompt)) +
  Number(MATH.test(prompt)) +
  Number(REASONING.test(prompt))

const gainOf = ({ isWeakRight, isStrongRight }: Example): number =>
  Number(isStrongRight) - Number(isWeakRight)

/** Scores of routers that learnt nothing, and of two that know the answers. */
export function baselineScores(examples: readonly Example[], seed: number) {
  const random = seeded(seed)
  const sums = new Map<string, { gain: number; count: number }>()
  for (const example of examples) {
    const sum = sums.get(example.subject) ?? { gain: 0, count: 0 }
    sum.gain += gainOf(example)
    sum.count++
    sums.set(example.subject, sum)
  }
  const subjectGain = ({ subject }: Example): number => {
    const { gain, count } = sums.get(subject) ?? { gain: 0, count: 1 }
    return gain / count
  }
  return {
    random: Float64Array.from(examples, () => random()),
    'length only': Float64Array.from(examples, ({ features }) => features.tokens),
    rules: Float64Array.from(examples, rulePoints),
    'oracle of subjects': Float64Array.from(examples, subjectGain),
    oracle: Float64Array.from(examples, gainOf),
  }
}
