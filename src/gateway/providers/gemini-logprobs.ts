import type { Fields } from '../chat.ts'
import { fieldsOf, isFields, listOf, textOf } from '../fields.ts'

const utf8 = new TextEncoder()

const tokenOf = (candidate: unknown): Fields => {
  const { token, logProbability } = fieldsOf(candidate)
  const text = textOf(token) ?? ''
  return {
    token: text,
    logprob: typeof logProbability === 'number' ? logProbability : 0,
    bytes: [...utf8.encode(text)],
  }
}

/** Gemini's `logprobsResult` as OpenAI's `logprobs`; null without. Natural logarithms in both. */
export const logprobsOf = (result: unknown): Fields | null => {
  if (!isFields(result)) return null
  const tops = listOf(result.topCandidates)
  const content = listOf(result.chosenCandidates).map((chosen, i) => ({
    ...tokenOf(chosen),
    top_logprobs: listOf(fieldsOf(tops[i]).candidates).map(tokenOf),
  }))
  return content.length === 0 ? null : { content, refusal: null }
}
