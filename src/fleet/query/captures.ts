import { err, ok, type Result } from '../../result.ts'
import { takes } from '../series/pattern.ts'
import {
  type CharSet,
  PATTERN_LENGTH_MAX,
  PatternFault,
  type PatternNode,
  PatternParser,
} from '../series/pattern-parser.ts'
import { CAPTURE_VISITS_MAX } from './limits.ts'
import { limitFault } from './query-error.ts'

/** Instructions of a pattern with groups; its repetitions are written out. */
const INSTRUCTIONS_MAX = 2_000

type Instruction =
  | { readonly op: 'set'; readonly set: CharSet; next: number }
  /** Goes on at `next`, and where that fails at `other`. */
  | { readonly op: 'split'; next: number; other: number }
  | { readonly op: 'save'; readonly slot: number; next: number }
  | { readonly op: 'begin' | 'end'; next: number }
  | { readonly op: 'match' }

/** What a pattern captured: the whole text first, then its groups; undefined where a group took no part. */
export interface Captures {
  readonly groups: ReadonlyArray<string | undefined>
  readonly names: ReadonlyMap<string, number>
}

export interface CapturingPattern {
  /**
   * Null where the whole of the text does not match. Throws QueryFault when the texts so far took more than
   * `CAPTURE_VISITS_MAX`.
   */
  capture(text: string): Captures | null
}

class Compiler {
  readonly program: Instruction[] = []
  readonly names = new Map<string, number>()
  groups = 1

  #emit<I extends Instruction>(instruction: I): I {
    if (this.program.length >= INSTRUCTIONS_MAX)
      throw new PatternFault('the pattern is too large when its repetitions are written out')
    this.program.push(instruction)
    return instruction
  }

  get #here(): number {
    return this.program.length
  }

  add(node: PatternNode): void {
    switch (node.kind) {
      case 'empty':
        return
      case 'begin':
      case 'end':
        this.#emit({ op: node.kind, next: this.#here + 1 })
        return
      case 'set':
        this.#emit({ op: 'set', set: node.set, next: this.#here + 1 })
        return
      case 'sequence':
        for (const part of node.nodes) this.add(part)
        return
      case 'group':
        this.groups = Math.max(this.groups, node.number + 1)
        if (node.name !== '') this.names.set(node.name, node.number)
        this.#emit({ op: 'save', slot: 2 * node.number, next: this.#here + 1 })
        this.add(node.node)
        this.#emit({ op: 'save', slot: 2 * node.number + 1, next: this.#here + 1 })
        return
      case 'alternatives':
        this.#alternatives(node.nodes)
        return
      case 'repeat':
        this.#repeat(node)
    }
  }

  end(): void {
    this.#emit({ op: 'match' })
  }

  #split(): Extract<Instruction, { op: 'split' }> {
    return this.#emit({ op: 'split', next: this.#here + 1, other: this.#here + 1 })
  }

  #alternatives(nodes: readonly PatternNode[]): void {
    const jumps: Extract<Instruction, { op: 'split' }>[] = []
    nodes.forEach((node, index) => {
      const split = index < nodes.length - 1 ? this.#split() : null
      this.add(node)
      if (!split) return
      jumps.push(this.#split())
      split.other = this.#here
    })
    for (const jump of jumps) jump.next = jump.other = this.#here
  }

  #repeat({ node, min, max, lazy }: Extract<PatternNode, { kind: 'repeat' }>): void {
    for (let count = 0; count < min; count++) this.add(node)
    const aim = (split: Extract<Instruction, { op: 'split' }>, body: number, out: number) => {
      split.next = lazy ? out : body
      split.other = lazy ? body : out
    }
    if (!Number.isFinite(max)) {
      const start = this.#here
      const split = this.#split()
      this.add(node)
      const back = this.#split()
      back.next = back.other = start
      aim(split, start + 1, this.#here)
      return
    }
    const splits: [Extract<Instruction, { op: 'split' }>, number][] = []
    for (let count = min; count < max; count++) {
      splits.push([this.#split(), this.#here])
      this.add(node)
    }
    for (const [split, body] of splits) aim(split, body, this.#here)
  }
}

/**
 * Backtracking that never looks at an instruction twice at one position, so that its time is linear in
 * the text's length. Source: BitState of RE2.
 */
class Backtracker implements CapturingPattern {
  readonly #compiler: Compiler
  #visits = 0

  constructor(compiler: Compiler) {
    this.#compiler = compiler
  }

  capture(text: string): Captures | null {
    const { program, groups, names } = this.#compiler
    const points = Array.from(text)
    const width = points.length + 1
    this.#visits += program.length * width
    if (this.#visits > CAPTURE_VISITS_MAX)
      throw limitFault(
        `a pattern looks at no more than ${CAPTURE_VISITS_MAX} characters times its size`,
        null,
      )
    const visited = new Uint8Array(program.length * width)
    const slots = new Array<number>(2 * groups).fill(-1)
    /** Triples: instruction and position to try, or −1 with a slot and what it held. */
    const stack: number[] = [0, 0, 0]
    while (stack.length > 0) {
      const [held, position, at] = [stack.pop() ?? 0, stack.pop() ?? 0, stack.pop() ?? 0]
      if (at < 0) {
        slots[position] = held
        continue
      }
      if (visited[at * width + position] !== 0) continue
      visited[at * width + position] = 1
      const instruction = program[at]
      if (!instruction) continue
      if (instruction.op === 'match') {
        if (position < points.length) continue
        const found = slots.map((slot) => slot)
        const group = (index: number) => {
          const [from, to] = [found[2 * index] ?? -1, found[2 * index + 1] ?? -1]
          return from < 0 || to < 0 ? undefined : points.slice(from, to).join('')
        }
        return {
          groups: Array.from({ length: groups }, (_, index) => (index === 0 ? text : group(index))),
          names,
        }
      }
      if (instruction.op === 'set') {
        const point = points[position]?.codePointAt(0)
        const { set, next } = instruction
        if (point !== undefined && set.negated !== takes(set, point))
          stack.push(next, position + 1, 0)
      } else if (instruction.op === 'split')
        stack.push(instruction.other, position, 0, instruction.next, position, 0)
      else if (instruction.op === 'save') {
        stack.push(-1, instruction.slot, slots[instruction.slot] ?? -1)
        slots[instruction.slot] = position
        stack.push(instruction.next, position, 0)
      } else if (position === (instruction.op === 'begin' ? 0 : points.length))
        stack.push(instruction.next, position, 0)
    }
    return null
  }
}

/** A pattern in RE2's syntax whose groups are captured, or a sentence that says what is wrong with it. */
export const compileCapturing = (text: string): Result<CapturingPattern, string> => {
  if (text.length > PATTERN_LENGTH_MAX)
    return err(`a pattern has at most ${PATTERN_LENGTH_MAX} characters, this one ${text.length}`)
  try {
    const compiler = new Compiler()
    compiler.add(new PatternParser(text).parse())
    compiler.end()
    return ok(new Backtracker(compiler))
  } catch (error) {
    if (error instanceof PatternFault) return err(error.message)
    throw error
  }
}
