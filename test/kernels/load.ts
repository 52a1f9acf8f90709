import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadKernels } from '../../src/kernels/module.ts'

/** Both builds of the kernels; their results lie within the same bounds. */
export const BUILDS = ['kernels', 'kernels-relaxed'] as const

const bytesOf = (build: (typeof BUILDS)[number]) =>
  new Uint8Array(readFileSync(join(import.meta.dirname, `../../build/${build}.wasm`)))

/** The built kernels, instantiated afresh for the file that imports this. */
export const kernels = loadKernels(bytesOf('kernels'))

/** Makes one of the builds the one that getKernels() gives from now on. */
export const useBuild = (build: (typeof BUILDS)[number]) => loadKernels(bytesOf(build))
