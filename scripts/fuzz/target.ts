import { readFileSync } from 'node:fs'
import path from 'node:path'
import { type Kernels, loadKernels } from '../../src/kernels/module.ts'

/** A decoder under fire. */
export interface FuzzTarget {
  /** Well-formed inputs, which are damaged before they are decoded. */
  readonly corpus: readonly Uint8Array[]
  /**
   * Decodes; throws where the decoder does what it must not: an exception of its own, a result that cannot
   * be, one that another decoder does not have.
   *
   * @returns whether it took the input
   */
  decode(input: Uint8Array): boolean
}

/** The built kernels, for a target that needs them. */
export const kernels = (): Kernels =>
  loadKernels(
    new Uint8Array(readFileSync(path.join(import.meta.dirname, '../../build/kernels.wasm'))),
  )

const CANARY_BYTES = 4096
const CANARY = 0xa5

/**
 * Blocks between those that a kernel takes. @returns a check that throws where something was written to
 * one, or a block was not given back
 */
export const guard = ({ arena }: Kernels, warmUp: () => void): (() => void) => {
  const hold = () => {
    const { pointer } = arena.hold(CANARY_BYTES)
    arena.u8(pointer, CANARY_BYTES).fill(CANARY)
    return pointer
  }
  const before = hold()
  warmUp()
  const blocks = [before, hold()]
  const untouched = Buffer.alloc(CANARY_BYTES, CANARY)
  return () => {
    for (const pointer of blocks) {
      if (untouched.compare(arena.u8(pointer, CANARY_BYTES)) !== 0) {
        throw new Error('the kernel wrote outside its blocks')
      }
    }
    if (arena.liveBlocks !== blocks.length) throw new Error('a block was not given back')
  }
}

/** Throws unless it holds. */
export const must = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(what)
}
