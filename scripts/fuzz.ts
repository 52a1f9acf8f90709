/**
 * Fuzzes decoders: `node scripts/fuzz.ts [TARGET…] [--seconds 60] [--seed 42]`, all targets by default.
 * Each gets well-formed inputs that were damaged at random, the same ones for the same seed. Ends with 1,
 * and the input in hex, where a decoder does what it must not.
 */
import { mutate, randomOf } from './fuzz/mutate.ts'
import type { FuzzTarget } from './fuzz/target.ts'
import { TARGETS } from './fuzz/targets.ts'

/** One input of at most a mebibyte must not take longer. */
const INPUT_MS_MAX = 1_000

export interface FuzzOutcome {
  readonly inputs: number
  /** Inputs that the decoder took in spite of the damage. */
  readonly taken: number
  readonly slowestMs: number
}

/** A decoder did what it must not. */
export class FuzzFinding extends Error {
  readonly input: Uint8Array
  constructor(input: Uint8Array, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    this.input = input
  }
}

const tryInput = (target: FuzzTarget, input: Uint8Array): { taken: boolean; tookMs: number } => {
  const startedMs = performance.now()
  try {
    const taken = target.decode(input)
    const tookMs = performance.now() - startedMs
    if (tookMs > INPUT_MS_MAX) throw new Error(`took ${tookMs.toFixed(0)} ms`)
    return { taken, tookMs }
  } catch (error) {
    throw new FuzzFinding(input, error)
  }
}

/** Runs until `isOver`; the corpus as it is comes first. @throws FuzzFinding */
export const fuzz = (
  target: FuzzTarget,
  seed: number,
  isOver: (inputs: number) => boolean,
): FuzzOutcome => {
  for (const input of target.corpus) {
    if (!tryInput(target, input).taken) {
      throw new FuzzFinding(input, new Error('a well-formed input is refused'))
    }
  }
  const random = randomOf(seed)
  let inputs = 0
  let taken = 0
  let slowestMs = 0
  for (; !isOver(inputs); inputs++) {
    const outcome = tryInput(target, mutate(target.corpus, random))
    if (outcome.taken) taken++
    slowestMs = Math.max(slowestMs, outcome.tookMs)
  }
  return { inputs, taken, slowestMs }
}

interface Options {
  readonly names: readonly string[]
  readonly seconds: number
  readonly seed: number
}

const optionsOf = (given: readonly string[]): Options => {
  const names: string[] = []
  const numbers = { seconds: 60, seed: 42 }
  for (let i = 0; i < given.length; i++) {
    const name = given[i] ?? ''
    if (name === '--seconds' || name === '--seed') {
      numbers[name === '--seed' ? 'seed' : 'seconds'] = Number(given[++i])
    } else names.push(name)
  }
  const unknown = names.filter((name) => !Object.hasOwn(TARGETS, name))
  if (unknown.length > 0 || !(numbers.seconds > 0) || !Number.isInteger(numbers.seed)) {
    console.error(
      `node scripts/fuzz.ts [${Object.keys(TARGETS).join('|')}]… [--seconds N] [--seed N]`,
    )
    process.exit(2)
  }
  return { names: names.length > 0 ? names : Object.keys(TARGETS), ...numbers }
}

if (import.meta.main) {
  const { names, seconds, seed } = optionsOf(process.argv.slice(2))
  for (const name of names) {
    const endMs = performance.now() + seconds * 1000
    try {
      const target = TARGETS[name]?.()
      if (!target) continue
      const { inputs, taken, slowestMs } = fuzz(target, seed, () => performance.now() > endMs)
      console.log(
        `${name.padEnd(16)} ${inputs} inputs, ${taken} of them taken, ${inputs - taken} refused; the slowest took ${slowestMs.toFixed(1)} ms`,
      )
    } catch (error) {
      console.error(`${name}: ${error instanceof Error ? error.stack : error}`)
      if (error instanceof FuzzFinding) console.error(Buffer.from(error.input).toString('hex'))
      process.exitCode = 1
    }
  }
}
