/** One thing to compute, by us and by others, on the same input. */
export interface BenchCase {
  readonly case: string
  /** Elements of the input. */
  readonly n: number
  readonly unit: 'ns/element'
  /** Elements one call works on: what its time is divided by. */
  readonly elements: number
  /** One number out of our result; near every rival's. */
  checksum(): number
  /** The same number out of each rival's result. */
  readonly rivalChecksums: Record<string, () => number>
  /** How far, relatively, a rival's checksum may be from ours. */
  readonly tolerance: number
  readonly ours: () => void
  readonly rivals: Record<string, () => void>
}

export type CaseSize = 'smoke' | 'full'
