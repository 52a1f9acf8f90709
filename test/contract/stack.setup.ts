import type { TestProject } from 'vitest/node'
import { startStack } from '../support/stack.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The started stack's address, without a slash at its end. */
    baseUrl: string
    developmentKey: string
    /** For tests that look at or kill the stack's processes. */
    stateFolder: string
    /** The mock upstream's address, for `createMockControl`. */
    mockUrl: string
  }
}

/** One stack for all files of the project, without the agent, in a folder that is removed at the end. */
export default async (project: TestProject): Promise<() => Promise<void>> => {
  const stack = await startStack({ agent: false })
  project.provide('baseUrl', stack.url)
  project.provide('developmentKey', stack.key)
  project.provide('stateFolder', stack.stateFolder)
  project.provide('mockUrl', stack.mock.url)
  return () => stack.stop()
}
