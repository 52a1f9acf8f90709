import { decodeText, parseJson } from '../http/body.ts'
import { ProblemError } from '../http/problem.ts'
import { type ObjectFault, scanObject, skipSpace, type TakenValue } from '../kernels/json-object.ts'
import { type Lease, Resident } from '../kernels/memory.ts'
import { getKernels } from '../kernels/module.ts'
import { JsonText, type ParsedArray } from '../kernels/parse.ts'
import { tooManyValues, VALUES_MAX } from './numbers.ts'

/** How the kernel reads a member: numbers and nulls, numbers alone, or rows of numbers. */
export type NumberMember = 'nullable' | 'numbers' | 'rows'

/** Rows of numbers in the kernels' memory, one after the other, none empty. */
export class Rows {
  readonly values: Resident
  readonly count: number
  /** Length of the first row; 0 without rows. */
  readonly dims: number
  /** The first row that is not `dims` long. */
  readonly ragged: { readonly index: number; readonly length: number } | undefined

  constructor(values: Resident, count: number, dims: number, ragged?: Rows['ragged']) {
    this.values = values
    this.count = count
    this.dims = dims
    this.ragged = ragged
  }
}

const COMMA = 0x2c
const OPEN = 0x5b
const CLOSE = 0x5d
const LETTER_N = 0x6e

/** Puts the arrays of one body behind one another into one block. */
class NumberReader {
  readonly #bytes: Uint8Array
  readonly #text: JsonText
  readonly #output: number
  readonly #capacity: number
  #count = 0

  constructor(bytes: Uint8Array, text: JsonText, output: number, capacity: number) {
    this.#bytes = bytes
    this.#text = text
    this.#output = output
    this.#capacity = capacity
  }

  get #end(): number {
    return this.#output + this.#count * 8
  }

  /** Throws ProblemError 413 where the block ends. */
  #array(offset: number, isNullable: boolean): ParsedArray | ObjectFault {
    const found = this.#text.parseNumbers(offset, this.#end, this.#capacity - this.#count)
    if (!found.ok) {
      if (found.error === 'too-many') throw tooManyValues()
      return found
    }
    if (found.nullCount > 0 && !isNullable) {
      // Among numbers no other byte is an n.
      return { ok: false, offset: this.#bytes.indexOf(LETTER_N, offset) }
    }
    this.#count += found.count
    return found
  }

  numbers(offset: number, isNullable: boolean): TakenValue {
    const from = this.#end
    const found = this.#array(offset, isNullable)
    if (!found.ok) return found
    return { ok: true, value: new Resident(from, found.count), end: found.end }
  }

  rows(offset: number): TakenValue {
    const bytes = this.#bytes
    const from = this.#end
    if (bytes[offset] !== OPEN) return { ok: false, offset }
    let at = skipSpace(bytes, offset + 1)
    if (bytes[at] === CLOSE) {
      return { ok: true, value: new Rows(new Resident(from, 0), 0, 0), end: at + 1 }
    }
    let dims = 0
    let ragged: Rows['ragged']
    for (let index = 0; ; index++) {
      const row = this.#array(at, false)
      if (!row.ok) return row
      if (row.count === 0) return { ok: false, offset: at }
      if (index === 0) dims = row.count
      else if (row.count !== dims) ragged ??= { index, length: row.count }
      at = skipSpace(bytes, row.end)
      if (bytes[at] === CLOSE) {
        const values = new Resident(from, (this.#end - from) / 8)
        return { ok: true, value: new Rows(values, index + 1, dims, ragged), end: at + 1 }
      }
      if (bytes[at] !== COMMA) return { ok: false, offset: at }
      at = skipSpace(bytes, at + 1)
    }
  }
}

type Members = Readonly<Record<string, NumberMember>>

/** The object with its numbers in the lease's memory, or the place that the kernel could not read. */
const readObject = (lease: Lease, bytes: Uint8Array, members: Members) => {
  const { arena } = getKernels()
  // A number and what follows it are two bytes at least.
  const capacity = Math.min(bytes.length >>> 1, VALUES_MAX)
  const output = lease.allocate(capacity * 8)
  return arena.lease((textLease) => {
    const reader = new NumberReader(bytes, new JsonText(textLease, bytes), output, capacity)
    return scanObject(bytes, (key, offset) => {
      const member = Object.hasOwn(members, key) ? members[key] : undefined
      if (member === undefined) return undefined
      return member === 'rows' ? reader.rows(offset) : reader.numbers(offset, member === 'nullable')
    })
  })
}

/** The problem of a faulty body with the byte that the kernel stopped at. */
const withByteOffset = (error: unknown, byteOffset: number): unknown => {
  if (!(error instanceof ProblemError) || ![400, 422].includes(error.problem.status)) return error
  return new ProblemError({
    ...error.problem,
    extensions: { ...error.problem.extensions, byteOffset },
  })
}

/**
 * Runs `use` on the value of a JSON body. Where the body is an object whose named members are arrays of
 * numbers, these are Resident or Rows, valid until `use` returns; else it is what JSON.parse makes of
 * the body, and problems that `use` throws carry `byteOffset`, the first byte that no such body has there.
 *
 * Throws ProblemError 400 where the body is not JSON, 413 for more than VALUES_MAX numbers.
 */
export const withJson = <T>(bytes: Uint8Array, members: Members, use: (value: unknown) => T): T => {
  const { arena } = getKernels()
  const outcome = arena.lease((lease): { done: true; value: T } | { done: false; at: number } => {
    const object = readObject(lease, bytes, members)
    if (!object.ok) return { done: false, at: object.offset }
    return { done: true, value: use(Object.fromEntries(object.members)) }
  })
  if (outcome.done) return outcome.value
  try {
    return use(parseJson(decodeText(bytes)))
  } catch (error) {
    throw withByteOffset(error, outcome.at)
  }
}
