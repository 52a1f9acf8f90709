import type { Fields } from '../chat.ts'
import { refuse } from '../dialects/refusal.ts'
import { fieldsOf, isFields, listOf, textOf } from '../fields.ts'

/** What a body says of whether and which of its functions is to be called. */
export interface FunctionChoice {
  /** `auto`, `required` or `none`; null where nothing is said, or a function is named. */
  readonly mode: string | null
  readonly name: string | null
}

/** OpenAI's `tool_choice`, or the deprecated `function_call`. */
export const functionChoiceOf = (body: Fields): FunctionChoice => {
  const choice = body.tool_choice ?? body.function_call
  const { function: called, name, allowed_tools: allowed } = fieldsOf(choice)
  return {
    mode: textOf(choice) ?? textOf(fieldsOf(allowed).mode),
    name: textOf(fieldsOf(called).name) ?? textOf(name),
  }
}

/**
 * The functions that the model may call: those of `tools`, and of the deprecated `functions`. `allowed_tools`
 * narrows them; the others stay away. Tools of other kinds are refused: to be called within `attempt`.
 *
 * @param vendor whose model it is
 */
export const functionsOf = (body: Fields, vendor: string): readonly Fields[] => {
  const legacy = listOf(body.functions).map((called) => ({ type: 'function', function: called }))
  const functions = [...listOf(body.tools), ...legacy].map((tool, i) => {
    const { type, function: called } = fieldsOf(tool)
    return type === 'function' && isFields(called)
      ? called
      : refuse(`#/tools/${i}/type`, `must be function: the model is of ${vendor}`)
  })
  const { allowed_tools: allowed } = fieldsOf(body.tool_choice)
  if (!isFields(allowed)) return functions
  const names = new Set(listOf(allowed.tools).map((tool) => fieldsOf(fieldsOf(tool).function).name))
  return functions.filter(({ name }) => names.has(name))
}

/** The calls of an assistant's message, that of the deprecated `function_call` among them. */
export const callsIn = (message: Fields): readonly unknown[] => {
  const { function_call: called } = message
  return isFields(called)
    ? [...listOf(message.tool_calls), { id: called.name, function: called }]
    : listOf(message.tool_calls)
}
