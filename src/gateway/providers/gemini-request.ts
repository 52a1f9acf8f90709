import type { Result } from '../../result.ts'
import type { RoutingFault } from '../../routing/faults.ts'
import type { Fields } from '../chat.ts'
import { attempt } from '../dialects/refusal.ts'
import { fieldsOf, isFields, listOf, ownOf, textOf } from '../fields.ts'
import { functionChoiceOf, functionsOf } from './functions.ts'
import { contentsOf } from './gemini-contents.ts'
import { geminiSchemaOf } from './gemini-schema.ts'
import type { ChatCall } from './types.ts'

/** Thinking of the models that have a budget of tokens. Source: ai.google.dev/gemini-api/docs/openai */
const BUDGETS: Readonly<Record<string, number>> = {
  none: 0,
  minimal: 1_024,
  low: 1_024,
  medium: 8_192,
  high: 24_576,
  xhigh: 24_576,
}
/** Least budget of the models that always think. */
const PRO_BUDGET_MIN = 128
const PRO_BUDGET_MAX = 32_768
const BUDGET_MAX = 24_576

const isPro = (model: string): boolean => /-pro\b/.test(model)

/** Gemini 3 and newer: levels instead of budgets, and proofs of calls. */
export const hasLevels = (model: string): boolean => /\bgemini-(?:[3-9]|\d\d)/.test(model)

const levelOf = (effort: string, model: string): string => {
  switch (effort) {
    case 'none':
    case 'minimal':
      return isPro(model) ? 'LOW' : 'MINIMAL'
    case 'low':
      return 'LOW'
    case 'medium':
      return /gemini-3-pro/.test(model) ? 'HIGH' : 'MEDIUM'
    default:
      return 'HIGH'
  }
}

const budgetOf = (budget: number, model: string): number =>
  isPro(model) && budget >= 0
    ? Math.min(PRO_BUDGET_MAX, Math.max(PRO_BUDGET_MIN, budget))
    : Math.min(BUDGET_MAX, budget)

/** `thinkingConfig`, from OpenAI's effort or Anthropic's budget; null where neither is said. */
const thinkingOf = (body: Fields, call: Pick<ChatCall, 'model' | 'reasoningEffort'>) => {
  const { model } = call
  const hasBudgets = /\bgemini-2\.5/.test(model)
  if (!hasBudgets && !hasLevels(model)) return null
  const { type, budget_tokens: budget } = fieldsOf(body.thinking)
  if (type === 'enabled' && typeof budget === 'number')
    return { includeThoughts: true, thinkingBudget: budgetOf(budget, model) }
  const effort =
    type === 'disabled' ? 'none' : (textOf(body.reasoning_effort) ?? call.reasoningEffort)
  if (effort === null) return null
  const includeThoughts = type === 'adaptive'
  return hasLevels(model)
    ? { includeThoughts, thinkingLevel: levelOf(effort, model) }
    : { includeThoughts, thinkingBudget: budgetOf(ownOf(BUDGETS, effort) ?? -1, model) }
}

const formatOf = (format: unknown): Fields => {
  const { type, json_schema: named } = fieldsOf(format)
  if (type === 'json_object') return { responseMimeType: 'application/json' }
  if (type !== 'json_schema') return {}
  const { schema } = fieldsOf(named)
  if (!isFields(schema)) return { responseMimeType: 'application/json' }
  const responseSchema = geminiSchemaOf(schema)
  return {
    responseMimeType: 'application/json',
    ...(responseSchema === null ? { responseJsonSchema: schema } : { responseSchema }),
  }
}

/** The members of `from` that are there, under Gemini's names. */
const renamed = (from: Fields, names: Readonly<Record<string, string>>): Fields =>
  Object.fromEntries(
    Object.entries(names).flatMap(([ours, theirs]) => {
      const value = from[ours]
      return value === undefined || value === null ? [] : [[theirs, value]]
    }),
  )

const generationOf = (body: Fields, call: Pick<ChatCall, 'model' | 'reasoningEffort'>): Fields => {
  const { stop } = body
  const stops = typeof stop === 'string' ? [stop] : listOf(stop)
  const thinking = thinkingOf(body, call)
  return {
    ...renamed(body, {
      temperature: 'temperature',
      top_p: 'topP',
      top_k: 'topK',
      max_tokens: 'maxOutputTokens',
      max_completion_tokens: 'maxOutputTokens',
      n: 'candidateCount',
      seed: 'seed',
      presence_penalty: 'presencePenalty',
      frequency_penalty: 'frequencyPenalty',
    }),
    ...(stops.length === 0 ? {} : { stopSequences: stops }),
    ...(body.logprobs === true ? { responseLogprobs: true } : {}),
    ...(body.logprobs === true && typeof body.top_logprobs === 'number' && body.top_logprobs > 0
      ? { logprobs: body.top_logprobs }
      : {}),
    ...formatOf(body.response_format),
    ...(thinking === null ? {} : { thinkingConfig: thinking }),
  }
}

const declarationOf = ({ name, description, parameters }: Fields): Fields => {
  const beside = description === undefined ? { name } : { name, description }
  if (!isFields(parameters) || Object.keys(fieldsOf(parameters.properties)).length === 0)
    // An object without properties is refused; a function without parameters has none.
    return isFields(parameters) && !isFields(parameters.properties) && '$ref' in parameters
      ? { ...beside, parametersJsonSchema: parameters }
      : beside
  const schema = geminiSchemaOf(parameters)
  return schema === null
    ? { ...beside, parametersJsonSchema: parameters }
    : { ...beside, parameters: schema }
}

const MODES: Readonly<Record<string, string>> = { none: 'NONE', auto: 'AUTO', required: 'ANY' }

const choiceOf = (body: Fields): Fields | null => {
  const { mode, name } = functionChoiceOf(body)
  if (name !== null) return { mode: 'ANY', allowedFunctionNames: [name] }
  const theirs = ownOf(MODES, mode ?? '')
  return theirs === undefined ? null : { mode: theirs }
}

const toolsOf = (body: Fields): Fields => {
  const functionDeclarations = functionsOf(body, 'Google').map(declarationOf)
  if (functionDeclarations.length === 0) return {}
  const functionCallingConfig = choiceOf(body)
  return {
    tools: [{ functionDeclarations }],
    ...(functionCallingConfig === null ? {} : { toolConfig: { functionCallingConfig } }),
  }
}

/**
 * A chat completion's body as that of `generateContent`. What Gemini has no word for and would change the
 * answer is refused (tools that are no functions, files by id, unknown parts).
 *
 * @param body as OpenAI has it, checked
 * Source: ai.google.dev/api/generate-content
 */
export const generateContentOf = (
  body: Fields,
  call: Pick<ChatCall, 'model' | 'reasoningEffort'>,
): Result<Fields, RoutingFault> =>
  attempt(() => {
    const generationConfig = generationOf(body, call)
    return {
      ...contentsOf(listOf(body.messages), hasLevels(call.model)),
      ...toolsOf(body),
      ...(Object.keys(generationConfig).length === 0 ? {} : { generationConfig }),
    }
  })
