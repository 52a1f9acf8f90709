/** Loads the kernels inside the worker, where the bundler gives the .wasm file as a module. */
import wasmModule from '../../build/kernels.wasm'
import { loadKernels } from './module.ts'

loadKernels(wasmModule)

export { getKernels } from './module.ts'
