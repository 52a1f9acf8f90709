import { ok, type Result } from '../../result.ts'
import { type Captures, compileCapturing } from './captures.ts'
import { MADE_LABEL_LENGTH_MAX } from './limits.ts'

const REFERENCE = /\$(?:\$|\{(\w+)\}|(\w+))/g

/** @param make is told of the length before the text is made, and throws where that is too long */
const expanded = (
  replacement: string,
  { groups, names }: Captures,
  make: (length: number) => void,
): string => {
  const parts: string[] = []
  let length = 0
  let last = 0
  const add = (part: string) => {
    length += part.length
    parts.push(part)
    if (length > MADE_LABEL_LENGTH_MAX) make(length)
  }
  for (const found of replacement.matchAll(REFERENCE)) {
    const [whole, braced, bare] = found
    add(replacement.slice(last, found.index))
    last = found.index + whole.length
    const name = braced ?? bare ?? ''
    const number = /^\d+$/.test(name) ? Number(name) : names.get(name)
    add(whole === '$$' ? '$' : ((number === undefined ? undefined : groups[number]) ?? ''))
  }
  add(replacement.slice(last))
  make(length)
  return parts.join('')
}

/**
 * A function from a label's value to the replacement with `$1`, `${1}` and `${name}` filled in, or to null
 * where the pattern does not match the whole value. Texts are looked at once each. It throws what `make`
 * does, and QueryFault where the pattern looks at more than `CAPTURE_VISITS_MAX`.
 */
export const compileReplacement = (
  pattern: string,
  replacement: string,
  make: (length: number) => void,
): Result<(text: string) => string | null, string> => {
  const compiled = compileCapturing(pattern)
  if (!compiled.ok) return compiled
  const known = new Map<string, string | null>()
  return ok((text) => {
    const before = known.get(text)
    if (before !== undefined) return before
    const captures = compiled.value.capture(text)
    const result = captures && expanded(replacement, captures, make)
    known.set(text, result)
    return result
  })
}
