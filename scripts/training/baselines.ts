import { bareOf, type Example, type Form } from './dataset.ts'
import { seeded } from './seeded.ts'

const REASONING = /\b(prove|derive|calculate|compute|explain|analy[sz]e|compare|step by step)\b/i
const CODE = /```|\b(function|def|class|return|import)\b|[{};]/
const MATH = /[=+*/^∑∫√]|\\[a-z]+|\b\d+\b.*\b\d+\b/i
const LONG_TOKENS = [60, 150, 400] as const

/** What routers by regular expressions and if/else do: points for length, code, mathematics, verbs. */
const rulePoints = (text: string, tokens: number): number =>
  LONG_TOKENS.filter((bound) => tokens > bound).length +
  Number(CODE.test(text)) +
  Number(MATH.test(text)) +
  Number(REASONING.test(text))

const gainOf = ({ isWeakRight, isStrongRight }: Example): number =>
  Number(isStrongRight) - Number(isWeakRight)

/** Scores of routers that learnt nothing, and of two that know the answers. */
export function baselineScores(examples: readonly Example[], form: Form, seed: number) {
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
    'length only': Float64Array.from(examples, (example) => example[form].tokens),
    rules: Float64Array.from(examples, ({ prompt, [form]: { tokens } }) =>
      rulePoints(form === 'bare' ? bareOf(prompt) : prompt, tokens),
    ),
    'oracle of subjects': Float64Array.from(examples, subjectGain),
    oracle: Float64Array.from(examples, gainOf),
  }
}
