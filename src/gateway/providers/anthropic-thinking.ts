import type { Fields } from '../chat.ts'
import { fieldsOf, listOf, ownOf } from '../fields.ts'

/**
 * Families that take a budget of tokens for thinking; later ones choose it themselves and are told an effort,
 * earlier ones do not think. Anthropic, "Extended thinking" and "Adaptive thinking".
 */
const TAKES_BUDGET =
  /^claude-(?:3-7-|(?:opus|sonnet|haiku)-4(?:-[0-5])?(?:-\d{8})?(?:-latest|@.*)?$)/
const DOES_NOT_THINK = /^claude-(?:instant|2|3-(?!7))/

const BUDGETS: Readonly<Record<string, number>> = {
  low: 1_024,
  medium: 4_096,
  high: 16_384,
  xhigh: 32_768,
  max: 32_768,
}
/** Anthropic's least. */
const BUDGET_MIN = 1_024
/** What is left for the answer itself. */
const ANSWER_TOKENS_MIN = 256

/** Where the client names no bound: Anthropic asks for one. Thinking comes on top. */
export const MAX_TOKENS_DEFAULT = 4_096

/** What may keep a model from thinking. */
export interface ThinkingBounds {
  /** Of thinking and answer together, as OpenAI counts, too; null where not told. */
  readonly maxTokens: number | null
  /** A tool is forced: refused beside thinking. */
  readonly isForced: boolean
  /**
   * The results of calls are what is answered. Models with a budget then want the thoughts that led to the
   * calls, which OpenAI's clients do not keep.
   */
  readonly isMidTurn: boolean
}

export interface Thinking {
  readonly maxTokens: number
  /** `thinking` and `output_config.effort`; none where the model does not think. */
  readonly thinking: Fields | null
  readonly effort: string | null
}

/**
 * How a model of Anthropic is told OpenAI's `reasoning_effort`.
 *
 * @param effort `none` and `minimal` think not at all
 */
export const thinkingOf = (
  model: string,
  effort: string | null,
  { maxTokens, isForced, isMidTurn }: ThinkingBounds,
): Thinking => {
  const none = { maxTokens: maxTokens ?? MAX_TOKENS_DEFAULT, thinking: null, effort: null }
  const most = effort === null ? undefined : ownOf(BUDGETS, effort)
  if (most === undefined || isForced || DOES_NOT_THINK.test(model)) return none
  const total = maxTokens ?? MAX_TOKENS_DEFAULT + most
  if (!TAKES_BUDGET.test(model)) return { maxTokens: total, thinking: { type: 'adaptive' }, effort }
  const budget = Math.min(most, total - ANSWER_TOKENS_MIN)
  if (isMidTurn || budget < BUDGET_MIN) return none
  return {
    maxTokens: total,
    thinking: { type: 'enabled', budget_tokens: budget },
    effort: null,
  }
}

/** Whether Anthropic's messages end with results of calls. */
export const endsWithResults = (messages: unknown): boolean =>
  listOf(fieldsOf(listOf(messages).at(-1)).content).some(
    (block) => fieldsOf(block).type === 'tool_result',
  )
