import type { NativeWork } from './native/program.ts'
import type { Load } from './rivals/load.ts'

/** One thing to compute, by us and by others, on the same input. */
export interface BenchCase {
  readonly case: string
  /** Elements of the input. */
  readonly n: number
  readonly unit: 'ns/element'
  /** Elements one call works on: what its time is divided by. */
  readonly elements: number
  /** Bytes of input one call reads; 8 an element where it is absent. */
  readonly inputBytes?: number
  /** One number out of our result; near every rival's. */
  checksum(): number
  /** The same number out of each rival's result. */
  readonly rivalChecksums: Record<string, () => number>
  /** How far, relatively, a rival's checksum may be from ours. */
  readonly tolerance: number
  readonly ours: () => void
  readonly rivals: Record<string, () => void>
  /**
   * Rivals that bench/rivals installs, by the name of their column: each loads its package and gives
   * the work, which returns the checksum. Smoke runs leave them out.
   */
  readonly packages?: Record<string, (load: Load) => () => number>
  /** What the compiled program does on the same input: the columns `native-…`. Not in smoke runs. */
  readonly native?: NativeWork
  /** Gives back what the case holds, once it was measured or compared. */
  close?(): void
}

/** About so many elements a case; smoke is the smallest. */
export type CaseSize = 'smoke' | number
