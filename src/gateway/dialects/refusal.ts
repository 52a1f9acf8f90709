import { err, ok, type Result } from '../../result.ts'
import { invalid, type RoutingFault } from '../../routing/faults.ts'
import { isAbsent } from '../fields.ts'

/** Carries a fault out of nested readers of a body; nothing else is caught where it is. */
class Refusal extends Error {
  readonly fault: RoutingFault
  constructor(fault: RoutingFault) {
    super(fault.reason)
    this.fault = fault
  }
}

/** @throws always: to be called within `attempt` */
export const refuse: (pointer: string, detail: string) => never = (pointer, detail) => {
  throw new Refusal(invalid(pointer, detail))
}

export const refuseAsTooLarge = (pointer: string, detail: string, max: number): never => {
  throw new Refusal({ reason: 'too-large', pointer, detail, max })
}

/** What `read` gives, or the fault that it refused with. */
export const attempt = <T>(read: () => T): Result<T, RoutingFault> => {
  try {
    return ok(read())
  } catch (error) {
    if (error instanceof Refusal) return err(error.fault)
    throw error
  }
}

/** Refuses a number outside of [min, max]; an absent one passes. */
export const checkNumber = (
  value: unknown,
  pointer: string,
  { min, max, isWhole = false }: { min: number; max: number; isWhole?: boolean },
): void => {
  if (isAbsent(value)) return
  const kind = isWhole ? 'whole number' : 'number'
  // NaN compares false.
  if (typeof value !== 'number' || !(value >= min && value <= max))
    refuse(pointer, `must be a ${kind} from ${min} to ${max}`)
  else if (isWhole && !Number.isInteger(value))
    refuse(pointer, `must be a ${kind} from ${min} to ${max}`)
}

export const checkKind = (
  value: unknown,
  pointer: string,
  kind: 'boolean' | 'string' | 'object',
): void => {
  if (isAbsent(value)) return
  const isKind = typeof value === kind && !(kind === 'object' && Array.isArray(value))
  if (!isKind) refuse(pointer, `must be ${kind === 'object' ? 'an object' : `a ${kind}`}`)
}

/** A text, or a bounded list of them; an absent one passes. */
export const checkTexts = (value: unknown, pointer: string, countMax: number): void => {
  if (isAbsent(value) || typeof value === 'string') return
  if (!Array.isArray(value)) refuse(pointer, 'must be a text or an array of texts')
  const texts = value as readonly unknown[]
  if (texts.length > countMax) refuse(pointer, `at most ${countMax} are read`)
  const wrong = texts.findIndex((text) => typeof text !== 'string')
  if (wrong >= 0) refuse(`${pointer}/${wrong}`, 'must be a text')
}
