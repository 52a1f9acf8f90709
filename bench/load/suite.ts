import type { Server } from '../dashboard/server.ts'
import type { LoadRow } from './report.ts'
import type { LoadStack } from './stack.ts'

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

/** Load without measuring, for `npm run profile`. */
export interface ProfileLoad<Fleet extends { readonly organisationId: string }> {
  seed(server: Server): Promise<Fleet>
  /** @returns sends for so many seconds, again and again; throws where requests fail */
  prepare(stack: LoadStack, fleet: Fleet): (seconds: number) => Promise<void>
}
