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
