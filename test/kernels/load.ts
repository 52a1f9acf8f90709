import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadKernels } from '../../src/kernels/module.ts'

/** The built kernels, instantiated afresh for the file that imports this. */
export const kernels = loadKernels(
  new Uint8Array(readFileSync(join(import.meta.dirname, '../../build/kernels.wasm'))),
)
