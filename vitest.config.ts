import { existsSync } from 'node:fs'
import { defineConfig } from 'vitest/config'

const node = (name: string, include: string[], extra: Record<string, unknown> = {}) => ({
  test: { name, include, environment: 'node' as const, ...extra },
})

export default defineConfig({
  test: {
    projects: [
      node('unit', ['test/**/*.test.ts'], {
        exclude: ['test/**/*.{worker,sql,contract,browser,faults}.test.ts'],
        // No test is about time; a machine with other work takes several times as long.
        testTimeout: 60_000,
      }),
      ...(existsSync('test/vitest.worker.config.ts') ? ['./test/vitest.worker.config.ts'] : []),
      node('sql', ['test/database/**/*.sql.test.ts'], {
        globalSetup: ['test/database/postgres.setup.ts'],
        fileParallelism: false,
        testTimeout: 30_000,
        hookTimeout: 60_000,
      }),
      node('contract', ['test/contract/**/*.contract.test.ts'], {
        globalSetup: ['test/contract/stack.setup.ts'],
        fileParallelism: false,
        testTimeout: 30_000,
        hookTimeout: 120_000,
      }),
      node('browser', ['test/browser/**/*.browser.test.ts'], {
        globalSetup: ['test/contract/stack.setup.ts'],
        fileParallelism: false,
        testTimeout: 60_000,
        hookTimeout: 120_000,
      }),
      node('faults', ['test/faults/**/*.faults.test.ts'], {
        fileParallelism: false,
        testTimeout: 180_000,
        hookTimeout: 120_000,
      }),
    ],
  },
})
