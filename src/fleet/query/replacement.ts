import { ok, type Result } from '../../result.ts'
import { type Captures, compileCapturing } from './captures.ts'

const REFERENCE = /\$(?:\$|\{(\w+)\}|(\w+))/g

const expanded = (replacement: string, { groups, names }: Captures): string =>
  replacement.replace(REFERENCE, (whole, braced?: string, bare?: string) => {
    if (whole === '$$') return '$'
    const name = braced ?? bare ?? ''
    const number = /^\d+$/.test(name) ? Number(name) : names.get(name)
    return (number === undefined ? undefined : groups[number]) ?? ''
  })

/**
 * A function from a label's value to the replacement with `$1`, `${1}` and `${name}` filled in, or to null
 * where the pattern does not match the whole value. Texts are looked at once each.
 */
export const compileReplacement = (
  pattern: string,
  replacement: string,
): Result<(text: string) => string | null, string> => {
  const compiled = compileCapturing(pattern)
  if (!compiled.ok) return compiled
  const known = new Map<string, string | null>()
  return ok((text) => {
    const before = known.get(text)
    if (before !== undefined) return before
    const captures = compiled.value.capture(text)
    const result = captures && expanded(replacement, captures)
    known.set(text, result)
    return result
  })
}
