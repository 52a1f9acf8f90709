import { readFileSync } from 'node:fs'
import path from 'node:path'
import { loadKernels } from '../../src/kernels/module.ts'
import type { CaseSize } from '../types.ts'

export const kernels = loadKernels(
  new Uint8Array(readFileSync(path.join(import.meta.dirname, '../../build/kernels.wasm'))),
)

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
