import { err, ok, type Result } from '../../result.ts'
import {
  type CharSet,
  PATTERN_LENGTH_MAX,
  PatternFault,
  type PatternNode,
  PatternParser,
} from './pattern-parser.ts'

/** Instructions of a compiled pattern; repetitions are written out, so `(a{1000}){1000}` is refused. */
const INSTRUCTIONS_MAX = 5_000
/** States of the automaton kept at one time; beyond, all are forgotten and made anew. */
const STATES_MAX = 256
/** Code points beyond ASCII whose successor a state remembers. */
const WIDE_STEPS_MAX = 256

export interface Pattern {
  /** Whether the whole of the text matches. Linear in its length, whatever the pattern. */
  matches(text: string): boolean
}

const holds = (set: CharSet, point: number): boolean => {
  const { ranges } = set
  for (let index = 0; index < ranges.length; index += 2)
    if (point >= (ranges[index] as number) && point <= (ranges[index + 1] as number)) return true
  if (set.nested.some((inner) => inner.negated !== takes(inner, point))) return true
  if (set.properties.length === 0) return false
  const text = String.fromCodePoint(point)
  return set.properties.some((property) => property.test(text))
}

/** Whether a code point is in the set, before the set's negation. */
export const takes = (set: CharSet, point: number): boolean => {
  if (holds(set, point)) return true
  if (!set.foldCase) return false
  const text = String.fromCodePoint(point)
  return [text.toLowerCase(), text.toUpperCase()].some(
    (folded) => folded !== text && holds(set, folded.codePointAt(0) ?? 0),
  )
}

const SET = 0
const SPLIT = 1
const BEGIN = 2
const END = 3
const MATCH = 4

interface Instruction {
  readonly op: number
  readonly set: CharSet | null
  next: number
  other: number
}

/** Thompson's construction: the fragment's instructions, whose way out is the `next` behind the last. */
class Program {
  readonly instructions: Instruction[] = []

  #emit(op: number, set: CharSet | null = null): Instruction {
    if (this.instructions.length >= INSTRUCTIONS_MAX)
      throw new PatternFault('the pattern is too large when its repetitions are written out')
    const next = this.instructions.length + 1
    const instruction = { op, set, next, other: next }
    this.instructions.push(instruction)
    return instruction
  }

  end(): void {
    this.#emit(MATCH)
  }

  add(node: PatternNode): void {
    switch (node.kind) {
      case 'empty':
        return
      case 'begin':
        this.#emit(BEGIN)
        return
      case 'end':
        this.#emit(END)
        return
      case 'set':
        this.#emit(SET, node.set)
        return
      case 'sequence':
        for (const part of node.nodes) this.add(part)
        return
      case 'alternatives':
        this.#alternatives(node.nodes)
        return
      case 'group':
        this.add(node.node)
        return
      case 'repeat':
        this.#repeat(node.node, node.min, node.max)
    }
  }

  #alternatives(nodes: readonly PatternNode[]): void {
    const jumps: Instruction[] = []
    nodes.forEach((node, index) => {
      const split = index < nodes.length - 1 ? this.#emit(SPLIT) : null
      this.add(node)
      if (!split) return
      jumps.push(this.#emit(SPLIT))
      split.other = this.instructions.length
    })
    for (const jump of jumps) jump.next = jump.other = this.instructions.length
  }

  #repeat(node: PatternNode, min: number, max: number): void {
    for (let count = 0; count < min; count++) this.add(node)
    if (!Number.isFinite(max)) {
      const split = this.#emit(SPLIT)
      const start = this.instructions.length - 1
      this.add(node)
      this.#emit(SPLIT).next = start
      const back = this.instructions[this.instructions.length - 1] as Instruction
      back.other = start
      split.other = this.instructions.length
      return
    }
    const splits: Instruction[] = []
    for (let count = min; count < max; count++) {
      splits.push(this.#emit(SPLIT))
      this.add(node)
    }
    for (const split of splits) split.other = this.instructions.length
  }
}

interface State {
  readonly instructions: readonly number[]
  readonly ascii: Array<State | undefined>
  readonly wide: Map<number, State>
  isMatch: boolean | undefined
}

/** An automaton whose states are made when a text first needs them. */
class Automaton implements Pattern {
  readonly #program: readonly Instruction[]
  #states = new Map<string, State>()
  #start: State | null = null

  constructor(program: readonly Instruction[]) {
    this.#program = program
  }

  /** Every instruction that is reached without taking a character. */
  #closure(from: readonly number[], atBegin: boolean, atEnd: boolean): number[] {
    const seen = new Set<number>()
    const waiting = [...from]
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      if (seen.has(at)) continue
      seen.add(at)
      const instruction = this.#program[at]
      if (!instruction) continue
      const { op, next, other } = instruction
      if (op === SPLIT) waiting.push(next, other)
      else if ((op === BEGIN && atBegin) || (op === END && atEnd)) waiting.push(next)
    }
    return [...seen].sort((a, b) => a - b)
  }

  #stateOf(from: readonly number[], atBegin: boolean): State {
    const instructions = this.#closure(from, atBegin, false)
    const key = instructions.join()
    const known = this.#states.get(key)
    if (known) return known
    if (this.#states.size >= STATES_MAX) {
      this.#states = new Map()
      // It leads to all the others.
      this.#start = null
    }
    const state = { instructions, ascii: [], wide: new Map(), isMatch: undefined }
    this.#states.set(key, state)
    return state
  }

  #step(state: State, point: number): State {
    const reached: number[] = []
    for (const at of state.instructions) {
      const instruction = this.#program[at]
      if (instruction?.set && instruction.set.negated !== takes(instruction.set, point))
        reached.push(instruction.next)
    }
    return this.#stateOf(reached, false)
  }

  matches(text: string): boolean {
    let state = this.#start ?? this.#stateOf([0], true)
    this.#start = state
    for (let index = 0; index < text.length; ) {
      const point = text.codePointAt(index) ?? 0
      index += point > 0xffff ? 2 : 1
      let next = point < 128 ? state.ascii[point] : state.wide.get(point)
      if (!next) {
        next = this.#step(state, point)
        if (point < 128) state.ascii[point] = next
        else if (state.wide.size < WIDE_STEPS_MAX) state.wide.set(point, next)
      }
      state = next
      if (state.instructions.length === 0) return false
    }
    state.isMatch ??= this.#closure(state.instructions, text.length === 0, true).some(
      (at) => this.#program[at]?.op === MATCH,
    )
    return state.isMatch
  }
}

/** A pattern in RE2's syntax that must match whole texts, or a sentence that says what is wrong with it. */
export const compilePattern = (text: string): Result<Pattern, string> => {
  if (text.length > PATTERN_LENGTH_MAX)
    return err(`a pattern has at most ${PATTERN_LENGTH_MAX} characters, this one ${text.length}`)
  try {
    const program = new Program()
    program.add(new PatternParser(text).parse())
    program.end()
    return ok(new Automaton(program.instructions))
  } catch (error) {
    if (error instanceof PatternFault) return err(error.message)
    throw error
  }
}
