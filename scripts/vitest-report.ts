import { writeFileSync } from 'node:fs'
import type { Reporter, TestModule } from 'vitest/node'

/** What one vitest run came to; `scripts/test.ts` reads it. */
export interface VitestReport {
  passed: number
  /** Also tests that were not run though nobody asked to skip them. */
  failed: number
  /** Errors outside of any test: a file that cannot be loaded, a hook, a rejection nobody caught. */
  errors: number
  skipped: { name: string; reason: string }[]
}

/** Counts tests, and keeps the reason of each skip, which the JSON reporter leaves out. */
export default class CountingReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const report: VitestReport = { passed: 0, failed: 0, errors: unhandled.length, skipped: [] }
    for (const testModule of modules) {
      report.errors += testModule.errors().length
      for (const suite of testModule.children.allSuites()) report.errors += suite.errors().length
      for (const test of testModule.children.allTests()) {
        const result = test.result()
        if (result.state === 'passed') report.passed++
        else if (result.state === 'failed') report.failed++
        else {
          const note = result.state === 'skipped' ? result.note : undefined
          // Nobody asked to skip it: its file's set-up failed, or the run ended before it.
          if (note === undefined && test.options.mode === 'run') report.failed++
          else report.skipped.push({ name: test.fullName, reason: note ?? 'no reason given' })
        }
      }
    }
    const file = process.env.GJALLAR_VITEST_REPORT
    if (file !== undefined) writeFileSync(file, JSON.stringify(report))
  }
}
