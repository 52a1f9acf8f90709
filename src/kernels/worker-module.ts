/**
 * Loads the kernels inside the worker, where the bundler gives a .wasm file as a compiled module. The
 * engine compiles every imported module with the worker, so both builds must compile: workerd's does
 * since 2023 (docs/decisions/0005). Which of them runs is asked all the same.
 */
import baselineModule from '../../build/kernels.wasm'
import relaxedModule from '../../build/kernels-relaxed.wasm'
import { loadKernels, supportsRelaxedSimd } from './module.ts'

loadKernels(supportsRelaxedSimd() ? relaxedModule : baselineModule)

export { getKernels } from './module.ts'
