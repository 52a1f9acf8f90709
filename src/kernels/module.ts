import type { instantiate } from '../../build/kernels.js'
import { Arena } from './memory.ts'

/** The ABI of assembly/index.ts, typed by the compiler that built it. */
export type KernelExports = Awaited<ReturnType<typeof instantiate>>

/** One instance of the kernels with its memory. */
export interface Kernels {
  readonly exports: KernelExports
  readonly arena: Arena
}

/** The worker's types call the constructor abstract, for bytes cannot be compiled there. */
const CompiledModule = WebAssembly.Module as unknown as new (
  bytes: Uint8Array<ArrayBuffer>,
) => WebAssembly.Module

/** One function that uses a relaxed swizzle, the first instruction of relaxed SIMD. */
const RELAXED_PROBE = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0],
  ...[1, 5, 1, 96, 0, 1, 123],
  ...[3, 2, 1, 0],
  ...[10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15, 253, 128, 2, 11],
)

/** Whether this engine takes the build with relaxed SIMD, whose products and sums are fused. */
export const supportsRelaxedSimd = (): boolean => WebAssembly.validate(RELAXED_PROBE)

let current: Kernels | undefined

/**
 * Instantiates the kernels and makes them the ones that getKernels() gives.
 *
 * @param source the compiled module (the only form a Worker takes), or its bytes
 * @throws WebAssembly.CompileError or LinkError when it is not this project's module
 */
export function loadKernels(source: WebAssembly.Module | Uint8Array<ArrayBuffer>): Kernels {
  const module = source instanceof Uint8Array ? new CompiledModule(source) : source
  const exports = new WebAssembly.Instance(module).exports as unknown as KernelExports
  current = { exports, arena: new Arena(exports.memory, exports.heap_base()) }
  return current
}

/** @throws Error when nothing has loaded them: import worker-module.ts, or call loadKernels first */
export function getKernels(): Kernels {
  if (!current) throw new Error('kernels are not loaded')
  return current
}
