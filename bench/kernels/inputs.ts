import { readFileSync } from 'node:fs'
import path from 'node:path'
import { loadKernels, supportsRelaxedSimd } from '../../src/kernels/module.ts'
import type { CaseSize } from '../types.ts'

/** The build that a worker takes on this engine; KERNELS=baseline asks for the other. */
const build =
  supportsRelaxedSimd() && process.env.KERNELS !== 'baseline' ? 'kernels-relaxed' : 'kernels'

export const kernels = loadKernels(
  new Uint8Array(readFileSync(path.join(import.meta.dirname, `../../build/${build}.wasm`))),
)

/** One size at a time: the inputs of all would not fit in memory together. */

export const sizesOf = (size: CaseSize): number[] => [size === 'smoke' ? 1000 : size]

/** Log-normal-like percentages from a fixed seed (42). */
export function percentages(n: number): Float64Array<ArrayBuffer> {
  let state = 42
  const uniform = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return (state + 0.5) / 4_294_967_296
  }
  return Float64Array.from({ length: n }, () => 100 * uniform() ** 3)
}

/** Values in the kernels' memory from the first time they are asked for, with room for results. */
export const resident = (values: Float64Array | Float32Array, outputBytes: number) => {
  const { arena } = kernels
  let lease: ReturnType<typeof arena.openLease> | undefined
  let at = { input: 0, output: 0 }
  return {
    get: () => {
      if (!lease) {
        lease = arena.openLease()
        at = { input: lease.copyIn(values), output: lease.allocate(outputBytes) }
      }
      return at
    },
    close: () => lease?.close(),
  }
}
