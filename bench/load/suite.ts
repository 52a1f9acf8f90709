import type { LoadRow } from './report.ts'

export interface LoadOptions {
  quick: boolean
  log(text: string): void
}

export interface Outcome {
  rows: LoadRow[]
  /** What must not happen under load and did; none = passed. */
  faults: string[]
}

/** What a suite's module exports. */
export interface LoadSuite {
  run(options: LoadOptions): Promise<Outcome>
}
