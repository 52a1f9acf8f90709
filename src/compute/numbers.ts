import { z } from '@hono/zod-openapi'
import { ProblemError, problem } from '../http/problem.ts'
import { Resident } from '../kernels/memory.ts'

/** Numbers of one request at most: what 8 MiB of f32 hold, and what fits the kernels' memory. */
export const VALUES_MAX = 2 ** 21

const FAULTS_MAX = 100

export type Numbers = Float64Array | Float32Array | Resident

/** 413 for more numbers than one request may hold. */
export const tooManyValues = (): ProblemError =>
  new ProblemError(
    problem(413, 'body-too-large', `at most ${VALUES_MAX} numbers a request`, {
      extensions: { valuesMax: VALUES_MAX },
    }),
  )

/** What is wrong with one element; undefined where nothing is. */
const faultOf = (element: unknown, nullable: boolean): string | undefined => {
  if (typeof element === 'number') return Number.isFinite(element) ? undefined : 'must be finite'
  if (element === null && nullable) return undefined
  return nullable ? 'must be a number or null' : 'must be a number'
}

interface NumbersOptions {
  readonly description: string
  /** Whether null stands for NaN; without it null is a fault. */
  readonly nullable: boolean
  readonly lengthMin?: number
}

/**
 * An array of numbers as f64[n]: JSON's array, checked in one plain loop because a schema per element
 * costs more than everything else, or numbers that were read already, as they are. Faults name their
 * element, at most FAULTS_MAX of them.
 */
export const numbersSchema = ({ description, nullable, lengthMin = 0 }: NumbersOptions) =>
  z
    .unknown()
    .transform((value, context): Numbers => {
      const fail = (message: string, path: PropertyKey[] = []): void => {
        context.issues.push({ code: 'custom', message, path, input: undefined })
      }
      if (
        value instanceof Resident ||
        value instanceof Float64Array ||
        value instanceof Float32Array
      ) {
        if (value.length < lengthMin) fail(`must hold at least ${lengthMin} numbers`)
        return value
      }
      if (!Array.isArray(value)) {
        fail('must be an array of numbers')
        return z.NEVER
      }
      if (value.length > VALUES_MAX) throw tooManyValues()
      if (value.length < lengthMin) fail(`must hold at least ${lengthMin} numbers`)
      const numbers = new Float64Array(value.length)
      for (let i = 0; i < value.length; i++) {
        const element: unknown = value[i]
        const fault = faultOf(element, nullable)
        if (fault !== undefined) {
          fail(fault, [i])
          if (context.issues.length >= FAULTS_MAX) break
        }
        numbers[i] = typeof element === 'number' ? element : Number.NaN
      }
      return numbers
    })
    .openapi({
      type: 'array',
      items: { type: nullable ? ['number', 'null'] : 'number' },
      minItems: lengthMin,
      maxItems: VALUES_MAX,
      description,
    })
